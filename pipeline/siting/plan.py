"""The plan: which candidates get a camera, within the budget and the floors, and what that is worth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from pipeline.ops.errors import ConfigError
from pipeline.ops.siting_section import SitingSection
from pipeline.siting.build import Built, build, floors_of
from pipeline.siting.candidates import covers, from_grid, from_requests, turned
from pipeline.siting.exact import exact
from pipeline.siting.explain import Displaced, Explainer, Reason
from pipeline.siting.greedy import greedy
from pipeline.siting.money import Budget
from pipeline.siting.problem import Problem, Solution, check_problem
from pipeline.siting.state import Floors
from pipeline.siting.study import Study
from pipeline.siting.tables import Candidate
from pipeline.siting.views import Ints

Method = Literal["exact", "greedy"]
CURVE = (10, 50, 100, 500)
QUICK_SWAPS_S = 1.0
"""Swaps of a plan that is only compared with another stop after this long."""
SEEN_ENOUGH = 0.5
"""A request of which this share is seen today needs no camera of the plan."""


@dataclass(frozen=True)
class Ask:
    """What is asked of a plan.

    `floors` by the code of an area or `kota`, `kecamatan`, `kelurahan`; `force_in`, `force_out` are ids of candidates;
    up to `moves` cameras of `movable` (none given: those without a verdict worth having) may be moved. Candidates are
    `listed` ones, the requests' own places, and a grid, as asked.
    """

    budget: Budget
    method: Method = "exact"
    floors: Mapping[str, int] = field(default_factory=dict)
    force_in: tuple[str, ...] = ()
    force_out: tuple[str, ...] = ()
    moves: int = 0
    movable: tuple[str, ...] = ()
    listed: tuple[Candidate, ...] = ()
    requests: bool = True
    grid: bool = False
    curve: tuple[int, ...] = CURVE
    sensitivity: bool = True


@dataclass(frozen=True)
class CurvePoint:
    """What a number of cameras buys: value and bound in millionths of a need; `floors` says whether they were kept."""

    cameras: int
    used: int
    value: int
    bound: int
    floors: bool


@dataclass(frozen=True)
class Scenario:
    """The plan under other weights: the share `kept` of its sites (`sites`) would be chosen again, or their equals.

    The plan as it is would be worth the share `worth` of the best one under those weights.
    """

    what: str
    kept: float
    worth: float
    sites: frozenset[int]


@dataclass(frozen=True)
class Plan:
    """A plan with its reasons. `movable` are the cameras that might have been moved, in the order of the facilities."""

    ask: Ask
    candidates: tuple[Candidate, ...]
    covers: tuple[Ints, ...]
    movable: tuple[str, ...]
    built: Built
    solution: Solution
    reasons: tuple[Reason, ...]
    losses: tuple[tuple[str, int], ...]
    rejected: Mapping[int, Displaced | None]
    curve: tuple[CurvePoint, ...]
    scenarios: tuple[Scenario, ...]


def make_plan(study: Study, ask: Ask) -> Plan:
    """Make a plan.

    Raises:
        ConfigError: No candidates, an impossible budget or floor, an unknown site or camera: one line.
    """
    candidates, seen_by = candidates_of(study, ask)
    movable = _movable(study, ask)
    problem = _limits(study, ask, candidates, len(movable))
    floors = Floors(problem)
    forced = sorted(problem.force_in)
    owed = floors.owed(forced)
    paid = int(problem.cost[forced].sum())
    check_problem(problem, None if owed is None else owed + paid, floors.lacking(forced), str(ask.budget))
    built = _build(study, problem, seen_by, movable)
    solution = _solve(study, built.problem, ask.method)
    explainer = Explainer(built, solution)
    reasons, losses = explainer.reasons(lambda point: study.demand.spots[point].category)
    return Plan(
        ask, tuple(candidates), tuple(seen_by), tuple(movable), built, solution, tuple(reasons),
        tuple((movable[camera - problem.sites], loss) for camera, loss in losses),
        _rejected(study, explainer, seen_by, solution), _curve(built.problem, ask.curve),
        _sensitivity(study, built, solution) if ask.sensitivity else (),
    )  # fmt: skip


def candidates_of(study: Study, ask: Ask) -> tuple[list[Candidate], list[Ints]]:
    """Return the candidates, each turned to its best direction, and the points that each would see.

    Raises:
        ConfigError: There are none, or two have the same id.
    """
    found = list(ask.listed)
    if ask.requests:
        found += from_requests(study.demand, study.siting)
    if ask.grid:
        found += from_grid(study.demand, study.weight, study.inputs.city, study.siting)
    if not found:
        raise ConfigError("tidak ada calon lokasi: beri permintaan, CSV calon (--candidates), atau kisi (--grid)")
    ids = [candidate.id for candidate in found]
    if len(set(ids)) < len(ids):
        twice = next(id_ for id_ in ids if ids.count(id_) > 1)
        raise ConfigError(f"calon lokasi {twice!r} ada dua kali")
    gain = study.weight * np.maximum(0, study.siting.new_availability - study.sight.share)
    found = turned(found, study.demand, gain)
    return found, covers(found, study.demand)


def _movable(study: Study, ask: Ask) -> list[str]:
    """Return the cameras that may be moved: those named, or the ones without a verdict worth having."""
    if not ask.moves:
        return []
    known = {view.id for view in study.inputs.views}
    for camera in ask.movable:
        if camera not in known:
            raise ConfigError(f"kamera {camera!r} tidak ada di registri")
    most = max(20, 3 * ask.moves)
    return list(dict.fromkeys(ask.movable)) or [idle.camera for idle in study.idle[:most]]


def _limits(study: Study, ask: Ask, candidates: Sequence[Candidate], movable: int) -> Problem:
    """Return the problem without its rows: costs, budget, floors, forced sites, moves."""
    number = {candidate.id: j for j, candidate in enumerate(candidates)}
    for site in (*ask.force_in, *ask.force_out):
        if site not in number:
            raise ConfigError(f"calon lokasi {site!r} tidak dikenal")
    both = sorted(set(ask.force_in) & set(ask.force_out))
    if both:
        raise ConfigError(f"calon lokasi {both[0]!r} diwajibkan dan dilarang sekaligus")
    one = np.ones(len(candidates), np.int64)
    price = np.array([candidate.cost for candidate in candidates], np.int64)
    return Problem(
        np.zeros(len(candidates) + movable + 1, np.int64), np.empty(0, np.int64), np.empty(0, np.int64),
        price if ask.budget.money else one, ask.budget.amount,
        floors_of(ask.floors, candidates, study.inputs.city),
        frozenset(number[site] for site in ask.force_in), frozenset(number[site] for site in ask.force_out),
        min(ask.moves, movable), np.minimum(price, study.siting.move_cost) if ask.budget.money else one * 0,
    )  # fmt: skip


def _build(study: Study, problem: Problem, seen_by: Sequence[Ints], movable: Sequence[str]) -> Built:
    """Give the problem its rows."""
    place = {view.id: number for number, view in enumerate(study.inputs.views)}
    moving = [(study.sight.by_camera[place[camera]], study.inputs.live[camera].mean) for camera in movable]
    base = study.share_without(movable)
    return build(seen_by, study.weight, base, study.siting.new_availability, moving, problem)


def _solve(study: Study, problem: Problem, method: Method) -> Solution:
    """Solve as asked."""
    return exact(problem, study.siting.gap, study.siting.time_limit_s) if method == "exact" else greedy(problem)


def _rejected(
    study: Study, explainer: Explainer, seen_by: Sequence[Ints], solution: Solution
) -> dict[int, Displaced | None]:
    """Return, by point, what each request that no site answers and nothing sees today would have displaced."""
    chosen = np.zeros(len(study.demand), bool)
    for site in solution.sites:
        chosen[seen_by[site]] = True
    open_requests = [int(p) for p in study.demand.of("request") if not chosen[p] and study.sight.share[p] < SEEN_ENOUGH]
    who: dict[int, list[int]] = {point: [] for point in open_requests}
    for site, points in enumerate(seen_by):
        for point in points.tolist():
            if point in who:
                who[point].append(site)
    return {point: explainer.displaced(np.array(sites, np.int64)) for point, sites in who.items()}


def _curve(problem: Problem, numbers: Sequence[int]) -> tuple[CurvePoint, ...]:
    """Return what numbers of cameras buy, by greedy; floors are left out where the number is below them."""
    found = []
    for number in sorted(set(numbers)):
        counted = replace(
            problem, cost=np.ones_like(problem.cost), budget=number, moves=0, force_in=frozenset(),
            move_cost=np.zeros_like(problem.cost),
        )  # fmt: skip
        owed = Floors(counted).owed(())
        floors = owed is not None and owed <= number
        solution = greedy(counted if floors else replace(counted, floors=()), QUICK_SWAPS_S)
        found.append(CurvePoint(number, len(solution.sites), solution.value, solution.bound, floors))
    return tuple(found)


def _sensitivity(study: Study, built: Built, solution: Solution) -> tuple[Scenario, ...]:
    """Make the plan again under other weights (greedily) and compare."""
    alike = _alike(built)
    base = {alike[site] for site in solution.sites}
    found = []
    for what, siting in scenarios(study):
        problem = built.reweighed(study.weighted_by(siting).weight)
        other = greedy(problem, QUICK_SWAPS_S, bounded=False)
        here = Explainer.value(problem, solution)
        best = max(other.value, here)
        again = base & {alike[site] for site in other.sites}
        sites = frozenset(site for site in solution.sites if alike[site] in again)
        kept = len(sites) / len(solution.sites) if base else 1.0
        found.append(Scenario(what, kept, here / best if best > 0 else 1.0, sites))
    return tuple(found)


def _alike(built: Built) -> list[tuple[int, bytes]]:
    """Return what makes two candidates as good as one another: the same price and the same rows."""
    problem = built.problem
    return [(int(problem.cost[j]), np.sort(problem.rows(j)).tobytes()) for j in range(problem.sites)]


def scenarios(study: Study) -> list[tuple[str, SitingSection]]:
    """Return other weights to try: each kind, category and source, and the half-life, at half and at double."""
    siting, weights = study.siting, study.siting.weights
    spots = study.demand.spots
    found = []

    def add(what: str, **changes: object) -> None:
        found.append((what, siting.model_copy(update={"weights": weights.model_copy(update=changes)})))

    kinds = {"request": "permintaan", "hotspot": "titik rawan", "incident": "kejadian"}
    for factor, word in ((0.5, "½"), (2.0, "2")):
        for kind in sorted({spot.kind for spot in spots}):
            add(f"{kinds[kind]} ×{word}", **{kind: getattr(weights, kind) * factor})
        for category in sorted({spot.category for spot in spots}):
            usual = weights.categories.get(category, 1.0)
            add(f"{category} ×{word}", categories={**weights.categories, category: usual * factor})
        for source in sorted({spot.source for spot in spots if spot.kind == "hotspot"})[:6]:
            usual = weights.sources.get(source, 1.0)
            add(f"sumber {source} ×{word}", sources={**weights.sources, source: usual * factor})
        add(f"umur paruh ×{word}", half_life_days=weights.half_life_days * factor)
    return found
