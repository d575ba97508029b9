"""An upper bound that needs no solver: the Lagrangian relaxation of "a row counts when one of its sites is open".

For prices `u` of rows, no solution covers more than sum(max(0, w - u)) + the best choice of sites by the sum of their
rows' prices. The prices are improved by subgradient steps (Held, Wolfe and Crowder 1974). Floors are left out, which
can only raise the bound.
"""

from math import ceil

import numpy as np

from pipeline.siting.problem import Problem
from pipeline.siting.views import Floats

STEPS = 300
PATIENCE = 12


def upper_bound(problem: Problem, value: int, steps: int = STEPS) -> int:
    """Return a number, millionths of a need, that no solution's value exceeds.

    Args:
        problem: The problem.
        value: The best value that is known; it only sets the length of the steps.
        steps: How often the prices are improved.
    """
    today = np.zeros(len(problem.weight), np.int64)
    for camera in range(problem.sites, problem.facilities):
        today[problem.rows(camera)] = 1
    already = float(problem.weight[today > 0].sum())
    weight = problem.weight.astype(float)
    covering = np.bincount(problem.index, minlength=len(weight)).astype(float)
    price = weight / np.maximum(covering, 1)
    best, scale, waited = float(weight.sum()), 1.0, 0
    best_price = price
    for _ in range(steps):
        worth = problem.sums(price)
        total, opened = _best_choice(problem, worth)
        total += float(np.maximum(weight - price, 0).sum())
        if total < best - 1e-9 * best:
            best, best_price, waited = total, price, 0
        else:
            waited += 1
        if waited >= PATIENCE:
            scale, waited, price = scale / 2, 0, best_price
            continue
        slope = _covered(problem, opened) - (weight > price)
        norm = float((slope**2).sum())
        if norm == 0 or scale < 1e-4 or best <= already + value:
            break
        price = np.maximum(0, price - scale * 1.05 * max(total - already - value, 1.0) / norm * slope)
    return max(value, ceil(best - already))


def _best_choice(problem: Problem, worth: Floats) -> tuple[float, Floats]:
    """Return the most that sites and existing cameras can be worth, and how far each is open (0..1)."""
    sites, standing = worth[: problem.sites].copy(), worth[problem.sites :]
    opened = np.zeros(problem.facilities)
    opened[problem.sites :] = 1
    forced = sorted(problem.force_in)
    opened[forced] = 1
    total = float(sites[forced].sum() + standing.sum())
    sites[[*forced, *problem.force_out]] = -1
    left = problem.budget - int(problem.cost[forced].sum())
    moves = min(problem.moves, len(standing))
    if problem.uniform and problem.sites and not moves:
        return _take(problem, sites, left, total, opened)
    best = _take(problem, sites, left, total, opened.copy())
    for freed in range(1, moves + 1):
        gone = np.argsort(standing, kind="stable")[:freed]
        tried = opened.copy()
        tried[problem.sites + gone] = 0
        # Whether moved cameras or new ones serve a site: the best `freed` sites for nothing, the rest bought.
        gift = np.argsort(-sites, kind="stable")[:freed]
        gift = gift[sites[gift] > 0]
        tried[gift] = 1
        rest = sites
        if problem.uniform:
            rest = sites.copy()
            rest[gift] = -1
        base = total - float(standing[gone].sum()) + float(sites[gift].sum())
        found = _take(problem, rest, left + int(problem.cost[list(problem.force_in)].sum()), base, tried)
        best = max(best, found, key=lambda pair: pair[0])
    return best


def _take(problem: Problem, sites: Floats, left: int, total: float, opened: Floats) -> tuple[float, Floats]:
    """Buy sites by worth per rupiah, the last one in part: no choice of whole sites is worth more."""
    order = np.argsort(-(sites / problem.cost), kind="stable")
    order = order[sites[order] > 0]
    spent = np.cumsum(problem.cost[order])
    whole = int(np.searchsorted(spent, left, side="right"))
    opened[order[:whole]] = 1
    total += float(sites[order[:whole]].sum())
    if whole < len(order) and not problem.uniform:
        part = (left - (int(spent[whole - 1]) if whole else 0)) / float(problem.cost[order[whole]])
        opened[order[whole]] = max(opened[order[whole]], max(0.0, part))
        total += max(0.0, part) * float(sites[order[whole]])
    return total, opened


def _covered(problem: Problem, opened: Floats) -> Floats:
    """Return how often each row is covered."""
    share = np.repeat(opened, np.diff(problem.start))
    return np.bincount(problem.index, weights=share, minlength=len(problem.weight)).astype(float)
