"""A solution in the making: what is open, how often each row is covered, what has been spent; and its floors."""

from collections.abc import Collection

import numpy as np

from pipeline.siting.problem import Problem, Solution
from pipeline.siting.views import Bools, Ints

Snapshot = tuple[frozenset[int], frozenset[int], frozenset[int]]
"""Sites that are open, those of them that moved cameras serve, cameras taken down."""


class Floors:
    """The least number of sites by area. Areas are nested or apart, as codes of kelurahan, kecamatan and kota are."""

    def __init__(self, problem: Problem) -> None:
        self._cost = problem.cost
        wanted = [floor for floor in problem.floors if floor.least > 0]
        self._floors = sorted(wanted, key=lambda floor: len(floor.members))
        self._cheapest = [
            sorted(floor.members - problem.force_out, key=lambda j: (int(problem.cost[j]), j)) for floor in self._floors
        ]

    def owed(self, opened: Collection[int]) -> int | None:
        """Return what the cheapest sites that meet all floors cost more; None when candidates lack.

        Taking the cheapest from the smallest area up is optimal, as the areas are nested (a laminar matroid).
        """
        taken, total = set(opened), 0
        for floor, members in zip(self._floors, self._cheapest, strict=True):
            short = floor.least - len(floor.members & taken)
            if short <= 0:
                continue
            more = [j for j in members if j not in taken][:short]
            if len(more) < short:
                return None
            taken.update(more)
            total += int(self._cost[more].sum())
        return total

    def lacking(self, opened: Collection[int]) -> list[str]:
        """Return the names of areas that have too few candidates."""
        taken = set(opened)
        return [
            floor.name
            for floor, members in zip(self._floors, self._cheapest, strict=True)
            if len(set(members) | (floor.members & taken)) < floor.least
        ]

    def kept(self, opened: Collection[int]) -> bool:
        """Say whether these sites meet all floors."""
        taken = set(opened)
        return all(len(floor.members & taken) >= floor.least for floor in self._floors)

    def may_replace(self, opened: Collection[int], gone: int, sites: int) -> Bools:
        """Return which sites may stand in for one that goes, so that no floor breaks."""
        good = np.ones(sites, bool)
        taken = set(opened)
        for floor in self._floors:
            if gone in floor.members and len(floor.members & taken) <= floor.least:
                inside = np.zeros(sites, bool)
                inside[list(floor.members)] = True
                good &= inside
        return good


class State:
    """A solution in the making; begins with the forced sites and every existing camera in its place."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.floors = Floors(problem)
        self.count = np.zeros(len(problem.weight), np.int64)
        self.opened: set[int] = set()
        self.moved: set[int] = set()
        self.freed: set[int] = set()
        self.spent = 0
        self.value = 0
        for facility in range(problem.sites, problem.facilities):
            self.count[problem.rows(facility)] += 1
        for site in sorted(problem.force_in):
            self.add(site)

    @property
    def left(self) -> int:
        """What of the budget is left."""
        return self.problem.budget - self.spent

    def gain(self, facility: int) -> int:
        """Return the weight that only this facility would add."""
        rows = self.problem.rows(facility)
        return int(self.problem.weight[rows][self.count[rows] == 0].sum())

    def loss(self, facility: int) -> int:
        """Return the weight that nothing would cover without this facility."""
        rows = self.problem.rows(facility)
        return int(self.problem.weight[rows][self.count[rows] == 1].sum())

    def gains(self) -> Ints:
        """Return every site's gain; -1 for those that are open or may not be opened."""
        free = np.where(self.count == 0, self.problem.weight, 0)
        found = self.problem.sums(free)[: self.problem.sites]
        closed = [*self.opened, *self.problem.force_out]
        found[closed] = -1
        return found

    def add(self, site: int, *, moved: bool = False) -> int:
        """Open a site, by a moved camera or a new one; return its gain."""
        gain = self.gain(site)
        self.count[self.problem.rows(site)] += 1
        self.opened.add(site)
        self.spent += int(self.problem.move_cost[site] if moved else self.problem.cost[site])
        if moved:
            self.moved.add(site)
        self.value += gain
        return gain

    def drop(self, site: int) -> int:
        """Close a site; return its loss."""
        loss = self.loss(site)
        self.count[self.problem.rows(site)] -= 1
        self.opened.remove(site)
        by_move = site in self.moved
        self.moved.discard(site)
        self.spent -= int(self.problem.move_cost[site] if by_move else self.problem.cost[site])
        self.value -= loss
        return loss

    def free(self, camera: int) -> int:
        """Take an existing camera down; return its loss."""
        loss = self.loss(camera)
        self.count[self.problem.rows(camera)] -= 1
        self.freed.add(camera)
        self.value -= loss
        return loss

    def restore(self, camera: int) -> None:
        """Put an existing camera back."""
        self.freed.remove(camera)
        self.value += self.gain(camera)
        self.count[self.problem.rows(camera)] += 1

    def snapshot(self) -> Snapshot:
        """Return what is open now, to come back to."""
        return frozenset(self.opened), frozenset(self.moved), frozenset(self.freed)

    def revert(self, snapshot: Snapshot) -> None:
        """Come back to what was open then."""
        opened, moved, freed = snapshot
        for site in [j for j in self.opened if j not in opened or (j in self.moved) != (j in moved)]:
            self.drop(site)
        for camera in sorted(self.freed - freed):
            self.restore(camera)
        for camera in sorted(freed - self.freed):
            self.free(camera)
        for site in sorted(opened - self.opened):
            self.add(site, moved=site in moved)

    def solution(self, bound: int, method: str, proof: str) -> Solution:
        """Return it as a solution."""
        return Solution(
            tuple(sorted(self.opened)), self.value, max(bound, self.value), tuple(sorted(self.moved)),
            tuple(sorted(self.freed)), self.spent, method, proof,
        )  # fmt: skip


def state_of(problem: Problem, sites: Collection[int], moved: Collection[int], freed: Collection[int]) -> State:
    """Return the state in which exactly these sites are open."""
    state = State(problem)
    state.revert((frozenset(sites), frozenset(moved), frozenset(freed)))
    return state
