"""What the desk says of an escalation: to whom an undecided incident has gone up, and when it goes on."""

from dataclasses import dataclass
from typing import get_args

from pipeline.city.levels import level_name
from pipeline.city.registry import Kelurahan
from pipeline.desk.areas import EVERYWHERE
from pipeline.ops.duty import Level
from pipeline.store.areas import covers
from pipeline.store.escalation_rules import ABOVE, LEVELS
from pipeline.store.escalation_tables import EscalationRow
from pipeline.store.escalations import is_open
from pipeline.store.tables import IncidentRow

GROUPS = {"kecamatan": 3, "kota": 2}
"""How many groups the code of a level's area has."""


@dataclass(frozen=True)
class Countdown:
    """An escalation in words, by names of levels. Times are epoch ms.

    `reached` was told last ('' while only the post was), after `asked` had not accepted for `waited_s`; `mine` says
    that it is the reader's own. `next` is told at `due_ms`, None when it does not go up any more. `unanswered`: the
    city room did not accept either.
    """

    reached: str
    asked: str
    waited_s: int
    mine: bool
    next: str
    due_ms: int | None
    unanswered: bool


def countdown_of(
    row: EscalationRow | None, incident: IncidentRow, ward: Kelurahan | None, areas: tuple[str, ...]
) -> Countdown | None:
    """Return what is said of an escalation; None where nothing is: somebody has decided, or it has not gone up.

    Args:
        row: The escalation, None where there is none.
        incident: The incident.
        ward: Its kelurahan.
        areas: The reader's areas.
    """
    if row is None or incident.decision != "waiting":
        return None
    told: list[tuple[Level, int]] = [(level, int(at_ms)) for level, at_ms in row.asked if level in get_args(Level)]
    names = [level_name(level, ward, incident.kelurahan) for level, _ in told]
    above = ABOVE[row.level] if row.level != "nobody" else "nobody"
    due = row.due_ms if is_open(incident) and above != "nobody" else None
    if len(told) < 2 and due is None:
        return None
    return Countdown(
        reached=names[-1] if len(told) > 1 else "",
        asked=names[-2] if len(told) > 1 else "",
        waited_s=max(0, told[-1][1] - told[-2][1]) // 1000 if len(told) > 1 else 0,
        mine=len(told) > 1 and _watches(told[-1][0], incident.kelurahan, areas),
        next=level_name(LEVELS[LEVELS.index(told[-1][0]) + 1], ward, incident.kelurahan) if due is not None else "",
        due_ms=due,
        unanswered=row.level == "nobody",
    )


def _watches(level: Level, kelurahan: str, areas: tuple[str, ...]) -> bool:
    """Say whether a person with these areas sits at this level of the incident's place."""
    if level == "city":
        return EVERYWHERE in areas
    groups = GROUPS.get(level, 4)
    return any(covers(area, kelurahan) and len(area.split(".")) == groups for area in areas if area != EVERYWHERE)
