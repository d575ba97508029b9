"""Water drawn on a dry street: it rises from the lower edge, mirrors what stands behind it, and carries ripples.

There is no flood video in the data, and hardly a flooded street seen by a camera at night. What is drawn here is for
training (where a run shows that it helps) and for the synthetic rise of the tests. It knows nothing of the ground's
true shape: a tilted, wavy shore line stands for it.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]
Rng = np.random.Generator

MUDS = np.array([(60, 85, 105), (75, 85, 90), (55, 60, 62), (70, 95, 90)], np.float32)
"""Colours of turbid water in daylight, BGR."""


def wave(width: int, rng: Rng, octaves: int = 4) -> Floats:
    """A smooth random line `[width]`, about -1..1."""
    line = np.zeros(width, np.float32)
    for octave in range(octaves):
        points = rng.normal(0, 1, 3 + 2**octave).astype(np.float32)
        line += cv2.resize(points[None], (width, 1), interpolation=cv2.INTER_CUBIC)[0] / 2**octave
    return (line / 2).astype(np.float32)


class Street:
    """Where the water of one street stands at each level, and how it looks: the same for a whole rise.

    Args:
        rng: Draws the shore, the mud, the ripples.
        horizon: Highest share of the picture's height (from the top) that water reaches at level 1.
    """

    def __init__(self, rng: Rng, horizon: float | None = None) -> None:
        self.horizon = rng.uniform(0.3, 0.55) if horizon is None else horizon
        self.tilt = rng.uniform(-0.25, 0.25)
        self.rough = rng.uniform(0.02, 0.08)
        self.mud = MUDS[rng.integers(len(MUDS))] * rng.uniform(0.7, 1.3)
        self.turbid = rng.uniform(0.25, 0.7)
        self.choppy = rng.uniform(0.4, 1.6)
        self.seed = int(rng.integers(2**31))

    def shore(self, height: int, width: int, level: float) -> Floats:
        """The row `[width]` from which down there is water at a level 0..1."""
        rng = np.random.default_rng(self.seed)
        across = np.linspace(-0.5, 0.5, width, dtype=np.float32)
        top = self.horizon + (1.05 - self.horizon) * (1 - level)
        line = top + self.tilt * across * (1.2 - level) + self.rough * wave(width, rng)
        return (np.clip(line, self.horizon - 0.05, 1.1) * height).astype(np.float32)

    def draw(self, picture: Image, level: float, rng: Rng) -> tuple[Image, Floats]:
        """Return the picture under water and where the water is, `[H, W]` 0..1.

        Args:
            picture: `[H, W, 3]` BGR, dry.
            level: 0 nothing .. 1 up to the horizon.
            rng: The ripples of this moment.
        """
        height, width = picture.shape[:2]
        shore = self.shore(height, width, level)
        rows = np.arange(height, dtype=np.float32)[:, None]
        depth = rows - shore[None]
        mask = np.clip(depth / max(2.0, 0.012 * height), 0, 1).astype(np.float32)
        if not mask.any():
            return picture, mask
        x, y = self._mirrored(height, width, shore, depth, rng)
        mirror = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        mirror = cv2.GaussianBlur(mirror, (0, 0), 1.2, sigmaY=2.5)
        light = float(np.clip(picture.mean() / 110, 0.12, 1.4))
        own = self.mud * light
        turbid = self.turbid * np.clip(0.45 + depth / height, 0.3, 1)[..., None]
        water = mirror.astype(np.float32) * (1 - turbid) + own * turbid
        water += self._sparkle(height, width, rng)[..., None] * (18 * light + 6)
        clear = np.clip(1 - depth / (0.10 * height), 0, 1)[..., None] * 0.45
        water = water * (1 - clear) + picture * clear
        mixed = picture * (1 - mask[..., None]) + water * mask[..., None]
        return np.clip(mixed, 0, 255).astype(np.uint8), mask

    def _mirrored(self, height: int, width: int, shore: Floats, depth: Floats, rng: Rng) -> tuple[Floats, Floats]:
        """Where each pixel of the water looks in the picture: up by as much as it lies below the shore, shaken."""
        lines = np.arange(height, dtype=np.float32)[:, None]
        away = np.clip(depth / height, 0, 1)
        ripple = np.zeros((height, width), np.float32)
        for size in (7, 15):
            grain = rng.normal(0, 1, (height // max(2, size // 3) + 2, width // size + 2)).astype(np.float32)
            ripple += cv2.resize(grain, (width, height), interpolation=cv2.INTER_CUBIC)
        shaken = ripple * self.choppy * (1 + 10 * away)
        y = shore[None] - np.abs(depth) * 0.9 + shaken
        x = np.arange(width, dtype=np.float32)[None] + 0.4 * shaken + 0 * lines
        return x.astype(np.float32), np.clip(y, 0, height - 1).astype(np.float32)

    def _sparkle(self, height: int, width: int, rng: Rng) -> Floats:
        """Streaks of brighter and darker water, longer than high, `[H, W]`."""
        grain = rng.normal(0, 1, (height // 2 + 1, width // 6 + 1)).astype(np.float32)
        streaks = cv2.resize(grain, (width, height), interpolation=cv2.INTER_CUBIC)
        return cv2.GaussianBlur(streaks, (0, 0), 0.8).astype(np.float32)


def wet_road(picture: Image, rng: Rng) -> Image:
    """Return a dry street as it looks in rain: darker, its lights in long streaks on the ground, in patches. No flood.

    Args:
        picture: `[H, W, 3]` BGR.
        rng: Draws where the ground begins, how wet it is and where.
    """
    height, width = picture.shape[:2]
    ground = int(rng.uniform(0.3, 0.5) * height)
    rows = np.arange(height, dtype=np.float32)[:, None] + np.zeros((1, width), np.float32)
    mirrored = np.clip(ground - 0.9 * (rows - ground), 0, height - 1)
    columns = np.arange(width, dtype=np.float32)[None] + np.zeros((height, 1), np.float32)
    mirror = cv2.remap(picture, columns, mirrored, cv2.INTER_LINEAR).astype(np.float32)
    limit = float(np.percentile(picture, rng.uniform(70, 90)))
    bright = cv2.GaussianBlur(np.clip(mirror - limit, 0, None), (0, 0), 1.5, sigmaY=rng.uniform(6, 18))
    patches = rng.uniform(-0.2, 1.2, (int(rng.integers(3, 12)), int(rng.integers(3, 9)))).astype(np.float32)
    wet = cv2.resize(patches, (width, height), interpolation=cv2.INTER_CUBIC).clip(0, 1)
    wet *= np.clip((rows - ground) / (0.08 * height), 0, 1)
    dark = 1 - wet * rng.uniform(0.1, 0.4)
    shown = picture * dark[..., None] + bright * (wet * rng.uniform(0.5, 1.6))[..., None]
    return np.clip(shown, 0, 255).astype(np.uint8)
