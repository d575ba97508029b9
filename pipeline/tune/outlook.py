"""The operating curve and the worth of scores for a kind, and cameras that moved, as one document each."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from pipeline.bus.records import Observation, decode
from pipeline.ops.errors import ConfigError, RecordError
from pipeline.ops.sections import Kind
from pipeline.tune.calibration import expected_error, isotonic
from pipeline.tune.curve import curve
from pipeline.tune.drift import Drift, by_minute, drift
from pipeline.tune.gather import Gathered


def outlook(found: Gathered) -> dict[str, Any]:
    """Return the curve over all thresholds and, of episodes that people judged, what scores are worth.

    Raises:
        ConfigError: No camera was watched.
    """
    if not found.weeks:
        raise ConfigError("nothing was recorded within this span: is the archive on, and since when?")
    judged = [one for one in found.episodes if one.truth in ("true", "false") and one.judged]
    scores, real = [one.highest for one in judged], [one.truth == "true" for one in judged]
    return {
        "kind": found.kind,
        "camera_weeks": round(sum(found.weeks.values()), 3),
        "curve": [asdict(point) for point in curve(found.episodes, found.weeks)],
        "calibration": {
            "judged": len(judged),
            "expected_error": round(expected_error(scores, real), 4),
            "steps": [asdict(step) for step in isotonic(scores, real)],
        },
    }


@dataclass(frozen=True)
class Moved:
    """One camera, its scores before and after a moment compared."""

    camera: str
    drift: Drift


def moved(values: Iterable[bytes], kind: Kind, at_ms: int) -> list[Moved]:
    """Compare the scores of each camera before and after a moment; the farthest apart first."""
    sides: dict[str, tuple[list[tuple[int, float]], list[tuple[int, float]]]] = defaultdict(lambda: ([], []))
    for value in values:
        try:
            one = decode(Observation, value)
        except RecordError:
            continue
        if kind in one.scores:
            sides[one.camera][one.captured_ms >= at_ms].append((one.captured_ms, one.scores[kind]))
    found = [Moved(camera, drift(by_minute(old), by_minute(new))) for camera, (old, new) in sides.items()]
    return sorted(found, key=lambda one: (-one.drift.psi, one.camera))
