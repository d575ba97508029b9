"""Which test proves which cell of the table in docs/alerts.md."""

from collections.abc import Callable
from typing import TypeVar

F = TypeVar("F", bound=Callable[..., object])
PROVEN: set[tuple[str, str]] = set()


def proves(channel: str, *cells: str) -> Callable[[F], F]:
    """Mark a test: it shows these abilities of a channel (in_place, receipt, picture, retry, signed)."""

    def mark(test: F) -> F:
        PROVEN.update((channel, cell) for cell in cells)
        return test

    return mark
