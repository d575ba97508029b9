"""What a channel is, and what may become of a delivery."""

from collections.abc import Set
from dataclasses import dataclass, field
from typing import Protocol

from pipeline.store.tables import Document, Notice, OutboxRow


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
