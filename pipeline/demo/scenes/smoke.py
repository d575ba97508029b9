"""A smoke plume: density carried upwards by a wind of moving noise, thinning and widening as it goes."""

import cv2
import numpy as np

from pipeline.demo.scenes.canvas import Canvas
from pipeline.demo.scenes.fire import Outbreak
from pipeline.demo.scenes.optics import Floats, Image
from pipeline.demo.scenes.textures import noise

CELLS_HIGH, CELLS_WIDE = 150, 130
KEEP = 0.985
"""Share of the density that is left after a frame."""


class Smoke:
    """The plume of one outbreak; it starts before the flames are high and outlasts them."""

    def __init__(self, canvas: Canvas, outbreak: Outbreak, seed: int = 21, wind: float = 0.35) -> None:
        camera = canvas.camera
        self._where = outbreak
        self._density: Floats = np.zeros((CELLS_HIGH, CELLS_WIDE), np.float32)
        rng = np.random.default_rng(seed)
        self._rng = rng
        self._swirl = [noise(rng, CELLS_HIGH * 4, CELLS_WIDE, 24) for _ in range(2)]
        self._detail = noise(rng, CELLS_HIGH * 2, CELLS_WIDE * 2, 20, 4)
        self._wind = wind
        x, foot, depth = camera.spot(outbreak.x, outbreak.y + outbreak.height * 0.45, outbreak.z)
        scale = camera.focal / depth
        self._pixels = scale * outbreak.width * 0.07
        """Size of a cell on the picture."""
        self._left = int(x - self._pixels * CELLS_WIDE * 0.42)
        self._top = int(foot - self._pixels * CELLS_HIGH * 0.94)
        rows, cols = np.mgrid[:CELLS_HIGH, :CELLS_WIDE].astype(np.float32)
        self._rows, self._cols = rows, cols
        self._frame = 0

    def step(self, frame: Image, second: float) -> None:
        """Lay the smoke over the frame."""
        strength = self._where.strength(second)
        if strength <= 0 and self._density.max() < 0.01:
            return
        self._flow(strength)
        x0, y0 = self._left, self._top
        size = int(self._pixels * CELLS_WIDE), int(self._pixels * CELLS_HIGH)
        rows = slice(max(0, y0), min(frame.shape[0], y0 + size[1]))
        cols = slice(max(0, x0), min(frame.shape[1], x0 + size[0]))
        if rows.start >= rows.stop or cols.start >= cols.stop:
            return
        veil, colour = self._look(strength)
        ahead = (cols.start - x0) / self._pixels, (rows.start - y0) / self._pixels
        grow = np.array([[1 / self._pixels, 0, ahead[0]], [0, 1 / self._pixels, ahead[1]]])
        extent = (cols.stop - cols.start, rows.stop - rows.start)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        cover = cv2.warpAffine(veil, grow, extent, flags=flags)
        grey = cv2.warpAffine(colour, grow, extent, flags=flags)
        patch = frame[rows, cols]
        patch[:] = cv2.blendLinear(patch, grey, 1 - cover, cover)

    def _flow(self, strength: float) -> None:
        """Carry the density along for one frame and let the fire feed it."""
        self._frame += 1
        at = self._frame % (CELLS_HIGH * 3)
        aside, lift = (field[at : at + CELLS_HIGH] for field in self._swirl)
        height = 1 - self._rows / CELLS_HIGH
        from_x = self._cols - (self._wind * (0.3 + 2.2 * height) + aside * 0.8)
        from_y = self._rows + 1.7 + lift * 0.5
        moved = cv2.remap(self._density, from_x, from_y, cv2.INTER_LINEAR, borderValue=0)
        moved = cv2.GaussianBlur(moved, (0, 0), 0.5) * KEEP
        if strength > 0:
            middle = np.array([CELLS_WIDE * 0.42, CELLS_HIGH * 0.94])
            spread = 3.0 + 3.0 * strength
            puff = 0.5 + 0.5 * self._rng.random()
            square = ((self._cols - middle[0]) / spread) ** 2 + ((self._rows - middle[1]) / 3) ** 2
            moved += np.exp(-square).astype(np.float32) * np.float32(2.6 * strength**0.5 * puff)
        self._density = np.clip(moved, 0, 2.6)

    def _look(self, strength: float) -> tuple[Floats, Image]:
        """Cover (0..1) and colour (BGR) of the cells: dark in the middle, pale at the rim, red near the flames."""
        shift = self._frame * 2 % CELLS_HIGH
        detail = self._detail[shift : shift + CELLS_HIGH, :CELLS_WIDE]
        density = np.clip(self._density * (1 + 0.9 * detail), 0, None)
        cover = 1 - np.exp(-density * 2.4)
        shade = 132 - 48 * np.clip(density, 0, 1.3) + detail * 16
        near = np.clip(1 - (CELLS_HIGH - self._rows) / (CELLS_HIGH * 0.35), 0, 1) * strength
        colour = np.stack([shade, shade + near * 22, shade + 3 + near * 55], -1)
        return np.clip(cover * 0.92, 0, 1).astype(np.float32), np.clip(colour, 0, 255).astype(np.uint8)
