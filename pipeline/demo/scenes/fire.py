"""A fire that breaks out: a cellular automaton makes the flames, their light falls on what the scene is made of."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from pipeline.demo.scenes.canvas import Canvas, Vector
from pipeline.demo.scenes.optics import Floats, Image, Pinhole
from pipeline.demo.scenes.textures import noise

CELLS_HIGH, CELLS_WIDE = 72, 56
STEPS_PER_FRAME = 7
"""Cells that heat climbs in one frame: about 4 m/s at 12 frames a second, as real flames lick."""
COOLING = 0.0105
PALETTE: tuple[tuple[float, Vector], ...] = (
    (0.0, (0, 0, 0)),
    (0.18, (5, 15, 60)),
    (0.35, (8, 50, 190)),
    (0.55, (15, 120, 250)),
    (0.75, (60, 200, 255)),
    (1.0, (185, 245, 255)),
)


@dataclass(frozen=True)
class Outbreak:
    """Where and when it burns: foot of the fire in m, its full width and height in m, seconds of the programme."""

    x: float
    y: float
    z: float
    width: float
    height: float
    start_s: float
    end_s: float
    grow_s: float = 15.0

    def strength(self, second: float) -> float:
        """How much of the full fire burns (0..1): grows over `grow_s`, goes out over the last 8 s."""
        if not self.start_s <= second < self.end_s:
            return 0.0
        up: float = min(1.0, (second - self.start_s) / self.grow_s) ** 0.7
        return max(0.12, up) * min(1.0, (self.end_s - second) / 8)


def _table() -> Image:
    """256 colours (BGR) of heat."""
    stops = [stop for stop, _ in PALETTE]
    heat = np.linspace(0, 1, 256)
    channels = [np.interp(heat, stops, [colour[i] for _, colour in PALETTE]) for i in range(3)]
    return np.stack(channels, 1).astype(np.uint8)


TABLE = _table()
FOOT = np.clip((CELLS_HIGH - np.arange(CELLS_HIGH, dtype=np.float32)) / 5 - 0.1, 0, 1)[:, None]
"""The lowest cells fade out: flames stand on what burns, not on a line."""


class Flames:
    """Heat in cells: each takes the heat of those below it, cooled and blown aside at random."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self.heat: Floats = np.zeros((CELLS_HIGH, CELLS_WIDE), np.float32)
        self._spots = self._rng.random(CELLS_WIDE // 5 + 2, dtype=np.float32)
        # Pockets of cold air rise with the heat and part it into tongues.
        self._cold = np.exp(1.2 * noise(self._rng, 512, CELLS_WIDE, 16, 2)).astype(np.float32)
        self._lean = noise(self._rng, 512, CELLS_WIDE, 36, 2) * 0.4
        self._row = 0
        # The rim and the tips lose their heat sooner: tongues, not a column.
        place = np.linspace(-1, 1, CELLS_WIDE, dtype=np.float32)
        climb = np.linspace(1, 0, CELLS_HIGH, dtype=np.float32)[:, None]
        self._taper = (0.75 + 2.6 * place**2 * (0.35 + climb) + 3.0 * np.clip(climb - 0.72, 0, 1)).astype(np.float32)

    def step(self, strength: float) -> None:
        """One frame further; `strength` (0..1) sets how wide and hot the foot burns."""
        for _ in range(STEPS_PER_FRAME):
            self._row = (self._row + 1) % (512 - CELLS_HIGH)
            window = slice(512 - CELLS_HIGH - self._row, 512 - self._row)
            below = np.vstack([self.heat[1:], self._foot(strength)])
            drift = self._rng.random(below.shape, dtype=np.float32) + self._lean[window]
            blown = np.where(drift < 0.3, np.roll(below, 1, 1), np.where(drift > 0.7, np.roll(below, -1, 1), below))
            cooled = self._cold[window] * self._taper * (COOLING / max(0.35, strength))
            self.heat = np.clip(blown * 0.85 + below * 0.15 - cooled, 0, 1)

    def _foot(self, strength: float) -> Floats:
        """The burning row: hot spots that swell and fade, narrower while the fire is small."""
        self._spots += (self._rng.random(len(self._spots), dtype=np.float32) - self._spots) * 0.06
        place = np.linspace(-1, 1, CELLS_WIDE, dtype=np.float32)
        reach = 0.2 + 0.45 * strength
        bed = np.clip(1.3 - (np.abs(place) / reach) ** 2, 0, 1)
        spots = np.interp(np.arange(CELLS_WIDE), np.arange(len(self._spots)) * 5, 0.35 + 1.1 * self._spots)
        return np.asarray(bed * spots * (strength > 0), np.float32)[None, :]


class Fire:
    """Flames, embers and the glow of one outbreak on the frames of one programme."""

    def __init__(self, canvas: Canvas, outbreak: Outbreak, seed: int = 11) -> None:
        self._camera = canvas.camera
        self._where = outbreak
        self._flames = Flames(seed)
        self._rng = np.random.default_rng(seed + 1)
        self._glow = _glow(canvas, outbreak)
        self._embers = np.zeros((40, 4), np.float32)

    def step(self, frame: Image, second: float) -> None:
        """Lay the fire over the frame; before its start and after its end nothing is touched."""
        strength = self._where.strength(second)
        if strength <= 0:
            return
        self._flames.step(strength)
        # Two beats of 5 and 11 Hz and the heat of the moment: light that flickers as fire does.
        beat = 0.82 + 0.1 * math.sin(second * 2 * math.pi * 5.3) + 0.08 * math.sin(second * 2 * math.pi * 11.1)
        cv2.addWeighted(frame, 1.0, self._glow, strength * beat, 0, dst=frame)
        self._draw(frame)
        self._spark(frame, strength)

    def _draw(self, frame: Image) -> None:
        x0, y0, x1, y1 = _box(self._camera, self._where)
        heat = cv2.resize(self._flames.heat * FOOT, (x1 - x0, y1 - y0), interpolation=cv2.INTER_CUBIC)
        heat = cv2.GaussianBlur(heat, (0, 0), max(1.0, (x1 - x0) / 75))
        top, bottom, left, right = max(0, y0), min(frame.shape[0], y1), max(0, x0), min(frame.shape[1], x1)
        part = heat[top - y0 : bottom - y0, left - x0 : right - x0]
        colour = TABLE[np.clip(part * 255, 0, 255).astype(np.uint8)]
        cover = np.clip((part - 0.1) * 3.0, 0, 0.95)
        patch = frame[top:bottom, left:right]
        body = cv2.add(cv2.blendLinear(patch, np.zeros_like(patch), 1 - cover, cover), colour)
        small = cv2.resize(colour, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
        bloom = cv2.resize(cv2.GaussianBlur(small, (0, 0), 2.5), (right - left, bottom - top))
        cv2.addWeighted(body, 1.0, bloom, 0.4, 0, dst=patch)

    def _spark(self, frame: Image, strength: float) -> None:
        """Embers (x, y, z in m, age) that rise and die."""
        where, dust = self._where, self._embers
        dead = dust[:, 3] <= 0
        fresh = dead & (self._rng.random(len(dust)) < 0.15 * strength)
        count = int(fresh.sum())
        dust[fresh, 0] = where.x + self._rng.normal(0, where.width / 4, count)
        dust[fresh, 1] = where.y + self._rng.uniform(0.5, 1.5, count) * strength
        dust[fresh, 2], dust[fresh, 3] = where.z, self._rng.uniform(0.6, 1.6, count)
        dust[:, 1] += 0.25
        dust[:, 0] += self._rng.normal(0.04, 0.06, len(dust))
        dust[:, 3] -= 1 / 12
        for x, y, z, age in dust[dust[:, 3] > 0]:
            px, py, _ = self._camera.spot(float(x), float(y), float(z))
            cv2.circle(frame, (int(px), int(py)), 1, (30, int(80 + 100 * min(1.0, age)), 255), -1)


def _box(camera: Pinhole, where: Outbreak) -> tuple[int, int, int, int]:
    """The picture's rectangle for the cells: wider than the fire, since it burns in their middle."""
    x, foot, depth = camera.spot(where.x, where.y, where.z)
    _, top, _ = camera.spot(where.x, where.y + where.height * 1.25, where.z)
    half = camera.focal / depth * where.width * 0.62
    return int(x - half), int(top), int(x + half), int(foot)


def _glow(canvas: Canvas, where: Outbreak) -> Image:
    """Light of the full fire on everything around it: colour of things times warm light falling off with distance."""
    gap = canvas.place - np.array([where.x, where.y + where.height * 0.35, where.z], np.float32)
    square = np.einsum("...i,...i->...", gap, gap)
    fall = 1.5 / (1 + square / (where.width * 0.9) ** 2)
    warm = np.array([0.18, 0.5, 1.0], np.float32)
    return np.asarray(np.clip(canvas.colour * fall[..., None] * warm, 0, 190), np.uint8)
