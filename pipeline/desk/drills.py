"""Drills as the desk shows them: what runs now, and how each post answered the last ones. Pure, from rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from pipeline.city.registry import Kelurahan
from pipeline.store.drills_tables import DrillRow

SHOWN = 3
"""Running drills shown one by one on every page; an overseer of a whole city gets a line that counts the others."""
HISTORY = 6
"""Drills shown for each post."""


@dataclass(frozen=True)
class Running:
    """A drill (`drill`) or test (`test`) that can be accepted now; epoch ms."""

    id: str
    sort: str
    post: str
    kecamatan: str
    at_ms: int
    until_ms: int


@dataclass(frozen=True)
class Held:
    """One drill of a post: `outcome` is accepted, missed, skipped or running; `seconds` is how long accepting took."""

    id: str
    at_ms: int
    outcome: str
    seconds: float | None
    by: str


@dataclass(frozen=True)
class PostDrills:
    """A post with its last drills, the newest first."""

    code: str
    name: str
    kecamatan: str
    kota: str
    held: tuple[Held, ...]

    @property
    def last(self) -> Held:
        """The newest one."""
        return self.held[0]


@dataclass(frozen=True)
class Overview:
    """The posts by how they answered their last drill, and the figures of the newest day."""

    day_ms: int | None
    took_part: int
    answered: int
    median_s: float | None
    groups: Mapping[str, tuple[PostDrills, ...]]


def running_view(rows: Iterable[DrillRow], wards: Mapping[str, Kelurahan]) -> list[Running]:
    """Return what runs, by name of its post."""
    return [
        Running(row.id, row.sort, wards[row.post].name if row.post in wards else row.post,
                wards[row.post].kecamatan if row.post in wards else "", row.at_ms, row.until_ms)
        for row in rows
    ]  # fmt: skip


def outcome_of(row: DrillRow, now_ms: int) -> str:
    """Return how a drill went."""
    if row.skipped is not None:
        return "skipped"
    if row.answered_ms is not None:
        return "accepted"
    return "missed" if row.missed_ms is not None or row.until_ms <= now_ms else "running"


def overview(rows: Sequence[DrillRow], wards: Mapping[str, Kelurahan], now_ms: int) -> Overview:
    """Return drills by post; those that did not answer their last one stand first.

    Args:
        rows: Drills, the newest first.
        wards: Kelurahan by code.
        now_ms: Now.
    """
    by_post: dict[str, list[Held]] = {}
    for row in rows:
        held = Held(row.id, row.at_ms, outcome_of(row, now_ms), row.seconds, row.answered_by or "")
        by_post.setdefault(row.post, []).append(held)
    groups: dict[str, list[PostDrills]] = {"missed": [], "running": [], "accepted": [], "skipped": []}
    for code, all_held in by_post.items():
        ward = wards.get(code, Kelurahan(code, code, "", "", 0, 0))
        post = PostDrills(code, ward.name, ward.kecamatan, ward.kota, tuple(all_held[:HISTORY]))
        groups[post.last.outcome].append(post)
    newest = max((post.last.at_ms for posts in groups.values() for post in posts), default=None)
    day = [
        post.last for posts in groups.values() for post in posts
        if newest is not None and newest - post.last.at_ms < 3_600_000 and post.last.outcome != "skipped"
    ]  # fmt: skip
    times = [held.seconds for held in day if held.seconds is not None]
    return Overview(
        day_ms=newest,
        took_part=len(day),
        answered=len(times),
        median_s=median(times) if times else None,
        groups={
            outcome: tuple(sorted(posts, key=lambda post: (post.kota, post.kecamatan, post.name)))
            for outcome, posts in groups.items()
        },
    )
