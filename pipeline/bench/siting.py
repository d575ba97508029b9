"""The size of the city: both solvers on 1,500 cameras, 5,000 candidates and 50,000 points of need.

Each solver runs in a process of its own, so that its peak memory is its own. The city is generated: needs gather around
hot places whose weight falls off as in a real city (few very hot, many mild), spread over 36 by 36 km.
"""

import json
import multiprocessing
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.bench.machine import describe_machine
from pipeline.city.registry import Kelurahan
from pipeline.ops.siting_section import SitingSection
from pipeline.siting.availability import complete
from pipeline.siting.demand import Spot
from pipeline.siting.money import Budget
from pipeline.siting.places import City
from pipeline.siting.plan import Ask, Method, make_plan
from pipeline.siting.study import Inputs, Study
from pipeline.siting.tables import Candidate
from pipeline.siting.views import View
from pipeline.siting.whole import write_whole

FULL = {"cameras": 1500, "candidates": 5000, "points": 50_000, "budget": 8_000_000_000}
QUICK = {"cameras": 150, "candidates": 500, "points": 5000, "budget": 800_000_000}
RANGE_M = 90
NOW_MS = 1_795_000_000_000
HALF_DEGREES = 0.16
"""Half the side of the city: 18 km."""
MIDDLE = (-6.2, 106.83)
WARDS = 16
PER_QUARTER = 25
"""Candidates of one quarter lie within some 250 m, so that several can see the same point: the hard case."""
GAP, TIME_LIMIT_S = 0.01, 540.0
CATEGORIES = ("rawan_kebakaran", "rawan_banjir", "rawan_tawuran", "jalan")


def run_siting_bench(out: Path, *, quick: bool = False) -> None:
    """Measure greedy and exact and write the figures as JSON.

    Raises:
        ConfigError: The file cannot be written.
    """
    size = QUICK if quick else FULL
    told: dict[str, Any] = {"machine": describe_machine(), "size": size, "gap_asked": GAP, "time_limit_s": TIME_LIMIT_S}
    for method in ("greedy", "exact"):
        told[method] = _alone(size, method)
    write_whole(out, (json.dumps(told, indent=2) + "\n").encode())


def _alone(size: dict[str, int], method: Method) -> dict[str, Any]:
    """Measure one solver in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measure, (size, method))


def measure(size: dict[str, int], method: Method) -> dict[str, Any]:
    """Make the city and two plans; return seconds, the value, the gap and the peak memory of this process, MB.

    `plan_s` holds covering, solving, explaining and what each rejected request would have displaced. The second plan is
    greedy with the budget curve and sixteen plans under other weights. On a busy machine `cpu_s` tells more.
    """
    began, cpu = time.monotonic(), time.process_time()
    study, listed = generated_city(size)
    weight = study.weight
    studied, studied_cpu = time.monotonic(), time.process_time()
    ask = Ask(Budget(size["budget"], money=True), method, {"kota": 2}, listed=listed, requests=False, curve=(),
              sensitivity=False)  # fmt: skip
    plan = make_plan(study, ask)
    planned, planned_cpu = time.monotonic(), time.process_time()
    make_plan(study, Ask(**{**ask.__dict__, "method": "greedy", "curve": (10, 50, 100, 500), "sensitivity": True}))
    ended = time.monotonic()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)
    return {
        "study_s": round(studied - began, 1), "plan_s": round(planned - studied, 1),
        "curve_and_sensitivity_s": round(ended - planned, 1),
        "cpu_s": {"study": round(studied_cpu - cpu, 1), "plan": round(planned_cpu - studied_cpu, 1),
                  "curve_and_sensitivity": round(time.process_time() - planned_cpu, 1)},
        "load": round(os.getloadavg()[0], 1), "value": plan.solution.value,
        "bound": plan.solution.bound, "gap": plan.solution.gap, "sites": len(plan.solution.sites),
        "rows": len(plan.built.problem.weight), "points": len(weight), "peak_mb": round(peak, 1),
    }  # fmt: skip


def generated_city(size: dict[str, int], seed: int = 3) -> tuple[Study, tuple[Candidate, ...]]:
    """Return a study of a generated city and its candidates: poles near hot places that gather in quarters."""
    dice = np.random.default_rng(seed)
    siting = SitingSection(gap=GAP, time_limit_s=TIME_LIMIT_S)
    types = sorted(siting.site_types)
    quarters = dice.uniform(-HALF_DEGREES, HALF_DEGREES, (size["candidates"] // PER_QUARTER, 2)) + MIDDLE
    hot = np.repeat(quarters, PER_QUARTER, axis=0) + dice.normal(0, 0.0012, (len(quarters) * PER_QUARTER, 2))
    heat = dice.pareto(1.3, len(hot)) + 0.2
    heat /= heat.sum()
    city = City(_wards())
    points = hot[dice.choice(len(hot), size["points"], p=heat)] + dice.normal(0, 0.0007, (size["points"], 2))
    poles = hot + dice.normal(0, 0.0003, hot.shape)
    standing = hot[dice.choice(len(hot), size["cameras"], p=heat)] + dice.normal(0, 0.0005, (size["cameras"], 2))
    spots = tuple(
        Spot(
            "request" if number % 50 == 0 else "hotspot", str(number), "112", CATEGORIES[number % 4], float(lat),
            float(lng), _ward(float(lat), float(lng)), float(1 + number % 5), NOW_MS - 86_400_000 * (number % 700),
            None if number % 3 else number % 24,
        )
        for number, (lat, lng) in enumerate(points)
    )  # fmt: skip
    views = tuple(
        View(f"cam-{n}", float(lat), float(lng), 60, _ward(float(lat), float(lng)), 90.0 * (n % 4), 90.0)
        for n, (lat, lng) in enumerate(standing)
    )
    listed = tuple(
        Candidate(f"tiang-{n}", f"Tiang {n}", float(lat), float(lng), _ward(float(lat), float(lng)), types[n % 3],
                  siting.site_types[types[n % 3]].cost, RANGE_M)
        for n, (lat, lng) in enumerate(poles)
    )  # fmt: skip
    live = complete({}, (view.id for view in views))
    return Study(Inputs(city, siting, views, live, spots, {}, NOW_MS)), listed


def _ward(lat: float, lng: float) -> str:
    """Return the made-up kelurahan of a place: squares, grouped into four kota."""
    step = 2 * HALF_DEGREES / WARDS
    row = min(WARDS - 1, max(0, int((lat - MIDDLE[0] + HALF_DEGREES) / step)))
    column = min(WARDS - 1, max(0, int((lng - MIDDLE[1] + HALF_DEGREES) / step)))
    kota = 71 + 2 * (row >= WARDS // 2) + (column >= WARDS // 2)
    return f"31.{kota}.01.{1000 + row * WARDS + column}"


def _wards() -> dict[str, Kelurahan]:
    """Return the made-up kelurahan by code."""
    step, found = 2 * HALF_DEGREES / WARDS, {}
    for row in range(WARDS):
        for column in range(WARDS):
            lat = MIDDLE[0] - HALF_DEGREES + step * (row + 0.5)
            lng = MIDDLE[1] - HALF_DEGREES + step * (column + 0.5)
            code = _ward(lat, lng)
            found[code] = Kelurahan(code, f"Kelurahan {row}-{column}", "Kecamatan", f"Kota {code[3:5]}", lat, lng)
    return found
