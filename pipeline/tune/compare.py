"""What other rules would have changed: incidents that were raised against those of a replay. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline.bus.records import Incident
from pipeline.confirm.rules import family
from pipeline.ops.sections import Kind

Fate = Literal["same", "earlier", "later", "not_raised", "new"]
FATES: tuple[Fate, ...] = ("same", "earlier", "later", "not_raised", "new")
Truth = Literal["true", "false", "unsure", "unknown"]
SLACK_MS = 120_000
"""Incidents of one camera and family that lie so near in time are the same event."""


@dataclass(frozen=True)
class Raised:
    """An incident as it is compared: when it opened and ended (epoch ms; open ones end with the span), what it was.

    `truth` is what people said of it, `unknown` for one that only a replay raised.
    """

    id: str
    kind: Kind
    cameras: frozenset[str]
    opened_ms: int
    ended_ms: int
    score: float
    truth: Truth = "unknown"


@dataclass(frozen=True)
class Changed:
    """What became of one incident: `by_ms` is how much later (below zero: earlier) it would have been raised."""

    fate: Fate
    before: Raised | None
    after: Raised | None
    by_ms: int = 0


def raised_of(incident: Incident, end_ms: int, truth: Truth = "unknown") -> Raised:
    """Return a record of the bus as it is compared."""
    cameras = frozenset((incident.camera, *(witness.camera for witness in incident.witnesses)))
    ended = incident.closed_ms if incident.closed_ms is not None else end_ms
    return Raised(incident.id, incident.kind, cameras, incident.opened_ms, ended, incident.score, truth)


def compare(before: Sequence[Raised], after: Sequence[Raised]) -> list[Changed]:
    """Pair what was raised with what would have been, the nearest in time first; each counts once.

    Returns:
        One entry for each pair, each incident that would not have been raised, and each new one, by opening time.
    """
    near = sorted(
        (abs(one.opened_ms - other.opened_ms), one.id, other.id, one, other)
        for one in before
        for other in after
        if _same_event(one, other)
    )
    used: set[tuple[str, str]] = set()
    found: list[Changed] = []
    for _, first, second, one, other in near:
        if ("before", first) in used or ("after", second) in used:
            continue
        used |= {("before", first), ("after", second)}
        by = other.opened_ms - one.opened_ms
        fate: Fate = "same" if by == 0 else "later" if by > 0 else "earlier"
        found.append(Changed(fate, one, other, by))
    found += [Changed("not_raised", one, None) for one in before if ("before", one.id) not in used]
    found += [Changed("new", None, other) for other in after if ("after", other.id) not in used]
    return sorted(found, key=lambda one: _opened(one))


def _opened(changed: Changed) -> tuple[int, str]:
    """Return the order of a list of changes."""
    raised = changed.before or changed.after
    assert raised is not None
    return raised.opened_ms, raised.id


def _same_event(one: Raised, other: Raised) -> bool:
    """Say whether two incidents are of one event: a camera in common, one family, at the same time or nearly."""
    if family(one.kind) != family(other.kind) or not one.cameras & other.cameras:
        return False
    return one.opened_ms - SLACK_MS <= other.ended_ms and other.opened_ms - SLACK_MS <= one.ended_ms


def sums(changes: Sequence[Changed]) -> dict[str, dict[str, int]]:
    """Return the number of incidents by fate and by what people said of them."""
    table: dict[str, dict[str, int]] = {fate: {} for fate in FATES}
    for changed in changes:
        truth = changed.before.truth if changed.before else "unknown"
        table[changed.fate][truth] = table[changed.fate].get(truth, 0) + 1
    return table
