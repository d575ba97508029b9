"""Health that means function, from what each stage and each camera's grabber last said: pure rules."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pipeline.desk.i18n import mark
from pipeline.store.cameras import CameraState
from pipeline.store.health import StoredHealth

STAGES: Final = ("grab", "detect", "confirm", "alert")
"""The stages without which no incident reaches a desk."""
STAGE_WORDS: Final[dict[str, str]] = mark(
    {
        "grab": "Pembaca kamera",
        "detect": "Pengenal gambar",
        "confirm": "Penentu kejadian",
        "alert": "Pengirim kabar",
    }
)


@dataclass(frozen=True)
class StageView:
    """One stage as a whole: `since_ms` is its last word (0: it never spoke), `silent` the instances past due.

    `overload` above 0: it works, and leaves out what matters least because more comes than it can look at.
    """

    stage: str
    ok: bool
    reason: str
    since_ms: int
    instances: int
    silent: tuple[str, ...]
    overload: int = 0


def judge_stage(stage: str, rows: Iterable[StoredHealth], now: int, stale_ms: int) -> StageView:
    """Say whether a stage works.

    It does when at least one instance spoke within `stale_ms` and none of those that did complains. An instance that
    is silent beside one that works is named, but is no fault: after a crash its successor may bear another name.
    """
    mine = [row for row in rows if row.stage == stage]
    if not mine:
        return StageView(stage, False, "has not reported yet", 0, 0, ())
    fresh = [row for row in mine if now - row.at_ms <= stale_ms]
    silent = tuple(row.instance for row in mine if now - row.at_ms > stale_ms)
    last = max(row.at_ms for row in mine)
    if not fresh:
        return StageView(stage, False, f"silent for {(now - last) // 1000} s", last, 0, silent)
    bad = [row for row in fresh if not row.ok]
    reason = "; ".join(f"{row.instance}: {row.reason}" for row in bad) or fresh[0].reason
    overload = max(int(row.detail.get("overload", 0)) for row in fresh)
    return StageView(stage, not bad, reason, last, len(fresh), silent, overload)


def judge(rows: Sequence[StoredHealth], now: int, stale_ms: int, stages: Sequence[str] = STAGES) -> list[StageView]:
    """Judge every stage that should run, in their order along the line."""
    return [judge_stage(stage, rows, now, stale_ms) for stage in stages]


def camera_counts(cameras: Iterable[str], states: Mapping[str, CameraState]) -> dict[str, int]:
    """Count cameras by state; one that no grabber has spoken of is `unknown`."""
    counts: dict[str, int] = {}
    for camera in cameras:
        state = states[camera].state if camera in states else "unknown"
        counts[state] = counts.get(state, 0) + 1
    return counts


def report(stages: Sequence[StageView], counts: Mapping[str, int], desk_ok: bool) -> tuple[bool, dict[str, Any]]:
    """Return whether all is well, and the body of `/healthz`.

    A camera that is down is told but is not the system's fault: it never makes it unhealthy.
    """
    parts = {
        view.stage: {
            "ok": view.ok,
            "reason": view.reason,
            "last_ms": view.since_ms,
            "instances": view.instances,
            "silent": list(view.silent),
        }
        for view in stages
    }
    parts["desk"] = {"ok": desk_ok, "reason": "reads the store" if desk_ok else "does not reach the store"}
    ok = desk_ok and all(view.ok for view in stages)
    return ok, {"ok": ok, "stages": parts, "cameras": dict(sorted(counts.items()))}
