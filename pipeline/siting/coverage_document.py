"""Coverage as it is, as a JSON document. Needs are floats, shares 0..1, ground m2; `*_seen` counts by share of time."""

from collections.abc import Callable, Mapping

from pipeline.siting.coverage import Ground, Share, Tally, by_hour, ground, overlaps, shares, tallies
from pipeline.siting.demand import duplicate_requests
from pipeline.siting.study import Study
from pipeline.store.tables import Document

MOST_PAIRS, MOST_IDLE = 50, 100
NOTHING = Tally(0, 0.0, 0, 0.0)


def coverage_document(study: Study) -> Document:
    """Return coverage as it is: totals and groups, blind kelurahan, cameras that overlap or could be moved."""
    demand, weight, sight, inputs = study.demand, study.weight, study.sight, study.inputs
    spots = demand.spots
    places = {share.name: share for share in shares(demand, weight, sight.share, lambda n: spots[n].kelurahan)}
    area = ground(inputs.views, inputs.live, inputs.city)
    pairs = overlaps(inputs.views, inputs.city.plane, study.siting.overlap_from)
    return {
        "cameras": len(inputs.views),
        "cameras_without_direction": sum(view.bearing is None for view in inputs.views),
        "cameras_without_log": sum(inputs.live[view.id].known_ms == 0 for view in inputs.views),
        "need": float(weight.sum()),
        "seen": float((weight * sight.share).sum()),
        "by_kind": [_share(s) for s in shares(demand, weight, sight.share, lambda n: spots[n].kind)],
        "by_category": _groups(study, lambda n: spots[n].category),
        "by_hour": _hours(study, area),
        "by_kelurahan": _kelurahan(study, places, area),
        "blind": [
            code
            for code, share in sorted(places.items())
            if share.need > 0 and (share.share or 0.0) < study.siting.blind_below
        ],
        "overlaps": [{"cameras": [one, other], "share": share} for one, other, share in pairs[:MOST_PAIRS]],
        "idle": [
            {"camera": idle.camera, "alone": idle.alone, "availability": idle.availability}
            for idle in study.idle[:MOST_IDLE]
        ],
        "incident_rates": {category: rates[""] for category, rates in study.weighted.rates.items()},
        "duplicates": [[s.ref for s in group] for group in duplicate_requests(demand, study.siting.merge_radius_m)],
        "notes": list(inputs.notes),
    }


def _share(share: Share, tally: Tally | None = None) -> Document:
    """Return a group's need and, where given, its hotspots and incidents."""
    told = {"name": share.name, "need": share.need, "seen": share.seen, "share": share.share}
    return told if tally is None else {**told, **tally.__dict__}


def _groups(study: Study, group: Callable[[int], str]) -> list[Document]:
    """Return need, hotspots and incidents by a group."""
    counted = tallies(study.demand, study.sight.share, group)
    found = shares(study.demand, study.weight, study.sight.share, group)
    return [_share(share, counted.get(share.name, NOTHING)) for share in found]


def _hours(study: Study, area: Mapping[str, Ground]) -> list[Document]:
    """Return need, hotspots and incidents whose hour is known, and seen ground by hour of the day."""
    hours = study.demand.hours
    counted = tallies(study.demand, study.sight.share, lambda n: f"{hours[n]:02d}")
    whole = [place.whole_m2 for place in area.values()]
    total = sum(m2 for m2 in whole if m2 is not None)
    rows = []
    for hour, share in enumerate(by_hour(study.demand, study.weight, study.sight)):
        seen_m2 = sum(place.hourly_m2[hour] for place in area.values())
        told = _share(share, counted.get(share.name, NOTHING))
        rows.append({**told, "seen_m2": seen_m2, "area_share": seen_m2 / total if total > 0 else None})
    return rows


def _kelurahan(study: Study, places: Mapping[str, Share], area: Mapping[str, Ground]) -> list[Document]:
    """Return one row for each kelurahan of the city."""
    spots = study.demand.spots
    counted = tallies(study.demand, study.sight.share, lambda n: spots[n].kelurahan)
    rows = []
    for code, place in sorted(study.inputs.city.kelurahan.items()):
        share, seen = places.get(code, Share(code, 0.0, 0.0)), area[code]
        told = _share(share, counted.get(code, NOTHING))
        rows.append({
            **told, "code": code, "name": place.name, "kota": place.kota, "cameras": seen.cameras,
            "seen_m2": seen.seen_m2, "whole_m2": seen.whole_m2,
            "area_share": seen.seen_m2 / seen.whole_m2 if seen.whole_m2 else None,
        })  # fmt: skip
    return rows
