"""The exact solution by HiGHS (MIT), a mixed-integer program with the greedy solution as its start.

Maximise the weight of covered rows; a row is covered when one of its facilities is open. Rows that one facility alone
covers need no variable of their own: they are part of that facility's worth.
"""

from collections.abc import Sequence
from math import floor, gcd
from typing import Any

import highspy
import numpy as np

from pipeline.ops.errors import ConfigError
from pipeline.siting.greedy import greedy
from pipeline.siting.problem import MICRO, Problem, Solution
from pipeline.siting.state import state_of
from pipeline.siting.views import Floats, Ints

THREADS = 1
"""The search itself uses one; the other core is left to the desk and the stages."""


def exact(problem: Problem, gap: float, time_limit_s: float, start: Solution | None = None) -> Solution:
    """Solve by branch and cut; the problem must have been checked.

    Args:
        problem: The problem.
        gap: Stop when the value is this near to the best possible (share); 0: proven best.
        time_limit_s: Stop after this long; the gap that is left is stated.
        start: A solution to begin with; the greedy one when left out.

    Returns:
        The better of what HiGHS found and the start.
    """
    start = start or greedy(problem)
    model = _Model(problem)
    # The class below highspy.Highs: that one writes a banner to standard output before it can be told not to.
    solver: Any = highspy.Highs.__bases__[0]()
    for option, value in (
        ("output_flag", False), ("mip_rel_gap", gap), ("mip_abs_gap", 0.0 if gap == 0 else 1e-6),
        ("time_limit", time_limit_s), ("threads", THREADS), ("random_seed", 1),
    ):  # fmt: skip
        solver.setOptionValue(option, value)
    solver.passModel(model.lp())
    begin = highspy.HighsSolution()
    begin.col_value = model.values(start).tolist()
    solver.setSolution(begin)
    solver.run()
    status = solver.getModelStatus()
    if status == highspy.HighsModelStatus.kInfeasible:
        raise ConfigError("jumlah minimum, lokasi wajib dan anggaran tidak dapat dipenuhi bersama")
    info = solver.getInfo()
    found = start
    if info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible:
        read = model.read(np.asarray(solver.getSolution().col_value))
        found = max((read, start) if read.spent <= problem.budget else (start,), key=lambda one: one.value)
    bound = floor(info.mip_dual_bound * MICRO - model.already + 1) if np.isfinite(info.mip_dual_bound) else start.bound
    if status == highspy.HighsModelStatus.kOptimal and gap == 0:
        bound = found.value
    bound = max(found.value, min(bound, start.bound))
    return Solution(found.sites, found.value, bound, found.moved, found.freed, found.spent, "exact", "highs")


class _Model:
    """Columns: sites, sites served by moved cameras (when moves are allowed), standing cameras, covered rows."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        covering = np.bincount(problem.index, minlength=len(problem.weight))
        self.shared = np.flatnonzero(covering >= 2)
        self.moves = problem.moves > 0
        self.standing = problem.sites * (2 if self.moves else 1)
        self.first_row = self.standing + problem.facilities - problem.sites
        today = np.zeros(len(problem.weight), bool)
        for camera in range(problem.sites, problem.facilities):
            today[problem.rows(camera)] = True
        self.already = int(problem.weight[today].sum())
        self._own = covering == 1

    def lp(self) -> highspy.HighsLp:
        """Return the program."""
        problem, columns = self.problem, self.first_row + len(self.shared)
        lp = highspy.HighsLp()
        own = problem.sums(np.where(self._own, problem.weight, 0)).astype(float)
        parts = [own[: problem.sites]] * (2 if self.moves else 1) + [own[problem.sites :]]
        worth = np.concatenate([*parts, problem.weight[self.shared].astype(float)])
        lower, upper = np.zeros(columns), np.ones(columns)
        for offset in (0, problem.sites) if self.moves else (0,):
            upper[[offset + j for j in problem.force_out]] = 0
        if not self.moves:
            lower[list(problem.force_in)] = 1
        triples, low, high = self._constraints()
        lp.num_col_, lp.num_row_ = columns, len(low)
        lp.col_cost_, lp.col_lower_, lp.col_upper_ = worth / MICRO, lower, upper
        lp.row_lower_, lp.row_upper_ = low, high
        lp.sense_ = highspy.ObjSense.kMaximize
        row, column, value = triples
        order = np.lexsort((column, row))
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_ = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(low)))]).astype(np.int32)
        lp.a_matrix_.index_ = column[order].astype(np.int32)
        lp.a_matrix_.value_ = value[order]
        whole, part = highspy.HighsVarType.kInteger, highspy.HighsVarType.kContinuous
        lp.integrality_ = [whole] * self.first_row + [part] * len(self.shared)
        return lp

    def _constraints(self) -> tuple[tuple[Ints, Ints, Floats], Floats, Floats]:
        """Return the matrix as (row, column, value) and each row's bounds."""
        problem, blocks = self.problem, _Blocks()
        number = np.full(len(problem.weight), -1, np.int64)
        number[self.shared] = np.arange(len(self.shared))
        facility = np.repeat(np.arange(problem.facilities), np.diff(problem.start))
        inside = number[problem.index] >= 0
        rows, who = number[problem.index[inside]], facility[inside]
        at = np.where(who < problem.sites, who, who - problem.sites + self.standing)
        parts = [(rows, at, 1.0), (np.arange(len(self.shared)), self.first_row + np.arange(len(self.shared)), -1.0)]
        if self.moves:
            site = who < problem.sites
            parts.append((rows[site], who[site] + problem.sites, 1.0))
        blocks.add(parts, len(self.shared), 0.0, np.inf)
        sites = np.arange(problem.sites)
        # In the largest coin that divides all prices the budget can be rounded down: no tolerance lets it be overdrawn.
        coin = gcd(*problem.cost.tolist(), *problem.move_cost.tolist())
        scale = float(problem.cost.max() // coin)
        price = [(sites * 0, sites, (problem.cost // coin) / scale)]
        if self.moves:
            price.append((sites * 0, sites + problem.sites, (problem.move_cost // coin) / scale))
        blocks.add(price, 1, -np.inf, (problem.budget // coin) / scale)
        for limit in problem.floors:
            blocks.add(self._together(np.array(sorted(limit.members), np.int64)), 1, float(limit.least), np.inf)
        if self.moves:
            self._moving(blocks)
        return blocks.triples(), np.array(blocks.low), np.array(blocks.high)

    def _together(self, sites: Ints) -> list[tuple[Ints, Ints, float]]:
        """Return the parts of a constraint on how many of these sites are open."""
        offsets = (0, self.problem.sites) if self.moves else (0,)
        return [(sites * 0, sites + offset, 1.0) for offset in offsets]

    def _moving(self, blocks: "_Blocks") -> None:
        """Add: a site is served once, forced ones surely; a moved camera was taken down; not too many are."""
        problem, sites = self.problem, np.arange(self.problem.sites)
        blocks.add([(sites, sites, 1.0), (sites, sites + problem.sites, 1.0)], problem.sites, -np.inf, 1.0)
        for site in sorted(problem.force_in):
            blocks.add(self._together(np.array([site])), 1, 1.0, 1.0)
        standing = np.arange(self.standing, self.first_row)
        parts = [(sites * 0, sites + problem.sites, 1.0), (standing * 0, standing, 1.0)]
        blocks.add(parts, 1, -np.inf, float(len(standing)))
        blocks.add([(standing * 0, standing, 1.0)], 1, float(len(standing) - problem.moves), np.inf)

    def values(self, solution: Solution) -> Floats:
        """Return the columns of a solution."""
        problem = self.problem
        found = np.zeros(self.first_row + len(self.shared))
        moved = set(solution.moved)
        for site in solution.sites:
            found[site + (problem.sites if site in moved else 0)] = 1
        found[self.standing : self.first_row] = 1
        found[[camera - problem.sites + self.standing for camera in solution.freed]] = 0
        state = state_of(problem, solution.sites, solution.moved, solution.freed)
        found[self.first_row :] = state.count[self.shared] > 0
        return found

    def read(self, column: Floats) -> Solution:
        """Return the solution that columns mean, counted anew in whole numbers."""
        problem = self.problem
        bought = {int(j) for j in np.flatnonzero(column[: problem.sites] > 0.5)}
        moved = set()
        if self.moves:
            moved = {int(j) for j in np.flatnonzero(column[problem.sites : self.standing] > 0.5)}
        down = np.flatnonzero(column[self.standing : self.first_row] < 0.5) + problem.sites
        state = state_of(problem, bought | moved, moved, {int(camera) for camera in down})
        return state.solution(state.value, "exact", "highs")


class _Blocks:
    """A matrix that grows by blocks of rows."""

    def __init__(self) -> None:
        self.low: list[float] = []
        self.high: list[float] = []
        self._parts: list[tuple[Ints, Ints, Floats]] = []

    def add(self, parts: Sequence[tuple[Ints, Ints, float | Floats]], rows: int, low: float, high: float) -> None:
        """Add rows with the same bounds; each part is (row within the block, column, value)."""
        for row, column, value in parts:
            self._parts.append((row + len(self.low), column, np.broadcast_to(np.asarray(value, float), row.shape)))
        self.low += [low] * rows
        self.high += [high] * rows

    def triples(self) -> tuple[Ints, Ints, Floats]:
        """Return all rows, columns and values."""
        rows, columns, values = zip(*self._parts, strict=True)
        return np.concatenate(rows), np.concatenate(columns), np.concatenate(values)
