"""What sampling a stream costs: Siaga's sampler against OpenCV's read loop and PyAV decoding everything."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.bench.films import Film, film
from pipeline.bench.measure import in_turns, middle, ratio
from pipeline.bench.plan import Plan
from pipeline.bench.readers import Kind, Reading, finish, read_cameras
from pipeline.bench.serving import Served, serving

KINDS: tuple[Kind, ...] = ("siaga", "opencv", "pyav")


def measure_grab(plan: Plan, folder: Path) -> dict[str, Any]:
    """Return CPU seconds per second of stream, and the ratios to the other ways (above 1: Siaga is cheaper).

    All ways sample at the rate of the keyframes, at most one picture a second, scaled to 640 px and encoded as JPEG.
    """
    films = [plan.headline, *plan.grid]
    lanes = 1 if plan.quick else os.cpu_count() or 1
    with ThreadPoolExecutor(lanes) as pool:
        paths = list(pool.map(lambda what: film(what, folder), films))
        cameras = [Served(what.name, str(path)) for what, path in zip(films, paths, strict=True)]
        with serving(cameras, folder) as address:
            head = _row(plan.headline, address, plan.grab_s, plan.grab_rounds)
            rows = list(pool.map(lambda what: _row(what, address, plan.grab_s, 1), plan.grid))
    section = {
        "ratio_vs_opencv": head["ratio_vs_opencv"],
        "ratio_vs_pyav": head["ratio_vs_pyav"],
        "streams_per_core": head["streams_per_core"],
        "streams": [head, *rows],
    }
    return section | ({"one_process": list(_crowds(plan, folder))} if plan.crowd else {})


def _row(what: Film, address: str, seconds: float, rounds: int) -> dict[str, Any]:
    """Measure one stream in every way, in turns."""
    rate = min(1.0, 1 / what.gop_s)
    last: dict[str, Reading] = {}

    def way(kind: Kind) -> float:
        last[kind] = finish(read_cameras(kind, [address + what.name], rate, seconds))
        return last[kind].cpu_s

    costs = in_turns({kind: partial(way, kind) for kind in KINDS}, rounds)
    row: dict[str, Any] = {
        "codec": what.codec,
        "size": what.size,
        "gop_s": what.gop_s,
        "pictures_per_s": rate,
        "cpu_s_per_stream_s": {kind: middle(costs[kind]) for kind in KINDS},
        "memory_mb": {kind: round(last[kind].memory_mb) for kind in KINDS},
        "ratio_vs_opencv": ratio(costs["opencv"], costs["siaga"]),
        "ratio_vs_pyav": ratio(costs["pyav"], costs["siaga"]),
        "streams_per_core": round(1 / max(1e-6, middle(costs["siaga"]))),
    }
    if rounds > 1 and rate < 1:
        # Keyframes rarer than the rate asked for: everything is decoded, and that is what it costs.
        row["siaga_at_1_fps"] = round(finish(read_cameras("siaga", [address + what.name], 1.0, seconds)).cpu_s, 4)
    return row


def _crowds(plan: Plan, folder: Path) -> Iterator[dict[str, Any]]:
    """Measure Siaga's sampler with many streams in one process (720p H.264, a keyframe a second)."""
    path = film(Film(), folder)
    cameras = [Served(f"camera-{number}", str(path)) for number in range(max(plan.crowd))]
    with serving(cameras, folder) as address:
        alone = 0.0
        for count in plan.crowd:
            urls = [address + camera.name for camera in cameras[:count]]
            found = finish(read_cameras("siaga", urls, 1.0, plan.grab_s))
            alone = alone or found.memory_mb
            each = (found.memory_mb - alone) / (count - 1) if count > 1 else 0.0
            yield {
                "streams": count,
                "cpu_s_per_stream_s": round(found.cpu_s, 4),
                "pictures_per_stream_s": round(found.pictures, 2),
                "memory_mb": round(found.memory_mb),
                "memory_mb_per_further_stream": round(each, 2),
            }
