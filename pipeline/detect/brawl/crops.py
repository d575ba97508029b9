"""Square crops around the motion of a burst: a wide one, and two close ones at the two strongest places.

Two scales, .6 and .35 of the picture's height, measured best on the training clips.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from pipeline.detect.brawl.motion import Floats, Image, Motion

WIDE = 0.6
CLOSE = 0.35
"""Sides of the crops in shares of the picture's shorter side."""
APART = 0.75
"""The second close crop begins at least this many of its sides from the first."""


@dataclass(frozen=True)
class Square:
    """A crop: centre and side, px of the picture it is cut from."""

    x: float
    y: float
    side: float


def choose(motion: Motion, height: int, width: int) -> tuple[Square, Square, Square]:
    """Return the wide crop and two close ones, in px of pictures of this height and width."""
    scale = width / motion.energy.shape[1]
    short = min(height, width) / scale
    energy = motion.energy + 1e-4 * _middle(motion.energy.shape)
    wide, _ = _peak(energy, WIDE * short)
    first, _ = _peak(energy, CLOSE * short)
    rest = energy.copy()
    reach = APART * CLOSE * short
    x0, x1 = (max(0, int(first[0] + sign * reach)) for sign in (-1, 1))
    y0, y1 = (max(0, int(first[1] + sign * reach)) for sign in (-1, 1))
    rest[y0 : y1 + 1, x0 : x1 + 1] = 0
    second, strength = _peak(rest, CLOSE * short)
    if strength <= 0:
        second = first
    places = ((wide, WIDE), (first, CLOSE), (second, CLOSE))
    a, b, c = (Square((x + 0.5) * scale, (y + 0.5) * scale, share * short * scale) for (x, y), share in places)
    return a, b, c


def _middle(shape: tuple[int, ...]) -> Floats:
    """A bump in the middle, so that a burst without motion is looked at there."""
    ys, xs = np.linspace(-1, 1, shape[0]), np.linspace(-1, 1, shape[1])
    return np.asarray(np.exp(-(ys[:, None] ** 2) - xs[None] ** 2), np.float32)


def _peak(energy: Floats, side: float) -> tuple[tuple[float, float], float]:
    """Return the centre of the square of this side that holds most energy, x and y, and its mean energy.

    Near the edge the centre is pulled in so that the square stays within the picture.
    """
    size = max(3, round(side))
    summed: Any = cv2.boxFilter(energy, -1, (size, size), normalize=True, borderType=cv2.BORDER_CONSTANT)
    y, x = np.unravel_index(int(np.argmax(summed)), energy.shape)
    height, width = energy.shape
    half = side / 2
    inside = (
        float(np.clip(float(x), min(half, width / 2), max(width - half, width / 2))),
        float(np.clip(float(y), min(half, height / 2), max(height - half, height / 2))),
    )
    return inside, float(summed[y, x])


def cut(pictures: Sequence[Image], square: Square, side: int) -> Image:
    """Return the crop of every picture, `[T, side, side, 3]` uint8; what lies outside repeats the edge."""
    scale = side / square.side
    matrix = np.array(
        [[scale, 0, side / 2 - scale * square.x], [0, scale, side / 2 - scale * square.y]],
        np.float32,
    )
    how = cv2.INTER_LINEAR
    return np.stack(
        [
            np.asarray(cv2.warpAffine(p, matrix, (side, side), flags=how, borderMode=cv2.BORDER_REPLICATE))
            for p in pictures
        ]
    )
