"""What a score is worth: of the episodes with this highest score, how many were real? Isotonic, with its certainty.

A detector's .8 is not eight in ten. The fit is the best rising step function through what people said (pool adjacent
violators, Ayer et al. 1955); it is told beside each step how many verdicts it rests on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.tune.advice import wilson

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Step:
    """Scores from `low` to `high` were real in `share` of `count` cases; `least`..`most` is a 90 % interval."""

    low: float
    high: float
    share: float
    least: float
    most: float
    count: int


def isotonic(scores: Sequence[float], real: Sequence[bool]) -> list[Step]:
    """Return the steps of the best rising fit, lowest scores first; none without a verdict.

    Args:
        scores: Highest score of each case, 0..1.
        real: Whether it was real.
    """
    blocks: list[list[float]] = []  # low, high, real, count
    for score, good in sorted(zip(scores, real, strict=True)):
        blocks.append([score, score, float(good), 1.0])
        while len(blocks) > 1 and _falls(blocks[-2], blocks[-1]):
            last = blocks.pop()
            blocks[-1][1] = last[1]
            blocks[-1][2] += last[2]
            blocks[-1][3] += last[3]
    return [Step(low, high, hits / count, *wilson(hits, count), int(count)) for low, high, hits, count in blocks]


def _falls(one: list[float], other: list[float]) -> bool:
    """Say whether the share does not rise from one block to the next, or both begin at one score."""
    return one[1] == other[0] or one[2] / one[3] >= other[2] / other[3]


def expected_error(scores: Sequence[float], real: Sequence[bool], bins: int = 10) -> float:
    """Return the expected calibration error of raw scores: mean gap between score and share, weighted by cases."""
    values, truth = np.asarray(scores, np.float64), np.asarray(real, np.float64)
    if not len(values):
        return 0.0
    which = np.minimum((values * bins).astype(int), bins - 1)
    gaps = [
        (which == one).sum() * abs(values[which == one].mean() - truth[which == one].mean())
        for one in range(bins)
        if (which == one).any()
    ]
    return float(sum(gaps) / len(values))
