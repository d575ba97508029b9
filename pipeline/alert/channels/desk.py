"""The duty desk of a kelurahan.

The desk reads the store, so a notice is delivered by the very transaction that marks its outbox row as sent and puts
the receipt into the incident's timeline: exactly one, whatever crashes.
"""

from collections.abc import Mapping, Set

from pipeline.alert.channels.base import Abilities, Channel, Outcome, Sent
from pipeline.ops.clock import Clock
from pipeline.ops.settings import Settings
from pipeline.store.tables import Notice, OutboxRow


class DeskChannel:
    """All desks of the city. Updates need no notice: the desk sees the incident itself."""

    name = "desk"
    targets: Set[str] | None = None
    takes: Set[Notice] = frozenset({"opened", "escalated", "test", "drill"})
    lease_s = 1.0
    instant = True
    abilities = Abilities(in_place="yes", receipt="delivered", picture="yes", signed="yes", later="acknowledged")

    @classmethod
    def build(cls, _settings: Settings, _environment: Mapping[str, str], _clock: Clock) -> list[Channel]:
        """Return the one instance."""
        return [cls()]

    def deliver(self, row: OutboxRow) -> Outcome:
        """Accept: the row's transaction is the delivery."""
        return Sent({"receipt": "delivered", "desk": row.target.removeprefix("desk:")})

    def close(self) -> None:
        """Nothing to let go of."""
