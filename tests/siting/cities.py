"""Cities whose optimum is known: small ones by trying everything, large ones planted so that it is plain."""

from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from pipeline.siting.problem import Floor, Problem, aggregate
from pipeline.siting.state import state_of


def random_problem(seed: int, **changes: Any) -> Problem:
    """A small city: 12 to 16 candidates and 60 points on a square; every other seed has prices that differ."""
    dice = np.random.default_rng(seed)
    sites, points = int(dice.integers(12, 17)), 60
    where, need = dice.uniform(0, 100, (sites, 2)), dice.uniform(0, 100, (points, 2))
    weight = dice.integers(1, 3_000_000, points)
    reach = dice.uniform(12, 26)
    near = np.hypot(*(where[:, None] - need[None]).transpose(2, 0, 1)) <= reach
    start, index, rows, _ = aggregate([np.flatnonzero(line) for line in near], weight)
    money = bool(seed % 2)
    values: dict[str, Any] = {
        "start": start, "index": index, "weight": rows,
        "cost": dice.choice([25, 30, 45], sites) if money else np.ones(sites, np.int64),
        "budget": 130 if money else 4,
    }  # fmt: skip
    return Problem(**{**values, **changes})


def with_floors(problem: Problem, seed: int) -> Problem:
    """The same with three kota of which each must get a site (one of them has a kelurahan that must, too)."""
    kota = np.random.default_rng(seed + 1).integers(0, 3, problem.sites)
    kota[:3] = [0, 1, 2]
    floors = [Floor(str(k), f"Kota {k}", frozenset(np.flatnonzero(kota == k).tolist()), 1) for k in range(3)]
    floors.append(Floor("0.1", "Kelurahan", frozenset(sorted(floors[0].members)[:2]), 1))
    return replace(problem, floors=tuple(floors))


def best_by_trying(problem: Problem) -> int:
    """The optimum of a small city without moves, by trying every choice that budget, floors and forced sites allow."""
    sees = np.zeros((problem.sites, len(problem.weight)), bool)
    for site in range(problem.sites):
        sees[site, problem.rows(site)] = True
    best = 0
    for size in range(1, int(problem.budget // problem.cost.min()) + 1):
        picks = np.array(list(combinations(range(problem.sites), size)))
        good = problem.cost[picks].sum(axis=1) <= problem.budget
        for floor in problem.floors:
            good &= np.isin(picks, list(floor.members)).sum(axis=1) >= floor.least
        for site in problem.force_in:
            good &= (picks == site).any(axis=1)
        good &= ~np.isin(picks, list(problem.force_out)).any(axis=1)
        if good.any():
            best = max(best, int((sees[picks[good]].any(axis=1) @ problem.weight).max()))
    return best


def value_of(problem: Problem, sites: tuple[int, ...]) -> int:
    """What sites cover, counted anew."""
    return state_of(problem, sites, (), ()).value


def planted(clusters: int, budget: int, seed: int = 7) -> tuple[Problem, int]:
    """A city of clusters far apart; each has a good site that covers all of it and decoys that cover half.

    The best choice is the good sites of the heaviest clusters: its value is known without any solver.
    """
    dice = np.random.default_rng(seed)
    weights, covers, totals, unit = [], [], [], 0
    for _ in range(clusters):
        own = dice.integers(1_000, 2_000_000, 20)
        weights.append(own)
        totals.append(int(own.sum()))
        covers += [np.arange(unit, unit + 20), np.arange(unit, unit + 10), np.arange(unit + 5, unit + 17)]
        unit += 20
    start, index, rows, _ = aggregate(covers, np.concatenate(weights))
    cost = np.ones(len(covers), np.int64)
    return Problem(start, index, rows, cost, budget), sum(sorted(totals, reverse=True)[:budget])
