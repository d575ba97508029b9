"""What a sampled picture looks like at a glance: brightness, contrast, detail, and how it differs from another."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.grab.decode import Image

SIDE = 320
"""Width that pictures are brought to before they are compared, px."""
COLUMNS, ROWS = 16, 9
"""Cells that a picture is compared in; a burnt-in clock changes a few of them."""


@dataclass(frozen=True, slots=True)
class Look:
    """Measurements of one picture.

    `grey` is it in grey, 320 px wide (uint8); `mean` and `contrast` (standard deviation) in grey levels 0..255;
    `bright` the 99th percentile; `detail` the mean absolute Laplacian, grey levels.
    """

    grey: NDArray[np.uint8]
    mean: float
    contrast: float
    bright: float
    detail: float

    @property
    def quality(self) -> float:
        """0..1: 0 where nothing can be seen (black, flat), 1 for an ordinary picture."""
        return round(min(1.0, max(0.0, (self.contrast - 2) / 18)) * min(1.0, self.mean / 12), 3)


def look_at(image: Image) -> Look:
    """Measure a BGR picture."""
    height = max(1, round(image.shape[0] * SIDE / image.shape[1]))
    small = cv2.resize(image, (SIDE, height), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.uint8, copy=False)
    mean, deviation = cv2.meanStdDev(grey)
    return Look(
        grey=grey,
        mean=float(mean[0, 0]),
        contrast=float(deviation[0, 0]),
        bright=float(np.percentile(grey, 99)),
        detail=float(np.abs(cv2.Laplacian(grey, cv2.CV_16S)).mean()),
    )


def cell_differences(a: Look, b: Look) -> NDArray[np.float32]:
    """Return the mean absolute difference in each of 16 x 9 cells, grey levels, shape (9, 16).

    Pictures of different shape differ everywhere.
    """
    if a.grey.shape != b.grey.shape:
        return np.full((ROWS, COLUMNS), 255, np.float32)
    difference = cv2.absdiff(a.grey, b.grey).astype(np.float32)
    return np.asarray(cv2.resize(difference, (COLUMNS, ROWS), interpolation=cv2.INTER_AREA), np.float32)
