"""Why each site was chosen, and what each request that was not chosen would have displaced.

Sites are told in the order in which they add most. A site's `marginal` is what it adds to those before it, so the
marginals (and the losses of cameras that were taken down) add up to the value of the plan exactly.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipeline.siting.build import Built
from pipeline.siting.problem import Problem, Solution
from pipeline.siting.state import State, state_of
from pipeline.siting.views import Ints


@dataclass(frozen=True)
class Reason:
    """Why a site is there, in millionths of a need.

    `marginal` is what it adds to the sites before it; `alone` what nothing else in the plan would cover without it;
    `groups` splits the marginal by a group of the points (it adds up to it); `points` are those it adds.
    """

    facility: int
    marginal: int
    alone: int
    groups: dict[str, int]
    points: tuple[int, ...]


@dataclass(frozen=True)
class Displaced:
    """What opening a site that was not chosen would mean: `gain` of it, the sites that would go with their losses.

    `change` of the plan's value is what comes of it; None when floors and forced sites leave no room.
    """

    site: int
    gain: int
    gone: tuple[tuple[int, int], ...]
    change: int | None


class Explainer:
    """Explains one solution.

    Args:
        built: The problem and its parts.
        solution: The solution.
    """

    def __init__(self, built: Built, solution: Solution) -> None:
        self._problem: Problem = built.problem
        self._solution = solution
        self._weight = built.units.weight
        self._point = built.units.point
        order = np.argsort(built.units.row, kind="stable")
        edges = np.searchsorted(built.units.row[order], np.arange(len(built.problem.weight) + 1))
        self._units: list[Ints] = [order[a:b] for a, b in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)]
        self.state = state_of(built.problem, solution.sites, solution.moved, solution.freed)
        once = np.where(self.state.count == 1, built.problem.weight, 0)
        self._losses = built.problem.sums(once)

    def reasons(self, group: Callable[[int], str]) -> tuple[list[Reason], list[tuple[int, int]]]:
        """Return the reasons of the sites in their order, and the losses of the cameras taken down (below zero)."""
        state = State(self._problem)
        for site in sorted(state.opened):
            state.drop(site)
        losses = [(camera, -state.free(camera)) for camera in self._solution.freed]
        left = set(self._solution.sites)
        reasons = []
        while left:
            free = np.where(state.count == 0, self._problem.weight, 0)
            gains = self._problem.sums(free)
            site = max(left, key=lambda j: (gains[j] / int(self._problem.cost[j]), -j))
            rows = self._problem.rows(site)
            new = [unit for row in rows[state.count[rows] == 0].tolist() for unit in self._units[row].tolist()]
            marginal = state.add(site)
            reasons.append(self._reason(site, marginal, new, group))
            left.remove(site)
        return reasons, losses

    def _reason(self, site: int, marginal: int, units: list[int], group: Callable[[int], str]) -> Reason:
        """Make one reason of the parts that a site adds."""
        groups: dict[str, int] = defaultdict(int)
        for unit in units:
            groups[group(int(self._point[unit]))] += int(self._weight[unit])
        points = tuple(sorted({int(self._point[unit]) for unit in units if self._weight[unit] > 0}))
        return Reason(site, marginal, int(self._losses[site]), dict(sorted(groups.items())), points)

    @staticmethod
    def value(problem: Problem, solution: Solution) -> int:
        """Return what a solution is worth in a problem of the same candidates with other weights."""
        return state_of(problem, solution.sites, solution.moved, solution.freed).value

    def displaced(self, sites: Ints) -> Displaced | None:
        """Return what the best of these sites would have displaced; None when there is none that may be opened."""
        problem, state = self._problem, self.state
        may = [int(j) for j in sites if int(j) not in problem.force_out]
        if not may:
            return None
        site = max(may, key=lambda j: (state.gain(j), -int(problem.cost[j]), -j))
        before, value = state.snapshot(), state.value
        gain, gone = state.add(site), []
        losses = self._losses
        while state.left < 0:
            order = sorted(
                state.opened - problem.force_in - {site},
                key=lambda j: (int(losses[j]) / max(1, self._paid(j)), j),
            )
            out = next((j for j in order if self._paid(j) > 0 and state.floors.kept(state.opened - {j})), None)
            if out is None:
                state.revert(before)
                return Displaced(site, gain, (), None)
            gone.append((out, state.drop(out)))
        change = state.value - value
        state.revert(before)
        return Displaced(site, gain, tuple(gone), change)

    def _paid(self, site: int) -> int:
        """Return what a site of the plan costs."""
        return int(self._problem.move_cost[site] if site in self.state.moved else self._problem.cost[site])
