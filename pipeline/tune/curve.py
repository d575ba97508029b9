"""The operating curve: false alarms a camera-week against recall and delay, for each threshold, with its uncertainty.

Intervals are bootstrapped over cameras (Efron 1979): a camera's false alarms come together, so a thousand of them at
one bad camera say little of the city. Where there is too little to know, the interval says so by its width.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.tune.episodes import GRID, Episode

Floats = NDArray[np.float64]

DRAWS = 400
LEVEL = 0.9
"""Share of the draws within an interval."""
WEEK_MS = 7 * 86_400_000


@dataclass(frozen=True)
class Point:
    """What one threshold gives. `false_low`.. `recall_high` are the ends of the intervals, None where nothing is known.

    `false_per_week` is per camera; `delay_s` the median of true incidents.
    """

    threshold: float
    false_per_week: float
    false_low: float
    false_high: float
    recall: float | None
    recall_low: float | None
    recall_high: float | None
    precision: float | None
    delay_s: float | None


@dataclass(frozen=True)
class Counts:
    """Raised false and true episodes by camera and threshold `[C, T]`, true ones in all `[C]`, weeks watched `[C]`."""

    cameras: tuple[str, ...]
    false: Floats
    true: Floats
    events: Floats
    weeks: Floats


def count(episodes: Sequence[Episode], weeks: dict[str, float]) -> Counts:
    """Count what each threshold raises at each camera.

    Args:
        episodes: What is known. Those of truth `unsure` or `unknown` are no part of it.
        weeks: How long each camera was watched, in weeks; a camera without episodes counts with what it did not raise.
    """
    cameras = tuple(sorted(weeks))
    index = {camera: number for number, camera in enumerate(cameras)}
    shape = (len(cameras), len(GRID))
    false, true, events = np.zeros(shape), np.zeros(shape), np.zeros(len(cameras))
    for one in episodes:
        if one.camera not in index:
            continue
        raised = ~np.isnan(one.delays_s)
        if one.truth == "false":
            false[index[one.camera]] += raised
        elif one.truth == "true":
            true[index[one.camera]] += raised
            events[index[one.camera]] += 1
    return Counts(cameras, false, true, events, np.array([weeks[camera] for camera in cameras]))


def curve(episodes: Sequence[Episode], weeks: dict[str, float], seed: int = 0) -> list[Point]:
    """Return the operating curve of one rule over all thresholds of the grid."""
    counts = count(episodes, weeks)
    draws = _draws(counts, seed)
    delays = np.array([one.delays_s for one in episodes if one.truth == "true"]).reshape(-1, len(GRID))
    false, true = counts.false.sum(0), counts.true.sum(0)
    whole, events = counts.weeks.sum(), counts.events.sum()
    points = []
    for i, threshold in enumerate(GRID):
        low, high = _interval(draws.false[:, i])
        least, most = _interval(draws.recall[:, i]) if events else (None, None)
        raised = true[i] + false[i]
        points.append(
            Point(
                threshold=float(threshold),
                false_per_week=float(false[i] / whole) if whole else 0.0,
                false_low=low,
                false_high=high,
                recall=float(true[i] / events) if events else None,
                recall_low=least,
                recall_high=most,
                precision=float(true[i] / raised) if raised else None,
                delay_s=_median(delays[:, i]),
            )
        )
    return points


@dataclass(frozen=True)
class _Drawn:
    """False alarms a camera-week and recall `[DRAWS, T]` of cities drawn from the cameras of this one."""

    false: Floats
    recall: Floats


def _draws(counts: Counts, seed: int) -> _Drawn:
    """Draw cities: as many cameras, with replacement."""
    rng, number = np.random.default_rng(seed), len(counts.cameras)
    times = rng.multinomial(number, np.full(number, 1 / number), size=DRAWS).astype(np.float64)
    weeks, events = times @ counts.weeks, times @ counts.events
    with np.errstate(divide="ignore", invalid="ignore"):
        recall = (times @ counts.true) / events[:, None]
    return _Drawn((times @ counts.false) / np.maximum(weeks, 1e-9)[:, None], recall)


def _interval(values: Floats) -> tuple[float, float]:
    """Return the middle `LEVEL` of the values that are numbers; all of 0..1 where none is."""
    known = values[~np.isnan(values)]
    if not len(known):
        return 0.0, 1.0
    low, high = np.quantile(known, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return float(low), float(high)


def _median(values: Floats) -> float | None:
    """Return the median of the values that are numbers, None where none is."""
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else None
