"""`siaga replay`: recorded observations through the same confirm code with other rules, without any inference."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pipeline.bus.records import Incident, Observation, decode
from pipeline.city.registry import Registry
from pipeline.confirm.machine import new_city, step, tick
from pipeline.confirm.rules import Rulebook
from pipeline.confirm.state import Outcome
from pipeline.ops.errors import RecordError
from pipeline.ops.settings import Settings

TICK_MS = 1_000
"""Time alone decides (a camera that went silent) at most this often, ms of capture time."""


@dataclass
class Replayed:
    """What a replay gave: the latest revision of each incident, how many observations went in, what was held back.

    `held` counts reasons by kind.
    """

    incidents: dict[str, Incident] = field(default_factory=dict)
    observations: int = 0
    unreadable: int = 0
    held: dict[tuple[str, str], int] = field(default_factory=dict)

    def take(self, outcome: Outcome) -> None:
        """Add the outcome of a step."""
        for incident in outcome.incidents:
            self.incidents[incident.id] = incident
        for reason in outcome.reasons:
            self.held[reason] = self.held.get(reason, 0) + 1


def revisions(
    settings: Settings, registry: Registry, values: Iterable[bytes], said: Replayed | None = None
) -> Iterator[Incident]:
    """Yield every revision of every incident that these observations make, by the rules of the settings.

    The clock is the capture time of the observations: `decided_ms` is that of the one that decided.

    Args:
        settings: The rules.
        registry: Cameras and their places.
        values: Observations as they lay on the bus, in the order of the line.
        said: Where the sums go.
    """
    said = said if said is not None else Replayed()
    city = new_city(Rulebook(settings, registry))
    told_ms = newest_ms = 0
    for value in values:
        try:
            observation = decode(Observation, value)
        except RecordError:
            said.unreadable += 1
            continue
        said.observations += 1
        newest_ms = max(newest_ms, observation.captured_ms)
        outcome = step(city, observation, newest_ms)
        if outcome.incidents or outcome.reasons:
            said.take(outcome)
            yield from outcome.incidents
        if newest_ms - told_ms >= TICK_MS:
            told_ms = newest_ms
            outcome = tick(city, newest_ms)
            if outcome.incidents:
                said.take(outcome)
                yield from outcome.incidents


def replay(settings: Settings, registry: Registry, values: Iterable[bytes]) -> Replayed:
    """Return what observations make of other rules; arguments as in `revisions`."""
    said = Replayed()
    for _ in revisions(settings, registry, values, said):
        pass
    return said
