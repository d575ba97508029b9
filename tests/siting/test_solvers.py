"""The solvers against cities whose optimum is known."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.siting.bound import upper_bound
from pipeline.siting.exact import exact
from pipeline.siting.greedy import greedy
from pipeline.siting.problem import Floor, Problem, aggregate
from pipeline.siting.state import Floors, State
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


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_what_floors_cost_at_least_is_the_cheapest_way_to_meet_them(data: st.DataObject) -> None:
    cost = np.array(data.draw(st.lists(st.integers(1, 9), min_size=7, max_size=7)))
    kelurahan = data.draw(st.lists(st.integers(0, 3), min_size=7, max_size=7))
    areas = {f"k{k}": {j for j in range(7) if kelurahan[j] == k} for k in range(4)}
    areas |= {"east": areas["k0"] | areas["k1"], "west": areas["k2"] | areas["k3"]}
    floors = tuple(
        Floor(name, name, frozenset(members), data.draw(st.integers(0, 3), label=name))
        for name, members in areas.items()
    )
    out = frozenset(data.draw(st.sets(st.integers(0, 6), max_size=2)))
    problem = Problem(
        np.zeros(8, np.int64), np.empty(0, np.int64), np.empty(0, np.int64), cost, 99, floors, force_out=out
    )
    rules = Floors(problem)
    prices = [
        int(cost[list(pick)].sum())
        for size in range(8)
        for pick in combinations(range(7), size)
        if not out & set(pick) and rules.kept(pick)
    ]
    assert rules.owed(()) == (min(prices) if prices else None)
    assert bool(rules.lacking(())) == (not prices) or not prices


@given(seed=st.integers(0, 500), moves=st.lists(st.integers(0, 11), max_size=12))
@settings(max_examples=60, deadline=None)
def test_whatever_is_opened_and_closed_the_value_is_what_is_covered(seed: int, moves: list[int]) -> None:
    problem = random_problem(seed, budget=10_000)
    state = State(problem)
    for site in moves:
        if site in state.opened:
            assert state.loss(site) == state.drop(site)
        else:
            assert state.gain(site) == state.add(site)
        kept = state.snapshot()
        assert state.value == value_of(problem, tuple(state.opened))
    if moves:
        empty = State(problem)
        empty.revert(kept)
        assert (empty.value, empty.spent) == (state.value, state.spent)


@given(seed=st.integers(0, 400))
@settings(max_examples=30, deadline=None)
def test_rows_are_sums_of_what_the_same_facilities_cover(seed: int) -> None:
    dice = np.random.default_rng(seed)
    near, weight = dice.random((5, 30)) < 0.3, dice.integers(0, 100, 30)
    start, index, rows, row = aggregate([np.flatnonzero(line) for line in near], weight)
    problem = Problem(start, index, rows, np.ones(5, np.int64), 5)
    for facility in range(5):
        assert problem.rows(facility).size == np.unique(row[near[facility]]).size
        assert rows[problem.rows(facility)].sum() == weight[near[facility]].sum()
    assert {tuple(near[:, unit]) for unit in np.flatnonzero(row >= 0)} == {tuple(c) for c in near.T if c.any()}
    assert len(rows) == len({tuple(c) for c in near.T if c.any()})


def test_a_large_city_is_bounded_well() -> None:
    problem, best = planted(clusters=400, budget=100)
    assert best <= upper_bound(problem, best) <= best * 1.001
    dear = replace(problem, cost=problem.cost * 30 + np.arange(problem.sites) % 7, budget=2000)
    found = greedy(dear)
    assert found.value <= exact(dear, 0.0, 60, found).value <= found.bound
    assert found.gap < 0.02


def test_when_the_time_is_over_the_start_stands_with_a_true_bound() -> None:
    problem = with_floors(random_problem(3), 3)
    start = greedy(problem)
    found = exact(problem, 0.0, 1e-6, start)
    assert start.value <= found.value <= best_by_trying(problem) <= found.bound
    assert found.method == "exact"
