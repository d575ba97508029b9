"""Lazy greedy with swaps (Minoux 1978), for cities that are too large for the exact solver, with its bound.

The gain of a site only falls while others open, so the best of yesterday's gains that still stands today is the best.
"""

import heapq
import time
from collections.abc import Iterator
from itertools import combinations

import numpy as np

from pipeline.siting.bound import upper_bound
from pipeline.siting.problem import Problem, Solution
from pipeline.siting.state import State
from pipeline.siting.views import Bools

SWAPS_FOR_S = 25.0
"""Swaps stop after this long; what was found until then stands."""
SQUEEZED = 40
"""Sites that are tried in place of several cheaper ones."""
SMALL = 60
"""With so few candidates more is tried: other beginnings, and pairs of sites."""
STARTS, PAIRS, PAIR_STARTS = 3, 60, 8
MOVES_TRIED = 10
"""Cameras that are tried for a move, those first without which least is lost."""


def greedy(problem: Problem, swaps_for_s: float = SWAPS_FOR_S, *, bounded: bool = True) -> Solution:
    """Solve by lazy greedy and swaps; the problem must have been checked. Not `bounded`: the bound is trivial.

    With prices that differ it is done twice, by gain and by gain per rupiah, and the better one is kept: either alone
    can be far from the best (Khuller, Moss and Naor 1999).
    """
    end = time.monotonic() + swaps_for_s
    best = max(_begin(problem, end), key=lambda state: state.value)
    if not bounded:
        return best.solution(int(problem.weight.sum()), "greedy", "none")
    return best.solution(upper_bound(problem, best.value), "greedy", "lagrange")


def _begin(problem: Problem, end: float) -> Iterator[State]:
    """Yield finished solutions from several beginnings: nothing, and in a small city each site for a first one."""
    prices = (True,) if problem.uniform else (True, False)
    for by_price in prices:
        state = State(problem)
        fill(state, by_price=by_price)
        improve(state, end)
        yield state
    starts = np.argsort(-State(problem).gains(), kind="stable")[:STARTS].tolist() if problem.sites <= SMALL else []
    for site in starts:
        state = State(problem)
        if time.monotonic() < end and site not in state.opened | problem.force_out and _fits(state, site):
            state.add(site)
            fill(state, by_price=True)
            improve(state, end)
            yield state


def _fits(state: State, site: int) -> bool:
    """Say whether a site can be paid so that all floors can still be met."""
    after = state.floors.owed({*state.opened, site})
    return after is not None and int(state.problem.cost[site]) + after <= state.left


def fill(state: State, *, by_price: bool) -> None:
    """Open the best site again and again while money is left, never so that a floor could no longer be met."""
    problem = state.problem
    gains = state.gains()
    price = problem.cost if by_price else np.ones_like(problem.cost)
    heap = [(-float(gains[j]) / float(price[j]), j) for j in range(problem.sites) if gains[j] >= 0]
    heapq.heapify(heap)
    owed = state.floors.owed(state.opened) or 0
    while heap:
        _, site = heapq.heappop(heap)
        gain = state.gain(site)
        score = -gain / float(price[site])
        if heap and score > heap[0][0]:
            heapq.heappush(heap, (score, site))
            continue
        cost = int(problem.cost[site])
        if cost > state.left or (gain == 0 and not owed):
            continue
        after = (state.floors.owed({*state.opened, site}) or 0) if owed else 0
        # A site that does not fit beside the floors now never will: what is left beside them only shrinks.
        if cost + after > state.left or (gain == 0 and after >= owed):
            continue
        state.add(site)
        owed = after


def improve(state: State, end: float) -> None:
    """Exchange sites while that covers more and until a moment of the monotonic clock; then move cameras."""
    better = True
    while better and time.monotonic() < end:
        better = _swap(state, end)
        if not state.problem.uniform:
            better = _squeeze(state, end) or better
        better = _move(state, end) or better
        better = better or (state.problem.sites <= SMALL and _swap_pairs(state, end))


def _swap(state: State, end: float) -> bool:
    """Take each site out once and put the best in its stead; return whether that helped."""
    better = False
    for site in sorted(state.opened - state.problem.force_in, key=lambda j: (state.loss(j), j)):
        if time.monotonic() > end:
            break
        before, value = state.snapshot(), state.value
        may = state.floors.may_replace(state.opened, site, state.problem.sites)
        by_move = site in state.moved
        state.drop(site)
        if _add_best(state, may, moved=by_move) and not state.problem.uniform:
            _refill(state)
        if state.value > value:
            better = True
        else:
            state.revert(before)
    return better


def _swap_pairs(state: State, end: float) -> bool:
    """In a small city, take two sites out at once and begin anew from the best few; return whether that helped."""
    chosen = sorted(state.opened - state.problem.force_in - state.moved)
    for pair in list(combinations(chosen, 2))[:PAIRS]:
        before, value = state.snapshot(), state.value
        for site in pair:
            state.drop(site)
        for first in np.argsort(-state.gains(), kind="stable")[:PAIR_STARTS].tolist():
            inner = state.snapshot()
            if first not in pair and first not in state.opened | state.problem.force_out and _fits(state, first):
                state.add(first)
                fill(state, by_price=True)
                if state.value > value:
                    return True
            state.revert(inner)
        state.revert(before)
        if time.monotonic() > end:
            break
    return False


def _add_best(state: State, may: Bools, *, moved: bool) -> bool:
    """Open the site that gains most, of those that may be opened and can be paid."""
    price = state.problem.move_cost if moved else state.problem.cost
    gains = np.where(may & (price <= state.left), state.gains(), -1)
    site = int(np.argmax(gains))
    if gains[site] <= 0:
        return False
    state.add(site, moved=moved)
    return True


def _refill(state: State) -> None:
    """Spend what a swap has left over, by gain per rupiah."""
    while True:
        gains = np.where(state.problem.cost <= state.left, state.gains(), -1)
        site = int(np.argmax(gains / state.problem.cost))
        if gains[site] <= 0:
            return
        state.add(site)


def _squeeze(state: State, end: float) -> bool:
    """Try the sites that gain most in place of whatever costs least per rupiah; return whether that helped."""
    better = False
    for site in np.argsort(-state.gains(), kind="stable")[:SQUEEZED].tolist():
        if time.monotonic() > end:
            break
        if site in state.opened or site in state.problem.force_out:
            continue
        before, value = state.snapshot(), state.value
        state.add(site)
        if _make_room(state, site):
            _refill(state)
        if state.left >= 0 and state.value > value:
            better = True
        else:
            state.revert(before)
    return better


def _make_room(state: State, keep: int) -> bool:
    """Close sites, the cheapest loss per rupiah first, until the budget holds; False when floors forbid it."""
    while state.left < 0:
        closable = [
            j
            for j in state.opened - state.problem.force_in - state.moved - {keep}
            if state.floors.kept(state.opened - {j})
        ]
        if not closable:
            return False
        state.drop(min(closable, key=lambda j: (state.loss(j) / int(state.problem.cost[j]), j)))
    return True


def _move(state: State, end: float) -> bool:
    """Take existing cameras down where that lets another site gain more; return whether that helped."""
    better = False
    problem = state.problem
    while len(state.freed) < problem.moves and time.monotonic() < end:
        standing = set(range(problem.sites, problem.facilities)) - state.freed
        for camera in sorted(standing, key=lambda c: (state.loss(c), c))[:MOVES_TRIED]:
            before, value = state.snapshot(), state.value
            state.free(camera)
            _serve(state)
            if state.value > value:
                better = True
                break
            state.revert(before)
        else:
            break
    return better


def _serve(state: State) -> None:
    """Let a camera taken down serve the best further site, or the dearest open one, and spend what that saves."""
    start = state.snapshot()
    _add_best(state, np.ones(state.problem.sites, bool), moved=True)
    further, value = state.snapshot(), state.value
    state.revert(start)
    bought = sorted(state.opened - state.moved)
    if bought:
        saving = state.problem.cost - state.problem.move_cost
        dearest = max(bought, key=lambda j: int(saving[j]))
        state.drop(dearest)
        state.add(dearest, moved=True)
        _refill(state)
    if state.value <= value:
        state.revert(further)
