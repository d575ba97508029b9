"""From a budget of false alarms to thresholds: each camera's lowest threshold that keeps to the budget.

A camera with a month of data and three false alarms does not know its rate well; it borrows from its category by
empirical Bayes: its rate at a threshold is drawn from a gamma distribution fitted to the category's cameras (moments),
and the posterior mean, with a part of its standard deviation on top, is held against the budget: the lowest threshold
that seemed good enough is more often a lucky one than not. A camera with much data speaks for itself.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.ops.errors import ConfigError
from pipeline.tune.curve import Counts, count
from pipeline.tune.episodes import GRID, Episode

Floats = NDArray[np.float64]

PERIODS = {"day": 1 / 7, "week": 1.0, "month": 30 / 7, "hari": 1 / 7, "minggu": 1.0, "bulan": 30 / 7}
"""Weeks of a period."""
CAUTION = 0.5
"""Standard deviations of the posterior that are added to its mean."""
_BUDGET = re.compile(r"^\s*([0-9]*\.?[0-9]+)\s*/\s*(?:camera|kamera)\s*/\s*([a-z]+)\s*$")
LEAST_SHAPE, MOST_SHAPE = 0.05, 50.0
"""Bounds of the gamma's shape: how different the cameras of a category may be held to be."""


@dataclass(frozen=True)
class Suggestion:
    """A camera's threshold and what it is expected to give: false alarms a week (posterior mean), how it was found.

    `own` is the weight 0..1 of the camera's own data against its category's.
    """

    camera: str
    category: str
    threshold: float
    expected_per_week: float
    own: float


def parse_budget(text: str) -> float:
    """Read a budget such as `1/camera/week` as false alarms a camera-week.

    Raises:
        ConfigError: It is none.
    """
    found = _BUDGET.match(text.lower())
    if found is None or found[2] not in PERIODS:
        raise ConfigError(f"--budget: {text!r} is no budget like 1/camera/week, 0.5/camera/day or 2/camera/month")
    return float(found[1]) / PERIODS[found[2]]


def suggest(
    episodes: Sequence[Episode], weeks: dict[str, float], categories: dict[str, str], budget: float
) -> list[Suggestion]:
    """Return the threshold of each camera for one kind.

    Args:
        episodes: Of this kind; those of truth `false` are what counts.
        weeks: How long each camera was watched.
        categories: The category of each camera.
        budget: False alarms a camera-week.
    """
    counts = count(episodes, weeks)
    found: list[Suggestion] = []
    for category in sorted({categories.get(camera, "") for camera in counts.cameras}):
        rows = [number for number, camera in enumerate(counts.cameras) if categories.get(camera, "") == category]
        expected, own = posterior(counts, rows)
        # A gamma posterior: its variance is its mean over the weeks that it stands for, own and borrowed.
        spread = np.sqrt(expected * own / np.maximum(counts.weeks[rows][:, None], 1e-9))
        for place, number in enumerate(rows):
            index = first_within(expected[place] + CAUTION * spread[place], budget)
            found.append(
                Suggestion(
                    counts.cameras[number],
                    category,
                    float(GRID[index]),
                    float(expected[place, index]),
                    float(own[place, index]),
                )
            )
    return sorted(found, key=lambda one: one.camera)


def posterior(counts: Counts, rows: Sequence[int]) -> tuple[Floats, Floats]:
    """Return the expected rates `[R, T]` of some cameras, and the weight of their own data `[R, T]`."""
    false, weeks = counts.false[rows], counts.weeks[rows][:, None]
    whole = weeks.sum()
    mean = false.sum(0) / whole if whole else np.zeros(false.shape[1])
    shape = _shape(false, weeks, mean)
    with np.errstate(divide="ignore", invalid="ignore"):
        strength = np.where(mean > 0, shape / np.maximum(mean, 1e-12), np.inf)  # in camera-weeks
    own = np.where(np.isinf(strength)[None], 0.0, weeks / (weeks + np.where(np.isinf(strength), 1.0, strength)[None]))
    rate = false / np.maximum(weeks, 1e-9)
    return own * rate + (1 - own) * mean[None], own


def _shape(false: Floats, weeks: Floats, mean: Floats) -> Floats:
    """Return the gamma's shape at each threshold from the variance between cameras beyond that of counting."""
    if len(false) < 2:
        return np.full(false.shape[1], 1.0)
    rate = false / np.maximum(weeks, 1e-9)
    counting = mean * (1 / np.maximum(weeks, 1e-9)).mean()
    between = np.maximum(rate.var(0, ddof=1) - counting, 1e-9)
    return np.asarray(np.clip(mean**2 / between, LEAST_SHAPE, MOST_SHAPE))


def first_within(rates: Floats, budget: float) -> int:
    """Return the index of the lowest threshold from which on the rate stays within the budget; the highest if none."""
    over = np.flatnonzero(rates > budget)
    return min(len(rates) - 1, int(over[-1]) + 1) if len(over) else 0
