"""The maximal covering location problem (Church and ReVelle 1974) in whole numbers, so that sums are exact.

Facilities 0..sites-1 are candidates. Behind them stand existing cameras that may be moved: open at the beginning. Rows
are what is to be covered, each with a weight in millionths of a need. Points that the same facilities cover are one
row.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from pipeline.ops.errors import ConfigError
from pipeline.siting.views import Ints

N = TypeVar("N", np.int64, np.float64)
MICRO = 1_000_000
"""Millionths of a need in one need."""


@dataclass(frozen=True)
class Floor:
    """At least `least` sites of an area; `members` are its candidates."""

    area: str
    name: str
    members: frozenset[int]
    least: int


@dataclass(frozen=True)
class Problem:
    """What is to be solved. `start` and `index` hold the rows of each facility (compressed); `cost` is a site's price.

    `budget` bounds the prices. Up to `moves` existing cameras may be taken down; each then serves a site for
    `move_cost` instead of `cost`.
    """

    start: Ints
    index: Ints
    weight: Ints
    cost: Ints
    budget: int
    floors: tuple[Floor, ...] = ()
    force_in: frozenset[int] = frozenset()
    force_out: frozenset[int] = frozenset()
    moves: int = 0
    move_cost: Ints = field(default_factory=lambda: np.empty(0, np.int64))

    @property
    def sites(self) -> int:
        """How many candidates there are."""
        return len(self.cost)

    @property
    def facilities(self) -> int:
        """Candidates and cameras that may be moved."""
        return len(self.start) - 1

    def rows(self, facility: int) -> Ints:
        """Return the rows that a facility covers."""
        return self.index[self.start[facility] : self.start[facility + 1]]

    def sums(self, value: npt.NDArray[N]) -> npt.NDArray[N]:
        """Return, for each facility, the sum of a value over its rows."""
        running = np.concatenate([np.zeros(1, value.dtype), np.cumsum(value[self.index], dtype=value.dtype)])
        found: npt.NDArray[N] = running[self.start[1:]] - running[self.start[:-1]]
        return found

    @cached_property
    def uniform(self) -> bool:
        """Whether all sites cost the same: then the budget is a number of sites."""
        return bool(self.sites == 0 or (self.cost == self.cost[0]).all())


@dataclass(frozen=True)
class Solution:
    """Sites that are open, which of them moved cameras serve, cameras taken down, and what they cover more than today.

    `value` and `bound` are millionths of a need; no solution is worth more than `bound`. `proof` says who proved it.
    """

    sites: tuple[int, ...]
    value: int
    bound: int
    moved: tuple[int, ...] = ()
    freed: tuple[int, ...] = ()
    spent: int = 0
    method: str = "greedy"
    proof: str = "lagrange"

    @property
    def gap(self) -> float:
        """How far the value may be from the best, as a share of the best possible, 0..1."""
        return max(0.0, 1 - self.value / self.bound) if self.bound > 0 else 0.0


@dataclass(frozen=True)
class Units:
    """The parts of points that rows are made of: which point, its weight (millionths), its row."""

    point: Ints
    weight: Ints
    row: Ints


def compress(covers: Sequence[Iterable[int]]) -> tuple[Ints, Ints]:
    """Return `start` and `index` of lists of rows."""
    parts = [np.asarray(cover if isinstance(cover, np.ndarray) else list(cover), np.int64) for cover in covers]
    start = np.concatenate([np.zeros(1, np.int64), np.cumsum([len(part) for part in parts], dtype=np.int64)])
    return start, np.concatenate(parts) if parts else np.empty(0, np.int64)


def aggregate(covers: Sequence[Ints], weight: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Make one row of all units that the same facilities cover; units that nobody covers have no row (-1).

    Args:
        covers: Units of each facility.
        weight: Weight of each unit.

    Returns:
        `start` and `index` of the facilities over the new rows, the rows' weights, and each unit's row.
    """
    start, index = compress(covers)
    facility = np.repeat(np.arange(len(covers)), np.diff(start))
    order = np.lexsort((facility, index))
    unit, by_unit = index[order], facility[order]
    first, ends = np.unique(unit, return_index=True)
    edges = [*ends.tolist(), len(unit)]
    known: dict[bytes, int] = {}
    row = np.full(len(weight), -1, np.int64)
    groups: list[Ints] = []
    for number, unit_id in enumerate(first.tolist()):
        who = by_unit[edges[number] : edges[number + 1]]
        row[unit_id] = known.setdefault(who.tobytes(), len(known))
        if row[unit_id] == len(groups):
            groups.append(who)
    total = np.zeros(len(groups), np.int64)
    np.add.at(total, row[row >= 0], weight[row >= 0])
    rows = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    who = np.concatenate(groups) if groups else np.empty(0, np.int64)
    by_facility = np.lexsort((rows, who))
    counts = np.bincount(who, minlength=len(covers)) if len(who) else np.zeros(len(covers), np.int64)
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)]), rows[by_facility], total, row


def check_problem(problem: Problem, owed: int | None, missing: Sequence[str], say: str) -> None:
    """Refuse what cannot be met.

    Args:
        problem: The problem.
        owed: The cheapest way to meet forced sites and floors; None when an area lacks candidates.
        missing: Names of those areas.
        say: The budget in words.

    Raises:
        ConfigError: No candidates, an area without enough candidates, or a budget below what is demanded.
    """
    if problem.sites == 0:
        raise ConfigError("tidak ada calon lokasi: beri permintaan, CSV calon (--candidates), atau kisi (grid)")
    if owed is None:
        shown = ", ".join(missing[:8]) + (f" dan {len(missing) - 8} lagi" if len(missing) > 8 else "")
        raise ConfigError(f"jumlah minimum tidak dapat dipenuhi: calon lokasi kurang di {shown}")
    if owed > problem.budget:
        raise ConfigError(f"anggaran {say} tidak cukup untuk lokasi yang diwajibkan dan jumlah minimum wilayah")
    cheapest = min((int(cost) for j, cost in enumerate(problem.cost) if j not in problem.force_out), default=None)
    if cheapest is None:
        raise ConfigError("tidak ada calon lokasi: semuanya dilarang")
    if cheapest > problem.budget and not problem.moves:
        raise ConfigError(f"anggaran {say} tidak cukup untuk satu lokasi pun")
