"""Where cameras could stand: at the requests, at places from a CSV, or on a grid over the need."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pipeline.ops.siting_section import SitingSection
from pipeline.siting.demand import Demand
from pipeline.siting.places import City
from pipeline.siting.tables import Candidate
from pipeline.siting.views import Floats, Ints, View, seen

DIRECTIONS = 8
MOST_GRID = 5000
"""The heaviest cells of a grid that become candidates."""


def view_of(candidate: Candidate) -> View:
    """Return what a camera at a candidate would see."""
    return View(
        candidate.id, candidate.lat, candidate.lng, candidate.range_m, candidate.kelurahan, candidate.bearing,
        candidate.angle if candidate.bearing is not None else None,
    )  # fmt: skip


def from_requests(demand: Demand, siting: SitingSection) -> list[Candidate]:
    """Return a candidate at every request."""
    kind = siting.site_types[siting.default_type]
    angle = kind.angle if kind.angle < 360 else None
    spots = [demand.spots[number] for number in demand.of("request")]
    return [
        Candidate(
            f"permintaan-{spot.ref}", f"Permintaan {spot.ref} ({spot.source})", spot.lat, spot.lng, spot.kelurahan,
            siting.default_type, kind.cost, kind.range_m, None, angle, spot.ref,
        )
        for spot in spots
    ]  # fmt: skip


def from_grid(demand: Demand, weight: Floats, city: City, siting: SitingSection) -> list[Candidate]:
    """Return the middles of the cells of a grid that hold need, the heaviest first and at most `MOST_GRID`."""
    kind = siting.site_types[siting.default_type]
    x, y = demand.place
    column, row = np.floor(x / siting.grid_m).astype(np.int64), np.floor(y / siting.grid_m).astype(np.int64)
    need: dict[tuple[int, int], float] = {}
    for key, value in zip(zip(column.tolist(), row.tolist(), strict=True), weight.tolist(), strict=True):
        need[key] = need.get(key, 0.0) + value
    found = []
    for (i, j), value in sorted(need.items(), key=lambda item: (-item[1], item[0])):
        lat, lng = demand.plane.degrees((i + 0.5) * siting.grid_m, (j + 0.5) * siting.grid_m)
        code = city.code_at(lat, lng) if value > 0 else None
        if code is not None:
            found.append(
                Candidate(
                    f"kisi-{i}_{j}", f"Kisi {i}, {j}", round(lat, 6), round(lng, 6), code, siting.default_type,
                    kind.cost, kind.range_m, None, kind.angle if kind.angle < 360 else None,
                )
            )  # fmt: skip
        if len(found) == MOST_GRID:
            break
    return found


def turned(candidates: Sequence[Candidate], demand: Demand, gain: Floats) -> list[Candidate]:
    """Turn every candidate that has a width but no direction to where it would see the most (of eight directions)."""
    x, y = demand.place
    found = list(candidates)
    loose = [number for number, candidate in enumerate(candidates) if candidate.turn]
    best = np.full(len(loose), -1.0)
    for step in range(DIRECTIONS if loose else 0):
        bearing = 360 / DIRECTIONS * step
        tried = [replace(candidates[number], bearing=bearing) for number in loose]
        for at, points in enumerate(seen([view_of(one) for one in tried], demand.plane, x, y)):
            if (value := float(gain[points].sum())) > best[at]:
                best[at], found[loose[at]] = value, tried[at]
    return found


def covers(candidates: Sequence[Candidate], demand: Demand) -> list[Ints]:
    """Return the points that each candidate would see."""
    x, y = demand.place
    return list(seen([view_of(one) for one in candidates], demand.plane, x, y))
