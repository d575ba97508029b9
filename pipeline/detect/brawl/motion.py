"""Where a burst moves, after the movement of the camera itself was taken out.

Crops around the motion see what people do to each other; the background, which tells scenes apart and nothing else,
stays outside.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]

SMALL = 160
"""Longest side at which motion is measured, px."""
MOST_SHIFT = 12.0
"""A larger movement between two pictures is a cut or a misfit, not a shaking camera, px of the small picture."""
LEAST_FIT = 0.15
"""Response of the phase correlation below which a shift is not believed, 0..1."""
NOISE = 6.0
"""Differences up to this many grey levels are noise of the sensor and of compression."""


@dataclass(frozen=True)
class Motion:
    """Motion of one burst at small size.

    `energy` `[h, w]` is the mean absolute difference above the noise, grey levels; `steps` `[T-1]` its mean for each
    step; `shifts` `[T-1, 2]` the camera's own movement in px of the small picture; `grey` `[T, h, w]` the small
    pictures.
    """

    energy: Floats
    steps: Floats
    shifts: Floats
    grey: Image


def measure(pictures: Sequence[Image]) -> Motion:
    """Return the motion of a burst of pictures `[H, W, 3]` BGR of one size, oldest first."""
    grey = np.stack([small_grey(picture) for picture in pictures])
    height, width = grey.shape[1:]
    window: Any = cv2.createHanningWindow((width, height), cv2.CV_32F)
    energy = np.zeros((height, width), np.float32)
    steps, shifts = [], []
    for before, after in pairwise(grey):
        shift = camera_shift(before, after, window)
        moved = np.maximum(difference(before, after, shift) - NOISE, 0)
        energy += moved
        steps.append(float(moved.mean()))
        shifts.append(shift)
    return Motion(
        np.asarray(energy / max(1, len(steps)), np.float32),
        np.asarray(steps, np.float32),
        np.asarray(shifts, np.float32).reshape(-1, 2),
        grey,
    )


def small_grey(picture: Image) -> Image:
    """Return the picture in grey, its longest side `SMALL` px."""
    height, width = picture.shape[:2]
    scale = SMALL / max(height, width)
    size = max(8, round(width * scale)), max(8, round(height * scale))
    return np.asarray(cv2.cvtColor(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY))


def camera_shift(before: Image, after: Image, window: Floats) -> tuple[float, float]:
    """Return how far the whole picture moved, x and y in px; (0, 0) where that cannot be told."""
    (x, y), response = cv2.phaseCorrelate(before.astype(np.float32), after.astype(np.float32), window)
    if response < LEAST_FIT or max(abs(x), abs(y)) > MOST_SHIFT or max(abs(x), abs(y)) < 0.25:
        return 0.0, 0.0
    return float(x), float(y)


def difference(before: Image, after: Image, shift: tuple[float, float]) -> Floats:
    """Return the absolute difference in grey levels after `before` was moved along with the camera."""
    if shift != (0.0, 0.0):
        matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32)
        size = before.shape[1], before.shape[0]
        moved: Any = cv2.warpAffine(before, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        plain: Any = cv2.absdiff(before, after)
        found: Any = np.minimum(cv2.absdiff(moved, after), plain)
    else:
        found = cv2.absdiff(before, after)
    return np.asarray(cv2.GaussianBlur(found, (5, 5), 0), np.float32)
