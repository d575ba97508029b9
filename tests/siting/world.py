"""A small made-up city on the real kelurahan: cameras, needs, hotspots, candidates; all by a seed."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.city.registry import load_kelurahan
from pipeline.ops.siting_section import SitingSection
from pipeline.siting.availability import complete
from pipeline.siting.demand import DAY_MS, Spot
from pipeline.siting.places import City
from pipeline.siting.study import Inputs, Study
from pipeline.siting.tables import Candidate
from pipeline.siting.views import View
from tests.shared import REPO

NOW = 1_795_000_000_000
KELURAHAN = REPO / "configs" / "kelurahan.csv"
CATEGORIES = ("rawan_kebakaran", "rawan_banjir", "rawan_tawuran", "jalan")


def city(outside_m: float = 4000) -> City:
    """Jakarta by its centroids."""
    return City(load_kelurahan(KELURAHAN), {}, outside_m)


def spot(lat: float, lng: float, kind: str = "hotspot", **changes: object) -> Spot:
    """One point of need."""
    values: dict[str, object] = {
        "ref": "1", "source": "112" if kind == "hotspot" else "RT 05/RW 02", "category": "rawan_kebakaran",
        "kelurahan": "31.74.01.1007", "weight": 1.0, "at_ms": NOW if kind != "request" else None, "hour": None,
    }  # fmt: skip
    return Spot(kind=kind, lat=lat, lng=lng, **{**values, **changes})  # type: ignore[arg-type]


def study(seed: int = 1, places: int = 40, views: int = 12, siting: SitingSection | None = None) -> Study:
    """A study with `places` places, each with a request and some hotspots around it, spread over all kota."""
    dice, whole = random.Random(seed), city()
    codes = [code for code in sorted(whole.kelurahan) if not code.startswith("31.01")]
    spots, seen = [], []
    for number in range(places):
        code = codes[(number * 37 + seed) % len(codes)]
        lat, lng = whole.kelurahan[code].lat + dice.gauss(0, 0.002), whole.kelurahan[code].lng + dice.gauss(0, 0.002)
        category = dice.choice(CATEGORIES)
        values: dict[str, Any] = {"category": category, "kelurahan": code}
        spots.append(spot(lat, lng, "request", ref=str(number + 1), weight=float(dice.randint(1, 5)), **values))
        for _ in range(dice.randint(0, 6)):
            place = lat + dice.gauss(0, 0.0003), lng + dice.gauss(0, 0.0003)
            at = NOW - dice.randint(0, 500) * DAY_MS
            spots.append(spot(*place, at_ms=at, hour=dice.choice([None, 1, 13, 22]), **values))
        if number < views:
            bearing = dice.choice([None, 90.0, 200.0])
            seen.append(View(f"cam-{number}", lat, lng, 60, code, bearing, 90.0 if bearing is not None else None))
            if number % 2:
                spots.append(spot(lat, lng, "incident", source="siaga", hour=2, **values))
    worth = {view.id: 1 for view in seen[::2]}
    live = complete({}, (view.id for view in seen))
    return Study(Inputs(whole, siting or SitingSection(), tuple(seen), live, tuple(spots), worth, NOW))


def poles(of: Study, seed: int = 2, count: int = 25) -> tuple[Candidate, ...]:
    """Candidates near some points of a study, of two types."""
    dice = random.Random(seed)
    found = []
    for number in range(count):
        near: Spot = dice.choice(of.inputs.spots)
        kind = dice.choice(["tiang_ada", "tiang_baru"])
        cost = of.siting.site_types[kind].cost
        place = near.lat + dice.gauss(0, 0.0002), near.lng + dice.gauss(0, 0.0002)
        found.append(Candidate(f"tiang-{number}", f"Tiang {number}", *place, near.kelurahan, kind, cost, 60))
    return tuple(found)


def write(folder: Path, name: str, lines: Sequence[str]) -> Path:
    """Write a CSV file."""
    file = folder / name
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file
