"""When an incident that nobody accepts goes one level up: pure rules over a standing and the time.

A level's deadline runs from when that level was told, for the duty post from when its first notice was sent. A level
that was never told has missed nothing: after an outage of whatever length an incident goes up by one level, not four.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from pipeline.ops.duty import Deadlines, Level
from pipeline.ops.section import Kind

Reached = Literal["post", "kecamatan", "kota", "city", "nobody"]
"""Who was told last: a level; `nobody` is left once the city room's deadline is over, too."""
LEVELS: tuple[Level, ...] = ("post", "kecamatan", "kota", "city")
ABOVE: Mapping[Reached, Reached] = {"post": "kecamatan", "kecamatan": "kota", "kota": "city", "city": "nobody"}


@dataclass(frozen=True)
class Standing:
    """How far an incident was told of. Times are epoch ms.

    `level` was told at `since_ms`. `due_ms` is when the one above is told; None while the escalation is held, with
    `left_ms` of the deadline left, or when nobody is left to be told.
    """

    level: Reached
    since_ms: int
    due_ms: int | None
    left_ms: int | None = None

    @property
    def held(self) -> bool:
        """Whether somebody has decided, or nothing is seen any more, before everybody was told."""
        return self.left_ms is not None


def limit_ms(level: Reached, kind: Kind, deadlines: Mapping[Kind, Deadlines]) -> int:
    """Return how long a level has to accept an incident of this kind, ms; 0 for `nobody`."""
    if level == "nobody":
        return 0
    limits = deadlines.get(kind, Deadlines())
    seconds = {"post": limits.post_s, "kecamatan": limits.kecamatan_s, "kota": limits.kota_s, "city": limits.city_s}
    return int(1000 * seconds[level])


def begin(at_ms: int, limit: int) -> Standing:
    """Return the standing of an incident that its post is about to be told of; `limit` in ms."""
    return Standing("post", at_ms, at_ms + limit)


def first_sent(standing: Standing, at_ms: int) -> Standing:
    """Return the standing once the first notice was sent: the post's deadline runs from then, not from before."""
    if standing.level != "post":
        return standing
    later = at_ms - standing.since_ms
    return replace(standing, since_ms=at_ms, due_ms=None if standing.due_ms is None else standing.due_ms + later)


def follow(standing: Standing, open_: bool, at_ms: int) -> Standing:
    """Return the standing after a decision, its undoing, a closing or a reopening.

    Args:
        standing: As it was.
        open_: Whether the incident goes on and nobody has decided.
        at_ms: When that began to be so.
    """
    if open_ and standing.left_ms is not None:
        return replace(standing, due_ms=at_ms + standing.left_ms, left_ms=None)
    if not open_ and standing.due_ms is not None:
        return replace(standing, due_ms=None, left_ms=max(0, standing.due_ms - at_ms))
    return standing


def due_level(standing: Standing, at_ms: int) -> Reached | None:
    """Return the level that is to be told now (`nobody`: the city room's deadline is over); None when none is."""
    return None if standing.due_ms is None or at_ms < standing.due_ms else ABOVE[standing.level]


def advance(standing: Standing, at_ms: int, limit: int) -> Standing:
    """Return the standing once the level above is told; `limit` is that level's deadline, ms."""
    level = ABOVE[standing.level]
    return Standing(level, at_ms, None if level == "nobody" else at_ms + limit)


def overdue_levels(standing: Standing, at_ms: int) -> tuple[Level, ...]:
    """Return the levels whose deadline is over: those below the one told last, and that one too once it is due."""
    told = len(LEVELS) if standing.level == "nobody" else LEVELS.index(standing.level)
    return LEVELS[: told + (due_level(standing, at_ms) is not None)]
