"""The bench as a command: all sections one after another, written as JSON and into the page."""

import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog

from pipeline.bench.bus import measure_bus
from pipeline.bench.confirm import measure_confirm
from pipeline.bench.detect import measure_detect
from pipeline.bench.grab import measure_grab
from pipeline.bench.growth import measure_growth
from pipeline.bench.line import measure_line
from pipeline.bench.machine import describe_machine
from pipeline.bench.page import write_page
from pipeline.bench.plan import Plan
from pipeline.bench.units import measure_units
from pipeline.ops.settings import Settings

log = structlog.get_logger(__name__)


def run_bench(settings: Settings, plan: Plan, out: Path, page: Path | None = None) -> dict[str, Any]:
    """Measure, and write the figures to `out` (JSON) and between the marks of `page` (Markdown).

    Args:
        settings: Names the model.
        plan: How much is measured.
        out: The JSON file: a section each for grab, detect, line, confirm, bus and machine.
        page: The page to renew; None leaves pages alone.

    Raises:
        BenchError: A section cannot be measured.
        ModelError: The model cannot be used.
    """
    model = settings.model_path(settings.detect.models[0])
    result: dict[str, Any] = {"machine": describe_machine()}
    began = time.monotonic()
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="siaga-bench-") as name:
        folder = Path(name)
        sections: dict[str, Callable[[], dict[str, Any]]] = {
            "grab": lambda: measure_grab(plan, folder),
            "detect": lambda: measure_detect(plan, model, folder),
            "line": lambda: measure_line(plan, folder, model),
            "confirm": lambda: measure_confirm(plan),
            "bus": lambda: measure_bus(plan, folder),
        }
        for section in plan.sections:
            started = time.monotonic()
            result[section] = sections[section]()
            log.info("bench.measured", section=section, wall_s=round(time.monotonic() - started, 1))
            result["machine"] |= {"quick": plan.quick, "wall_s": round(time.monotonic() - began)}
            # After each section: what was measured for minutes is not lost when a later one fails.
            out.write_text(json.dumps(result, indent=2) + "\n")
        if {"grab", "line"} <= result.keys():
            result["grab"]["units"] = measure_units(plan, folder, result["line"]["sizes"])
            few = replace(plan, observations=plan.observations // 5)
            crowd = result["grab"].get("one_process", [])
            result["line"]["growth"] = measure_growth(few, result["line"], crowd)
            result["machine"]["wall_s"] = round(time.monotonic() - began)
            out.write_text(json.dumps(result, indent=2) + "\n")
    if page is not None:
        write_page(page, result)
    return result
