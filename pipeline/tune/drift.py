"""Has a camera's picture changed since its threshold was set? Two distributions of its scores, compared. Pure.

The population stability index (PSI; sum of (p - q) ln(p / q) over bins) says how much, the two-sample test of
Kolmogorov and Smirnov whether that can be chance. Scores of one camera hang together in time, so both are taken over
the highest score of each minute, not over frames.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

EDGES: Floats = np.array([0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
"""Bins of scores: fine where most of them lie."""
LEAST = 200
"""Fewer minutes on a side say nothing."""
MOVED = 0.25
"""PSI from which a distribution counts as another one (0.1 .. 0.25: some change), as is usual."""
CHANCE = 0.001
MINUTE_MS = 60_000


@dataclass(frozen=True)
class Drift:
    """How far two distributions lie apart. `moved` is None where there is too little to tell."""

    psi: float
    distance: float
    chance: float
    before: int
    after: int

    @property
    def moved(self) -> bool | None:
        """Whether the camera no longer sees what its threshold was set on."""
        if min(self.before, self.after) < LEAST:
            return None
        return self.psi >= MOVED and self.chance < CHANCE


def by_minute(scores: Iterable[tuple[int, float]]) -> Floats:
    """Return the highest score of each minute, of `(captured_ms, score)` in any order."""
    highest: dict[int, float] = {}
    for ms, score in scores:
        minute = ms // MINUTE_MS
        highest[minute] = max(score, highest.get(minute, 0.0))
    return np.array([highest[minute] for minute in sorted(highest)])


def drift(before: Sequence[float] | Floats, after: Sequence[float] | Floats) -> Drift:
    """Compare the scores that a threshold was set on with those of now."""
    old, new = np.asarray(before, np.float64), np.asarray(after, np.float64)
    if not len(old) or not len(new):
        return Drift(0.0, 0.0, 1.0, len(old), len(new))
    distance = _distance(old, new)
    return Drift(psi(old, new), distance, _chance(distance, len(old), len(new)), len(old), len(new))


def psi(before: Floats, after: Floats) -> float:
    """Return the population stability index of two samples of scores 0..1; empty bins count as half a score."""
    old, new = (np.histogram(sample, EDGES)[0] for sample in (before, after))
    p, q = ((counts + 0.5) / (counts.sum() + 0.5 * len(counts)) for counts in (old, new))
    return float(((p - q) * np.log(p / q)).sum())


def _distance(one: Floats, other: Floats) -> float:
    """Return the largest distance between two empirical distribution functions (Kolmogorov 1933, Smirnov 1948)."""
    both = np.sort(np.concatenate((one, other)))
    first = np.searchsorted(np.sort(one), both, "right") / len(one)
    second = np.searchsorted(np.sort(other), both, "right") / len(other)
    return float(np.abs(first - second).max())


def _chance(distance: float, n: int, m: int) -> float:
    """Return the chance of so large a distance between samples of one distribution (asymptotic, Stephens 1970)."""
    root = math.sqrt(n * m / (n + m))
    scaled = (root + 0.12 + 0.11 / root) * distance
    if scaled < 0.2:
        return 1.0
    total = sum((-1) ** (k - 1) * math.exp(-2 * (k * scaled) ** 2) for k in range(1, 101))
    return float(min(1.0, max(0.0, 2 * total)))
