"""Drawn flames, smoke plumes and streets: a small share of the training pictures.

Flames are a cellular automaton of heat that rises, cools and drifts; plumes are fractal noise inside a widening
column; streets are flat polygons by day or night. All are drawn from the generator given, so that a seed gives the
same picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from scripts.detector.geometry import Floats, Image

Rng = np.random.Generator


@dataclass(frozen=True)
class Sprite:
    """Something to lay over a picture: colour `[h, w, 3]` BGR 0..255 and opacity `[h, w]` 0..1, both float32."""

    colour: Floats
    alpha: Floats


def bounds(alpha: Floats, level: float) -> tuple[int, int, int, int] | None:
    """x1, y1, x2, y2 of the part of `alpha` above `level`, or None where nothing is."""
    rows, columns = np.flatnonzero((alpha > level).any(1)), np.flatnonzero((alpha > level).any(0))
    if not len(rows):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


_STOPS = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
_RED = np.interp(np.arange(256) / 255, _STOPS, [20, 190, 250, 255, 255])
_GREEN = np.interp(np.arange(256) / 255, _STOPS, [5, 50, 130, 220, 250])
_BLUE = np.interp(np.arange(256) / 255, _STOPS, [5, 10, 25, 90, 215])
PALETTE = np.stack((_BLUE, _GREEN, _RED), 1).astype(np.float32)


def flame(rng: Rng) -> Sprite:
    """A flame some 60-120 px high: heat rises from a row of embers, cools and drifts sideways."""
    width, height = int(rng.integers(24, 56)), int(rng.integers(36, 72))
    heat = np.zeros((height, width), np.float32)
    x = np.arange(width)
    embers = np.clip(1.25 - np.abs((x - width / 2) / (width * rng.uniform(0.22, 0.42))) ** 2, 0, 1)
    cooling, lean = rng.uniform(1.2, 2.4) / height, int(rng.integers(-1, 2))
    for _ in range(height + 10):
        heat[-1] = embers * rng.uniform(0.75, 1.0, width)
        drift = rng.integers(-1, 2, width) + (lean if rng.random() < 0.3 else 0)
        heat[:-1] = heat[1:, np.clip(x + drift, 0, width - 1)] - cooling * rng.uniform(0, 1.8, (height - 1, width))
        np.clip(heat, 0, 1, out=heat)
    factor = rng.uniform(1.3, 2.0)
    heat = cv2.GaussianBlur(cv2.resize(heat, None, fx=factor, fy=factor), (0, 0), rng.uniform(0.6, 1.6))
    colour = PALETTE[(np.clip(heat * rng.uniform(1.0, 1.5), 0, 1) * 255).astype(np.uint8)]
    return Sprite(colour, np.clip((heat - 0.08) * 4, 0, 1))


def fractal(rng: Rng, height: int, width: int, octaves: int = 5) -> Floats:
    """Smooth noise 0..1 `[height, width]`: the sum of ever finer random grids."""
    total = np.zeros((height, width), np.float32)
    for octave in range(1, octaves + 1):
        cells = 2**octave
        rough = rng.random((cells + 1, cells + 1), np.float32)
        total += cv2.resize(rough, (width, height), interpolation=cv2.INTER_CUBIC) / octave**1.3
    low, high = float(total.min()), float(total.max())
    scaled: Floats = (total - low) / (high - low + 1e-6)
    return scaled


def plume(rng: Rng) -> Sprite:
    """A smoke column that rises from the bottom middle, widens, drifts and thins; from black to white."""
    height, width = 160, int(rng.integers(90, 200))
    y, x = np.mgrid[:height, :width].astype(np.float32)
    up = 1 - y / height
    centre = width / 2 + width * rng.uniform(-0.3, 0.3) * up**1.3 + 6 * np.sin(up * rng.uniform(4, 12))
    spread = width * (rng.uniform(0.04, 0.14) + rng.uniform(0.12, 0.32) * up ** rng.uniform(0.6, 1.1))
    shape = np.exp(-(((x - centre) / spread) ** 2)) * np.clip(up * 14, 0, 1) * np.clip((1 - up) * 4, 0, 1)
    noise = fractal(rng, height, width)
    alpha = np.clip((shape * (0.5 + noise) - 0.28) * rng.uniform(1.4, 3.0), 0, 1) * rng.uniform(0.55, 0.98)
    base = rng.uniform(15, 90) if rng.random() < 0.55 else rng.uniform(110, 225)
    shade = base + (fractal(rng, height, width) - 0.5) * rng.uniform(20, 70)
    tint = np.array([rng.uniform(0.96, 1.06), 1.0, rng.uniform(0.96, 1.06)], np.float32)
    return Sprite((shade[..., None] * tint).clip(0, 255).astype(np.float32), cv2.GaussianBlur(alpha, (0, 0), 1.2))


def glow(image: Floats, x: float, y: float, radius: float, colour: tuple[float, float, float]) -> None:
    """Add a soft light of `colour` (BGR) around a point, in place."""
    height, width = image.shape[:2]
    x1, x2 = max(0, int(x - radius)), min(width, int(x + radius) + 1)
    y1, y2 = max(0, int(y - radius)), min(height, int(y + radius) + 1)
    if x2 <= x1 or y2 <= y1:
        return
    rows, columns = np.mgrid[y1:y2, x1:x2].astype(np.float32)
    near = np.clip(1 - np.hypot(columns - x, rows - y) / radius, 0, 1) ** 2
    image[y1:y2, x1:x2] = np.minimum(image[y1:y2, x1:x2] + near[..., None] * np.array(colour, np.float32), 255)


def lamps(image: Floats, rng: Rng) -> None:
    """Street lamps, head- and tail-lights: bright points with a halo, never a fire; in place."""
    height, width = image.shape[:2]
    tones = ((200, 235, 255), (120, 200, 255), (60, 150, 255), (40, 40, 255), (255, 250, 245))
    for _ in range(int(rng.integers(1, 7))):
        tone = tones[int(rng.integers(len(tones)))]
        x, y, radius = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(3, 26)
        glow(image, x, y, radius, tone)
        cv2.circle(
            image, (int(x), int(y)), max(1, int(radius / 6)), [min(255.0, c + 40.0) for c in tone], -1, cv2.LINE_AA
        )


def _buildings(image: NDArray[np.float32], rng: Rng, night: bool, horizon: int) -> None:
    """A row of flat houses with windows, some of them lit."""
    x = 0
    while x < image.shape[1]:
        width, top = int(rng.integers(24, 90)), int(horizon - rng.integers(20, 120))
        wall = (rng.uniform(14, 45) if night else rng.uniform(80, 205)) * rng.uniform(0.8, 1.2, 3)
        cv2.rectangle(image, (x, max(0, top)), (x + width, horizon), wall.tolist(), -1)
        for wy in range(max(4, top + 6), horizon - 8, 14):
            for wx in range(x + 5, x + width - 8, 13):
                lit = night and rng.random() < 0.25
                pane = (90, 190, 240) if lit else (wall * 0.6).tolist()
                cv2.rectangle(image, (wx, wy), (wx + 6, wy + 7), pane, -1)
        x += width + int(rng.integers(0, 12))


def _traffic(image: NDArray[np.float32], rng: Rng, night: bool, horizon: int) -> None:
    """Boxes with wheels and lights as cars, larger the nearer."""
    height, width = image.shape[:2]
    for _ in range(int(rng.integers(1, 7))):
        y = int(rng.uniform(horizon + 12, height))
        size = 10 + 50 * (y - horizon) / (height - horizon)
        x = int(rng.uniform(0, width))
        body = rng.uniform(20, 120 if night else 240, 3).tolist()
        cv2.rectangle(image, (x, int(y - size * 0.45)), (int(x + size), y), body, -1)
        cv2.rectangle(
            image, (int(x + size * 0.2), int(y - size * 0.75)), (int(x + size * 0.8), int(y - size * 0.45)), body, -1
        )
        lights = (60, 60, 255) if rng.random() < 0.5 else (225, 245, 255)
        for side in (0.08, 0.92):
            cv2.circle(image, (int(x + size * side), int(y - size * 0.25)), max(1, int(size / 14)), lights, -1)
            if night:
                glow(image, x + size * side, y - size * 0.25, size * 0.4, lights)


def street(rng: Rng, width: int = 400, height: int = 226) -> Image:
    """A drawn street by day or night, without fire: sky, houses, road with markings, traffic, lamps."""
    night = rng.random() < 0.55
    horizon = int(height * rng.uniform(0.3, 0.5))
    top = (rng.uniform(5, 35) if night else rng.uniform(140, 240)) * rng.uniform(0.85, 1.15, 3)
    image = np.empty((height, width, 3), np.float32)
    image[:] = (top * np.linspace(1, 1.3, height)[:, None, None]).clip(0, 255)
    _buildings(image, rng, night, horizon)
    image[horizon:] = rng.uniform(22, 45) if night else rng.uniform(85, 150)
    vanishing = (int(width * rng.uniform(0.3, 0.7)), horizon)
    for x in np.linspace(-width, 2 * width, int(rng.integers(3, 8))):
        paint = (70, 75, 75) if night else (220, 225, 225)
        cv2.line(image, vanishing, (int(x), height), paint, int(rng.integers(1, 4)), cv2.LINE_AA)
    for _ in range(int(rng.integers(0, 5))):
        x, top_y = int(rng.uniform(0, width)), int(horizon - rng.uniform(10, 70))
        cv2.line(image, (x, int(horizon + rng.uniform(5, 60))), (x, top_y), (40, 40, 40), 2)
        if night:
            glow(image, x, top_y, rng.uniform(12, 40), (130, 200, 255))
    _traffic(image, rng, night, horizon)
    image += rng.normal(0, rng.uniform(1, 7), image.shape)
    return np.asarray(image.clip(0, 255), np.uint8)
