"""The solvers against cities whose optimum is known."""

import numpy as np
import pytest

from pipeline.siting.exact import exact
from pipeline.siting.greedy import greedy
from pipeline.siting.state import Floors
from tests.siting.cities import best_by_trying, planted, random_problem, value_of, with_floors

SEEDS = range(100)


@pytest.fixture(scope="module")
def optima() -> dict[int, int]:
    """The optimum of each seed's city, by trying every choice."""
    return {seed: best_by_trying(with_floors(random_problem(seed), seed)) for seed in SEEDS}


def test_exact_is_the_optimum(optima: dict[int, int]) -> None:
    for seed in SEEDS:
        problem = with_floors(random_problem(seed), seed)
        found = exact(problem, 0.0, 60)
        assert found.value == optima[seed] == found.bound == value_of(problem, found.sites), seed
        assert found.spent <= problem.budget
        assert Floors(problem).kept(found.sites)


def test_greedy_is_within_5_percent_in_every_city_and_its_bound_holds(optima: dict[int, int]) -> None:
    shares = []
    for seed in SEEDS:
        problem = with_floors(random_problem(seed), seed)
        found = greedy(problem)
        assert found.value == value_of(problem, found.sites)
        assert found.value <= optima[seed] <= found.bound, seed
        assert found.spent <= problem.budget
        assert Floors(problem).kept(found.sites), seed
        shares.append(found.value / optima[seed])
    assert min(shares) >= 0.95, (min(shares), int(np.argmin(shares)))


def test_both_find_a_planted_optimum() -> None:
    problem, best = planted(clusters=200, budget=60)
    assert greedy(problem).value == best
    found = exact(problem, 0.0, 60)
    assert (found.value, found.bound, found.gap) == (best, best, 0.0)
