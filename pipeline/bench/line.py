"""What a camera costs through the whole line, against the loop that everybody writes."""

import time
from pathlib import Path
from typing import Any

from pipeline.bench.films import Film, film, fire_film, quiet_film
from pipeline.bench.measure import middle
from pipeline.bench.plan import Plan
from pipeline.bench.readers import finish, read_cameras
from pipeline.bench.serving import Served, serving
from pipeline.bench.site import Site, quantile, running, total

RATE = {"floor_fps": 1.0, "activity_fps": 1.0}
"""One picture a second and camera, whatever moves: what the loop looks at too."""
START_S = 90.0
ALERT_S = 45.0
STAGGER_S = 1.7


def measure_line(plan: Plan, folder: Path, model: Path) -> dict[str, Any]:
    """Return cameras a core of the whole line at one 720p picture a second, and seconds from camera to alert.

    CPU of every process of `siaga run`: supervisor, broker, grab, detect, confirm, alert, desk. The cameras' server is
    not counted. The loop is measured before and after the line.
    """
    films = film(Film(), folder)
    fires = _fires(plan, folder, str(films))
    quiet = [Served(f"c{n:03}", str(films)) for n in range(max(plan.line_cameras) - len(fires))]
    with serving([*fires, *quiet], folder) as address:
        loops = [_loop_cost(plan, address, quiet, model)]
        sizes = []
        for place, count in enumerate(plan.line_cameras):
            last = place == len(plan.line_cameras) - 1
            cameras = [*fires, *quiet][:count] if last else quiet[:count]
            urls = [address + camera.name for camera in cameras]
            with running(folder / f"line-{count}", urls, model, {"grab": RATE}) as site:
                sizes.append(_steady(plan, site, count, len(fires) if last else 0))
        loops.append(_loop_cost(plan, address, quiet, model))
    cost, loop = sizes[-1]["cpu_s_per_camera_s"], middle(loops)
    return {
        "cameras_per_core": sizes[-1]["cameras_per_core"],
        "ratio_vs_loop": round(loop / cost, 2) if cost else 0.0,
        "camera_to_alert_p95_s": sizes[-1]["camera_to_alert_p95_s"],
        "loop_cpu_s_per_camera_s": loop,
        "marginal_cameras_per_core": _marginal(sizes),
        "sizes": sizes,
    }


def _fires(plan: Plan, folder: Path, quiet: str) -> list[Served]:
    """Return the burning cameras: each shows nothing until the line is measured, then they begin one after another."""
    if not plan.burning:
        return []
    burning = str(fire_film(folder))
    before = round(plan.settle_s + plan.line_s) + 4
    return [
        Served(f"fire-{n}", burning, str(quiet_film(folder, before + round(STAGGER_S * n))))
        for n in range(plan.burning)
    ]


def _loop_cost(plan: Plan, address: str, cameras: list[Served], model: Path) -> float:
    """Return CPU seconds a second and camera of the loop: a process a camera, decode everything, look each second."""
    readers = [read_cameras("loop", [address + c.name], 1.0, plan.grab_s, model) for c in cameras[: plan.loops]]
    return middle([finish(reader).cpu_s for reader in readers])


def _steady(plan: Plan, site: Site, count: int, fires: int) -> dict[str, Any]:
    """Measure a line once all its cameras are live, then wait for the alerts of its fires."""
    site.wait(lambda: site.count("siaga_grab_cameras", 'state="live"') >= count, START_S, f"{count} live cameras")
    site.wait(lambda: site.count("siaga_detect_frames_total", "observed") > 0, START_S, "observation")
    time.sleep(plan.settle_s)
    before, used, began = site.metrics(), site.used(), time.monotonic()
    time.sleep(plan.line_s)
    after, now, took = site.metrics(), site.used(), time.monotonic() - began
    parts = {name: (now[name] - used.get(name, 0.0)) / took for name in now}
    observed = total(after, "siaga_detect_frames_total") - total(before, "siaga_detect_frames_total")
    cost = sum(parts.values()) / count
    found: dict[str, Any] = {
        "cameras": count,
        "cpu_s_per_camera_s": round(cost, 4),
        "cameras_per_core": round(1 / cost, 1) if cost else 0.0,
        "pictures_per_camera_s": round(observed / took / count, 2),
        "lag_frames": total(after, "siaga_detect_lag_frames"),
        "cpu_s_per_s": {name: round(part, 3) for name, part in sorted(parts.items())},
        "memory_mb": site.memory(),
    }
    return found | (_alerts(site, fires) if fires else {"camera_to_alert_p95_s": None})


def _alerts(site: Site, fires: int) -> dict[str, Any]:
    """Wait for the notices of all fires (those that do not come are missed in the count, not in the run)."""
    deadline = time.monotonic() + ALERT_S
    while len(site.alerts()) < fires and time.monotonic() < deadline:
        time.sleep(1)
    metrics, alerts = site.metrics(), site.alerts()
    return {
        "camera_to_alert_p95_s": quantile(metrics, 0.95),
        "camera_to_alert_p50_s": quantile(metrics, 0.5),
        "camera_to_alert_s": sorted(round(alert.evidence_s + alert.line_s, 2) for alert in alerts.values()),
        "evidence_s": sorted(round(alert.evidence_s, 2) for alert in alerts.values()),
        "frame_to_notice_s": sorted(round(alert.line_s, 2) for alert in alerts.values()),
        "fires": fires,
        "alerted": len([camera for camera in alerts if camera.startswith("fire")]),
        "alerted_without_fire": len([camera for camera in alerts if not camera.startswith("fire")]),
    }


def _marginal(sizes: list[dict[str, Any]]) -> float | None:
    """Return cameras a core by what one more camera costs, from the smallest and the largest size measured."""
    first, last = sizes[0], sizes[-1]
    more = last["cameras"] - first["cameras"]
    if more <= 0:
        return None
    each = (last["cpu_s_per_camera_s"] * last["cameras"] - first["cpu_s_per_camera_s"] * first["cameras"]) / more
    return round(1 / each, 1) if each > 0 else None
