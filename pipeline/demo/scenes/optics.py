"""A pinhole camera on a pole. World: x right, y up, z along the street, in metres; image: 1280x720 px by default."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
WIDTH, HEIGHT = 1280, 720
NEAR_M = 0.4
"""What is nearer to the camera than this is cut away."""


@dataclass(frozen=True)
class Pinhole:
    """Where a camera hangs and looks: place in m, angles in degrees (pitch down, yaw to the right), focal in px."""

    x: float = 0.0
    y: float = 6.0
    z: float = 0.0
    pitch: float = 16.0
    yaw: float = 0.0
    focal: float = 1000.0

    @cached_property
    def axes(self) -> Floats:
        """Rows: the camera's right, down and forward directions in the world, shape (3, 3)."""
        pitch, yaw = math.radians(self.pitch), math.radians(self.yaw)
        forward = (math.sin(yaw) * math.cos(pitch), -math.sin(pitch), math.cos(yaw) * math.cos(pitch))
        right = (math.cos(yaw), 0.0, -math.sin(yaw))
        down = tuple(-v for v in np.cross(forward, right))
        return np.array([right, down, forward], np.float32)

    @cached_property
    def place(self) -> Floats:
        """The camera's position, shape (3,)."""
        return np.array([self.x, self.y, self.z], np.float32)

    @cached_property
    def rays(self) -> Floats:
        """Direction through every pixel, forward component 1, shape (HEIGHT, WIDTH, 3)."""
        across = (np.arange(WIDTH, dtype=np.float32) - WIDTH / 2) / self.focal
        along = (np.arange(HEIGHT, dtype=np.float32) - HEIGHT / 2) / self.focal
        right, down, forward = self.axes
        return np.asarray(across[None, :, None] * right + along[:, None, None] * down + forward, np.float32)

    def project(self, points: Floats) -> tuple[Floats, Floats]:
        """Pixels (n, 2) and depths (n,) in m of world points (n, 3); a depth below `NEAR_M` is not in view."""
        local = (points - self.place) @ self.axes.T
        depth = local[:, 2]
        safe = np.maximum(depth, NEAR_M)[:, None]
        pixels = local[:, :2] / safe * self.focal + np.array([WIDTH / 2, HEIGHT / 2], np.float32)
        return pixels.astype(np.float32), depth.astype(np.float32)

    @cached_property
    def _numbers(self) -> tuple[float, ...]:
        """The axes as plain numbers, row by row: single points are cheaper without arrays."""
        return tuple(float(v) for v in self.axes.ravel())

    def spot(self, x: float, y: float, z: float) -> tuple[float, float, float]:
        """Pixel and depth of one point."""
        r0, r1, r2, d0, d1, d2, f0, f1, f2 = self._numbers
        x, y, z = x - self.x, y - self.y, z - self.z
        depth = f0 * x + f1 * y + f2 * z
        scale = self.focal / max(depth, NEAR_M)
        return (r0 * x + r1 * y + r2 * z) * scale + WIDTH / 2, (d0 * x + d1 * y + d2 * z) * scale + HEIGHT / 2, depth
