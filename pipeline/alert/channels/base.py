"""What a channel is, and what may become of a delivery."""

from collections.abc import Set
from dataclasses import dataclass, field
from typing import Literal, Protocol, get_args, runtime_checkable

from pipeline.store.tables import Document, Notice, OutboxRow

NOTICES: Set[Notice] = frozenset(get_args(Notice)) - {"still"}
"""Every notice that tells somebody something; `still` is work of the stage itself."""


@dataclass(frozen=True)
class Abilities:
    """What a channel can do, as docs/alerts.md shows it and tests prove it.

    `in_place`: later notices replace what is shown. `receipt`: what a `sent` row knows (`accepted`: a provider took
    it; `delivered`: the receiver itself did). `later`: the most that the receiver may say afterwards. `picture`: the
    still goes with it. `signed`: the receiver can tell that it is from us. That a delivery is tried again, and that
    tests are marked, is not listed: it is so for every channel alike.
    """

    in_place: Literal["yes", "no"]
    receipt: Literal["accepted", "delivered"]
    picture: Literal["yes", "no"]
    signed: Literal["yes", "no"]
    later: Literal["no", "seen", "acknowledged"] = "no"


@dataclass(frozen=True)
class Sent:
    """The target took it; `receipt` is what it said, kept with the row and in the timeline."""

    receipt: Document = field(default_factory=dict)


@dataclass(frozen=True)
class Retry:
    """It did not go through and is worth trying again.

    `label` is one word for the metrics, `reason` one line for a person. An `outage` counts for the target's circuit
    breaker. `after_s` is a wait that the target itself asked for.
    """

    label: str
    reason: str
    outage: bool = True
    after_s: float | None = None


@dataclass(frozen=True)
class Refused:
    """The target will never take this one: trying again is of no use. The target itself is well."""

    label: str
    reason: str


Outcome = Sent | Retry | Refused


class Channel(Protocol):
    """A way to tell somebody."""

    @property
    def name(self) -> str:
        """The channel as routing and the outbox name it."""

    @property
    def targets(self) -> Set[str] | None:
        """The targets that this instance serves; None = all of its name."""

    @property
    def takes(self) -> Set[Notice]:
        """The notices that make sense here."""

    @property
    def lease_s(self) -> float:
        """The longest that one delivery takes, s: a row is leased for more than that."""

    def deliver(self, row: OutboxRow) -> Outcome:
        """Deliver one row; never raises for what the target does."""

    def close(self) -> None:
        """Let go of connections."""


@runtime_checkable
class Instant(Protocol):
    """A channel whose delivery is the transaction that records it: a whole batch is one."""

    instant: bool


@runtime_checkable
class Opens(Protocol):
    """A channel that holds a connection all the time: its lane opens it before the first delivery."""

    def open(self) -> None:
        """Begin to connect; returns at once and never raises for what the other side does."""
