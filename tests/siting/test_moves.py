"""Moves of existing cameras against cities that were tried out whole."""

from itertools import combinations

import numpy as np
import pytest

from pipeline.siting.exact import exact
from pipeline.siting.greedy import greedy
from pipeline.siting.problem import Floor, Problem, aggregate
from pipeline.siting.state import Floors, state_of

SITES, CAMERAS, MOVES, BUDGET, MOVE_COST = 8, 4, 2, 70, 10


def city(seed: int) -> Problem:
    """Eight candidates with prices, four cameras that may be moved; one area needs a site, one site is forced."""
    dice = np.random.default_rng(seed)
    where, need = dice.uniform(0, 60, (SITES + CAMERAS, 2)), dice.uniform(0, 60, (40, 2))
    near = np.hypot(*(where[:, None] - need[None]).transpose(2, 0, 1)) <= 14
    start, index, rows, _ = aggregate([np.flatnonzero(line) for line in near], dice.integers(1, 1_000_000, 40))
    cost = dice.choice([25, 30, 45], SITES)
    floors = (Floor("a", "A", frozenset({0, 1, 2}), 1),)
    forced = frozenset({3}) if seed % 3 == 0 else frozenset()
    return Problem(
        start, index, rows, cost, BUDGET, floors, forced, frozenset(), MOVES, np.full(SITES, MOVE_COST, np.int64)
    )  # fmt: skip


def best_by_trying(problem: Problem) -> int:
    """Every choice of sites, of those that moved cameras serve, and of cameras taken down."""
    best, floors = -1, Floors(problem)
    cameras = range(problem.sites, problem.facilities)
    for size in range(SITES + 1):
        for sites in combinations(range(SITES), size):
            if not (problem.force_in <= set(sites) and floors.kept(sites)):
                continue
            for moves in range(min(MOVES, size) + 1):
                dearest = sorted(sites, key=lambda j: -int(problem.cost[j]))
                price = sum(int(problem.cost[j]) for j in dearest[moves:]) + moves * MOVE_COST
                if price > BUDGET:
                    continue
                for freed in combinations(cameras, moves):
                    best = max(best, state_of(problem, sites, dearest[:moves], freed).value)
    return best


@pytest.mark.parametrize("seed", range(12))
def test_the_best_moves_are_found(seed: int) -> None:
    problem = city(seed)
    best = best_by_trying(problem)
    found, quick = exact(problem, 0.0, 60), greedy(problem)
    assert found.value == found.bound == best
    for solution in (found, quick):
        assert solution.spent <= BUDGET
        assert len(solution.moved) <= len(solution.freed) <= MOVES
        assert solution.value == state_of(problem, solution.sites, solution.moved, solution.freed).value
    assert quick.value <= best <= quick.bound
    assert quick.value >= 0.85 * best
