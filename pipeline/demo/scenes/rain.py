"""Rain: sheets of streaks falling at different speeds, and drops that splash on the ground."""

import cv2
import numpy as np

from pipeline.demo.scenes.optics import HEIGHT, WIDTH, Image

LAYERS = ((420, 16, 95, 30.0), (260, 30, 120, 46.0), (90, 60, 150, 70.0))
"""Streaks of a sheet, their length in px, brightness, and fall in px a frame: far sheets are fine and slow."""


class Rain:
    """Adds rain to every frame; the sheets repeat, so a loop has no seam worth seeing."""

    def __init__(self, horizon: int, seed: int = 31) -> None:
        rng = np.random.default_rng(seed)
        self._rng = rng
        self._sheets = [self._sheet(rng, *layer[:3]) for layer in LAYERS]
        self._horizon = min(max(0, horizon), HEIGHT - 60)

    @staticmethod
    def _sheet(rng: np.random.Generator, count: int, length: int, bright: int) -> Image:
        """One sheet of slanted streaks, twice as high as the picture so that it can be moved along, BGR."""
        sheet = np.zeros((HEIGHT, WIDTH), np.uint8)
        for _ in range(count):
            x, y = int(rng.uniform(0, WIDTH)), int(rng.uniform(0, HEIGHT))
            tall = int(length * rng.uniform(0.6, 1.3))
            shade = int(bright * rng.uniform(0.25, 0.6))
            for shift in (0, -HEIGHT):
                cv2.line(sheet, (x, y + shift), (x - tall // 7, y + tall + shift), shade, 1, cv2.LINE_AA)
        return np.repeat(np.vstack([sheet, sheet])[..., None], 3, axis=2)

    def step(self, frame: Image, second: float) -> None:
        """Add the rain of this moment."""
        for sheet, (_, _, _, fall) in zip(self._sheets, LAYERS, strict=True):
            top = HEIGHT - int(second * 12 * fall) % HEIGHT
            cv2.add(frame, sheet[top : top + HEIGHT], dst=frame)
        for _ in range(40):
            y = int(self._horizon + 40 + (HEIGHT - self._horizon - 45) * self._rng.random() ** 0.7)
            size = 1 + (y - self._horizon) // 170
            at = (int(self._rng.uniform(0, WIDTH)), y)
            cv2.ellipse(frame, at, (size * 2, size), 0, 180, 360, (120, 118, 112), 1, cv2.LINE_AA)
