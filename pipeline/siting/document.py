"""A study and its plan as one JSON document: what the desk keeps, and what every report is made from.

Values are needs (floats); `*_micro` are millionths of a need in whole numbers, which add up exactly. Places are
degrees, shares 0..1, money whole rupiah.
"""

from pipeline.siting.coverage_document import coverage_document as coverage_document
from pipeline.siting.demand import Spot
from pipeline.siting.explain import Displaced, Reason
from pipeline.siting.plan import Plan
from pipeline.siting.problem import MICRO
from pipeline.siting.study import Study
from pipeline.store.tables import Document

VERSION = 1


def plan_document(study: Study, plan: Plan, name: str = "", author: str = "") -> Document:
    """Return the whole document: question, coverage, sites with reasons, requests, curve, sensitivity."""
    solution, problem, coverage = plan.solution, plan.built.problem, coverage_document(study)
    return {
        "version": VERSION,
        "name": name,
        "author": author,
        "made_ms": study.inputs.now_ms,
        "ask": _ask(plan),
        "weights": study.siting.weights.model_dump(),
        "assumptions": {
            "range_m": study.siting.range_m, "new_availability": study.siting.new_availability,
            "merge_radius_m": study.siting.merge_radius_m, "move_cost": study.siting.move_cost,
        },
        "method": solution.method,
        "proof": solution.proof,
        "value_micro": solution.value,
        "bound_micro": solution.bound,
        "gap": solution.gap,
        "spent": solution.spent,
        "cost": sum(plan.candidates[site].cost for site in solution.sites if site not in solution.moved)
        + study.siting.move_cost * len(solution.moved),
        "candidates": len(plan.candidates),
        "need_points": len(study.demand),
        "reachable_micro": int(problem.weight.sum()) - sum(_today(plan)),
        "coverage": coverage,
        "after": coverage["seen"] + solution.value / MICRO,
        "after_by_category": _after(coverage["by_category"], plan),
        "sites": _sites(study, plan),
        "losses": [{"camera": camera, "loss_micro": loss} for camera, loss in plan.losses],
        "requests": _requests(study, plan),
        "curve": [{**point.__dict__, "value_micro": point.value, "bound_micro": point.bound} for point in plan.curve],
        "sensitivity": [{"what": s.what, "kept": s.kept, "worth": s.worth} for s in plan.scenarios],
    }  # fmt: skip


def _today(plan: Plan) -> list[int]:
    """Return the weight of the rows that movable cameras cover today."""
    problem = plan.built.problem
    rows = {row for camera in range(problem.sites, problem.facilities) for row in problem.rows(camera).tolist()}
    return [int(problem.weight[row]) for row in rows]


def _ask(plan: Plan) -> Document:
    """Return the question."""
    ask = plan.ask
    return {
        "budget": {"text": str(ask.budget), "amount": ask.budget.amount, "money": ask.budget.money},
        "method": ask.method, "floors": dict(ask.floors), "force_in": list(ask.force_in),
        "force_out": list(ask.force_out), "moves": ask.moves, "movable": list(plan.movable),
        "requests": ask.requests, "grid": ask.grid, "listed": len(ask.listed),
    }  # fmt: skip


def _after(by_category: list[Document], plan: Plan) -> list[Document]:
    """Return need and seen need by category once the plan is built, without what moved cameras leave behind."""
    gain: dict[str, int] = {}
    for reason in plan.reasons:
        for category, micro in reason.groups.items():
            gain[category] = gain.get(category, 0) + micro
    return [
        {"name": row["name"], "need": row["need"], "today": row["seen"],
         "after": row["seen"] + gain.get(row["name"], 0) / MICRO}
        for row in by_category
    ]  # fmt: skip


def _sites(study: Study, plan: Plan) -> list[Document]:
    """Return the chosen sites in the order of what they add."""
    moved_from = _moves(study, plan)
    return [_site(study, plan, order, reason, moved_from) for order, reason in enumerate(plan.reasons, 1)]


def _site(study: Study, plan: Plan, order: int, reason: Reason, moved_from: dict[int, str]) -> Document:
    """Return one chosen site with its reason."""
    site = plan.candidates[reason.facility]
    spots, points = study.demand.spots, plan.covers[reason.facility].tolist()
    dark = [p for p in reason.points if study.sight.share[p] == 0]
    cost = study.siting.move_cost if reason.facility in moved_from else site.cost
    steady = [reason.facility in scenario.sites for scenario in plan.scenarios]
    return {
        "order": order, "id": site.id, "name": site.name, "lat": site.lat, "lng": site.lng, "kelurahan": site.kelurahan,
        "kelurahan_name": study.inputs.city.name(site.kelurahan), "type": site.type, "cost": cost,
        "range_m": site.range_m, "bearing": site.bearing, "angle": site.angle,
        "moved_from": moved_from.get(reason.facility),
        "marginal_micro": reason.marginal, "alone_micro": reason.alone, "by_category_micro": reason.groups,
        "points": len(reason.points), "unseen_points": len(dark), "unseen_need": float(study.weight[dark].sum()),
        "requests": [spots[p].ref for p in points if spots[p].kind == "request"],
        "rupiah_per_need": round(cost * MICRO / reason.marginal) if reason.marginal > 0 else None,
        "steady": sum(steady) / len(steady) if steady else None,
    }  # fmt: skip


def _moves(study: Study, plan: Plan) -> dict[int, str]:
    """Pair sites that moved cameras serve with the cameras taken down, the nearest pair first."""
    place = {view.id: view for view in study.inputs.views}
    sites = list(plan.solution.moved)
    cameras = [plan.movable[camera - plan.built.problem.sites] for camera in plan.solution.freed]
    plane = study.inputs.city.plane
    pairs = []
    for site in sites:
        candidate = plan.candidates[site]
        for camera in cameras:
            x, y = plane.metres([candidate.lat, place[camera].lat], [candidate.lng, place[camera].lng])
            pairs.append((float((x[0] - x[1]) ** 2 + (y[0] - y[1]) ** 2), site, camera))
    found: dict[int, str] = {}
    for _, site, camera in sorted(pairs):
        if site not in found and camera not in found.values():
            found[site] = camera
    return found


def _requests(study: Study, plan: Plan) -> list[Document]:
    """Return what became of the requests."""
    chosen: dict[int, list[str]] = {}
    for site in plan.solution.sites:
        for point in plan.covers[site].tolist():
            chosen.setdefault(point, []).append(plan.candidates[site].id)
    return [_request(study, plan, int(p), chosen.get(int(p), [])) for p in study.demand.of("request")]


def _request(study: Study, plan: Plan, point: int, chosen: list[str]) -> Document:
    """Return what became of one request."""
    spot: Spot = study.demand.spots[point]
    today = float(study.sight.share[point])
    status = "dipilih" if chosen else "sudah_terlihat" if point not in plan.rejected else "tidak_terpilih"
    told: Document = {
        "ref": spot.ref, "asked_by": spot.source, "category": spot.category, "lat": spot.lat, "lng": spot.lng,
        "kelurahan": spot.kelurahan, "kelurahan_name": study.inputs.city.name(spot.kelurahan),
        "priority": spot.weight, "weight": float(study.weight[point]), "seen_today": today, "status": status,
        "sites": chosen,
    }  # fmt: skip
    if status == "tidak_terpilih":
        told.update(_displaced(plan, plan.rejected[point]))
    return told


def _displaced(plan: Plan, displaced: Displaced | None) -> Document:
    """Return what a request that was not chosen would have displaced."""
    if displaced is None:
        return {"status": "tanpa_calon"}
    return {
        "best_site": plan.candidates[displaced.site].id,
        "gain_micro": displaced.gain,
        "displaced": [{"id": plan.candidates[site].id, "loss_micro": loss} for site, loss in displaced.gone],
        "change_micro": displaced.change,
    }
