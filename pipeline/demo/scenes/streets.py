"""Ready parts of a street: the ground's paint, rows of houses, poles with cables, trees."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from pipeline.demo.scenes.canvas import FAR_M, Canvas, Vector
from pipeline.demo.scenes.optics import Floats, Image
from pipeline.demo.scenes.sprites import banana, tree
from pipeline.demo.scenes.textures import awning, facade, noise, tin, wall

WALLS: tuple[Vector, ...] = (
    (175, 195, 205),
    (165, 180, 160),
    (150, 175, 200),
    (190, 185, 170),
    (140, 160, 185),
    (185, 200, 205),
    (170, 165, 150),
    (130, 170, 190),
)


@dataclass(frozen=True)
class Road:
    """A street along z: half width in m, kerb width, lanes each way; `cross` = (z from, z to) of a cross street.

    `shadow`: how far in m the houses on the right throw their shadow onto the street (0: no sun).
    """

    half: float = 6.5
    kerb: float = 2.2
    lanes: int = 2
    cross: tuple[float, float] | None = None
    surface: Vector = (92.0, 90.0, 88.0)
    seed: int = 1
    shadow: float = 0.0

    def paint(self) -> Callable[[Floats, Floats], Floats]:
        """The ground's colour at places (x, z) in m."""
        rng = np.random.default_rng(self.seed)
        grain = noise(rng, 512, 512, 64, 5)

        def colour(x: Floats, z: Floats) -> Floats:
            dirt = grain[(z * 14).astype(int) % 512, (x * 14).astype(int) % 512]
            broad = grain[(z * 3).astype(int) % 512, (x * 3).astype(int) % 512]
            out = np.array(self.surface, np.float32) + (dirt * 9 + broad * 10)[:, None]
            wear = np.cos(x / self.half * math.pi * self.lanes * 2) * 4
            out -= wear[:, None]
            self._marks(out, x, z)
            self._kerbs(out, x, z, dirt)
            self._shadows(out, x, z)
            return np.asarray(np.clip(out, 0, 255), np.float32)

        return colour

    def plain(self) -> Callable[[Floats, Floats], Floats]:
        """A lane of worn concrete with gutters and no marks, as `paint`."""
        rng = np.random.default_rng(self.seed)
        grain = noise(rng, 512, 512, 64, 5)

        def colour(x: Floats, z: Floats) -> Floats:
            dirt = grain[(z * 18).astype(int) % 512, (x * 18).astype(int) % 512]
            broad = grain[(z * 5).astype(int) % 512, (x * 5).astype(int) % 512]
            out = np.array(self.surface, np.float32) + (dirt * 11 + broad * 16)[:, None]
            out[(z % 2.4 < 0.05) & (np.abs(x) < self.half)] -= 22
            gutter = np.abs(np.abs(x) - self.half - 0.2) < 0.17
            out[gutter] = np.array([62, 66, 66], np.float32) + dirt[gutter][:, None] * 8
            beside = np.abs(x) > self.half + 0.37
            out[beside] = np.array([118, 128, 138], np.float32) + (dirt[beside] * 12 + broad[beside] * 14)[:, None]
            out *= (1 - 0.4 * np.clip((np.abs(x) - self.half + 0.3) / 1.2, 0, 1))[:, None]
            return np.asarray(np.clip(out, 0, 255), np.float32)

        return colour

    def _marks(self, out: Floats, x: Floats, z: Floats) -> None:
        """Lane marks, and zebra crossings with stop lines at a cross street."""
        road = np.abs(x) < self.half
        free = np.ones_like(road)
        if self.cross:
            free = (z < self.cross[0] - 5) | (z > self.cross[1] + 5)
        white = np.array([200, 205, 205], np.float32)
        for lane in range(-self.lanes + 1, self.lanes):
            at = self.half / self.lanes * lane
            dashed = (z % 6 < 3) if lane else np.ones_like(road)
            out[(np.abs(x - at) < 0.09) & dashed & free] = white * 0.95
        out[(np.abs(np.abs(x) - self.half + 0.3) < 0.07) & free] = white * 0.9
        if self.cross:
            near, far = self.cross
            zebra = ((z > near - 4) & (z < near - 1)) | ((z > far + 1) & (z < far + 4))
            out[zebra & road & (x % 1.1 < 0.55)] = white
            stop = (np.abs(z - near + 5) < 0.2) & (x < 0) | (np.abs(z - far - 5) < 0.2) & (x > 0)
            out[stop & road] = white
            middle = (np.abs(z - (near + far) / 2) < 0.09) & (np.abs(x) > self.half + 2) & (x % 6 < 3)
            out[middle] = white

    def _shadows(self, out: Floats, x: Floats, z: Floats) -> None:
        """Shade of roofs of uneven height on the sunny street, and the dark corner at the foot of the walls."""
        wall = self.half + self.kerb + 0.4
        corner = np.clip((np.abs(x) - wall + 1.6) / 2.0, 0, 1)
        out *= (1 - 0.35 * corner)[:, None]
        if self.shadow > 0:
            roofs = np.random.default_rng(self.seed + 7).uniform(0.7, 1.25, 64)
            edge = wall - self.shadow * roofs[(z / 7.5).astype(int).clip(0) % 64]
            shade = np.clip((x - edge) / 0.25, 0, 1)
            out *= (1 - 0.38 * shade)[:, None]

    def _kerbs(self, out: Floats, x: Floats, z: Floats, dirt: Floats) -> None:
        """Pavements of blocks with black and white kerbstones; earth behind them."""
        beside = np.abs(x) - self.half
        open_street = np.ones_like(x, bool)
        if self.cross:
            open_street = (z < self.cross[0]) | (z > self.cross[1])
        pave = (beside > 0.25) & (beside < self.kerb) & open_street
        joints = (z % 0.6 < 0.05) | (x % 0.6 < 0.05)
        out[pave] = np.array([128, 132, 140], np.float32) + dirt[pave][:, None] * 12
        out[pave & joints] -= 18
        stone = (beside > 0) & (beside <= 0.25) & open_street
        out[stone] = np.where((z[stone] % 2 < 1)[:, None], np.float32(60), np.float32(205))
        earth = (beside >= self.kerb) & open_street
        out[earth] = np.array([95, 108, 120], np.float32) + dirt[earth][:, None] * 14


@dataclass(frozen=True)
class Row:
    """A row of houses on one side (-1 left, 1 right): its front at `front` m, from z to z, heights from to in m."""

    side: int
    front: float
    z: tuple[float, float]
    heights: tuple[float, float] = (6.5, 12.0)
    widths: tuple[float, float] = (6.0, 12.0)
    lit: float = 0.0
    seed: int = 1
    awnings: bool = True


def houses(canvas: Canvas, row: Row) -> None:
    """Build a row: fronts along the street, the ends towards the camera, flat roofs, awnings over the shops."""
    rng = np.random.default_rng(row.seed)
    z = row.z[0]
    while z < row.z[1]:
        width = float(rng.uniform(*row.widths))
        height = float(rng.uniform(*row.heights))
        front = row.side * (row.front + float(rng.uniform(0, 0.8)))
        colour = WALLS[int(rng.integers(len(WALLS)))]
        picture, light = facade(rng, width, height, colour, row.lit)
        if row.side > 0:
            canvas.plane((front, 0, z + width), (0, 0, -width), (0, height, 0), picture, light)
        else:
            canvas.plane((front, 0, z), (0, 0, width), (0, height, 0), picture, light)
        end = wall(rng, 8, height, (colour[0] * 0.8, colour[1] * 0.8, colour[2] * 0.8))
        canvas.plane((min(front, front + row.side * 8), 0, z), (8, 0, 0), (0, height, 0), end)
        roof = tin(rng, 8, width, (120, 125, 135))
        canvas.plane((min(front, front + row.side * 8), height, z), (8, 0, 0), (0, 0, width), roof)
        if row.awnings and rng.random() < 0.7:
            _awning(canvas, rng, row.side, front, z, width)
        z += width + float(rng.choice([0.0, 0.0, 0.6, 1.5]))


CLOTHS: tuple[tuple[Vector, Vector], ...] = (
    ((60, 60, 180), (210, 210, 205)),
    ((150, 95, 40), (205, 205, 200)),
    ((70, 120, 60), (200, 205, 200)),
    ((130, 125, 60), (200, 205, 200)),
)


def _awning(canvas: Canvas, rng: np.random.Generator, side: int, front: float, z: float, width: float) -> None:
    cloth = CLOTHS[int(rng.integers(len(CLOTHS)))]
    texture = awning(width * 0.8, *cloth)
    canvas.plane((front, 2.9, z + width * 0.1), (0, 0, width * 0.8), (-side * 1.3, -0.5, 0), texture[:, ::-1].copy())


def poles(canvas: Canvas, x: float, places: list[float], height: float = 7.5, arm: float = 0.0) -> None:
    """Concrete poles; with an `arm` (m, towards the road's middle when positive) they carry a street lamp."""
    side = 1 if x > 0 else -1
    for z in places:
        canvas.block((x - 0.1, 0, z), (x + 0.1, height, z + 0.2), (120, 122, 125))
        if arm:
            tip = x - side * arm
            canvas.block((min(x, tip), height - 0.1, z), (max(x, tip), height, z + 0.1), (105, 108, 110))
            canvas.block((tip - 0.25, height - 0.22, z - 0.1), (tip + 0.25, height - 0.08, z + 0.2), (150, 150, 150))


def cables(canvas: Canvas, x: float, places: list[float], height: float = 7.2, seed: int = 3, count: int = 6) -> None:
    """Hanging bundles of cables from pole to pole."""
    rng = np.random.default_rng(seed)
    ink = np.zeros(canvas.depth.shape, np.uint8)
    share = np.linspace(0, 1, 24, dtype=np.float32)
    for z0, z1 in pairwise(places):
        for index in range(count):
            sag, top = float(rng.uniform(0.3, 1.3)), height - 0.16 * index
            level = top - sag * 4 * share * (1 - share)
            line = np.stack([np.full_like(share, x + 0.05 * index), level, z0 + (z1 - z0) * share], 1)
            pixels, depth = canvas.camera.project(line)
            pixels = pixels[depth > 0.6]
            if len(pixels) > 1:
                cv2.polylines(ink, [np.round(pixels * 16).astype(np.int32)], False, 255, 1, cv2.LINE_AA, 4)
    thin = (ink[..., None] * np.float32(0.85 / 255)).astype(np.float32)
    canvas.colour[:] = canvas.colour * (1 - thin) + 30 * thin
    canvas.light[:] = canvas.light * (1 - thin)


def trees(canvas: Canvas, places: list[tuple[float, float]], height: float = 6.5, palm: bool = False) -> None:
    """Trees (or banana plants) with their feet at (x, z)."""
    rng = np.random.default_rng(5)
    for x, z in sorted(places, key=lambda place: -place[1]):
        picture = banana(rng) if palm else tree(rng, _green(rng))
        canvas.stamp(picture, x, 0.0, z, height * float(rng.uniform(0.85, 1.15)))


def _green(rng: np.random.Generator) -> Vector:
    return float(rng.uniform(30, 55)), float(rng.uniform(85, 115)), float(rng.uniform(50, 85))


def skyline(canvas: Canvas, seed: int, colour: Vector, lit: float = 0.0) -> None:
    """Towers of the far city on the horizon, flat in the haze."""
    rng = np.random.default_rng(seed)
    horizon = int(canvas.camera.spot(0, canvas.camera.y, 1e5)[1])
    free = canvas.depth >= FAR_M
    x = -20
    layer: Image = np.zeros((*canvas.depth.shape, 3), np.uint8)
    mask = np.zeros(canvas.depth.shape, np.uint8)
    while x < canvas.depth.shape[1]:
        width, tall = int(rng.uniform(25, 80)), int(rng.uniform(15, 130))
        shade = rng.uniform(0.9, 1.08)
        b, g, r = (float(v) * shade for v in colour)
        cv2.rectangle(layer, (x, horizon - tall), (x + width, horizon + 40), (b, g, r), -1)
        cv2.rectangle(mask, (x, horizon - tall), (x + width, horizon + 40), 255, -1)
        for _ in range(int(lit * tall)):
            at = int(rng.uniform(x + 2, x + width - 4)), int(rng.uniform(horizon - tall + 3, horizon))
            cv2.rectangle(layer, at, (at[0] + 2, at[1] + 1), (110, 150, 170), -1)
        x += int(width * rng.uniform(0.6, 1.5))
    seen = free & (mask > 0)
    canvas.light[seen] = layer[seen]
