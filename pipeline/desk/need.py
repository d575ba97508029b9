"""What needs a decision most: pure."""

from collections.abc import Sequence
from typing import Final, Protocol, TypeVar

RANK: Final = {"fire": 0, "brawl": 1, "flood": 2, "smoke": 3}
SURE: Final = {"tinggi": 0, "sedang": 1, "rendah": 2}


class Needy(Protocol):
    """What the order is made of."""

    @property
    def kind(self) -> str:
        """Kind of the incident."""

    @property
    def sure(self) -> str:
        """How sure, in a word of words.py."""

    @property
    def closed_ms(self) -> int | None:
        """When it was seen no more, epoch ms; None while it is seen."""

    @property
    def first_seen_ms(self) -> int:
        """When it was seen first, epoch ms."""


N = TypeVar("N", bound=Needy)


def urgency(item: Needy) -> tuple[bool, int, int, int]:
    """Return a key that is smaller the more an incident needs somebody.

    What is still seen comes before what is over, then the kind that harms soonest, then how sure, then the one that
    has waited longest.
    """
    return (item.closed_ms is not None, RANK.get(item.kind, 9), SURE.get(item.sure, 9), item.first_seen_ms)


def by_need(items: Sequence[N]) -> list[N]:
    """Return incidents, the largest need first."""
    return sorted(items, key=urgency)
