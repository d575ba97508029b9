"""Which record of an incident replaces which: pure rules, the same for a replay as for the first time."""

from collections.abc import Set
from dataclasses import dataclass
from typing import Literal

from pipeline.bus.records import Incident, State

Effect = Literal["opened", "updated", "closed", "reopened", "ignored"]
"""What a record does to what is known."""


@dataclass(frozen=True)
class Known:
    """What the store knows of an incident before a record comes."""

    revision: int
    state: State
    witnesses: frozenset[str]


@dataclass(frozen=True)
class Change:
    """What a record did, why, and which cameras it brought as new witnesses (the opening brings all of them)."""

    effect: Effect
    reason: str
    joined: tuple[str, ...] = ()

    @property
    def applied(self) -> bool:
        """Whether the record became what is known."""
        return self.effect != "ignored"


def cameras_of(incident: Incident) -> tuple[str, ...]:
    """Return the incident's cameras, its own first, each once."""
    return tuple(dict.fromkeys((incident.camera, *(witness.camera for witness in incident.witnesses))))


def judge(known: Known | None, incident: Incident) -> Change:
    """Decide what a record does.

    A first record opens, whatever its state: a compacted topic may hold only a later one, and nobody has heard of it
    yet. Afterwards a higher revision replaces; the same or a lower one changes nothing.
    """
    if known is None:
        reason = "first record" if incident.state == "opened" else f"first record seen is already {incident.state}"
        return Change("opened", reason, cameras_of(incident))
    if incident.revision <= known.revision:
        reason = "same revision again" if incident.revision == known.revision else "older revision"
        return Change("ignored", f"{reason}: {incident.revision}, known {known.revision}")
    joined = _joined(known.witnesses, incident)
    if incident.state == "closed":
        return Change("closed", "nothing seen any more", joined)
    if known.state == "closed":
        return Change("reopened", "seen again after closing", joined)
    return Change("updated", f"{', '.join(joined)} joined" if joined else "newer revision", joined)


def _joined(before: Set[str], incident: Incident) -> tuple[str, ...]:
    """Return the cameras that were not witnesses before."""
    return tuple(camera for camera in cameras_of(incident) if camera not in before)
