"""The still part of a scene: what every pixel is made of and where it is, so that light can be computed afterwards."""

from collections.abc import Callable

import cv2
import numpy as np

from pipeline.demo.scenes.optics import HEIGHT, NEAR_M, WIDTH, Floats, Image, Pinhole

FAR_M = 1e4
Vector = tuple[float, float, float]


class Canvas:
    """Colour (BGR, 0..255), own light (BGR), depth in m and place of every pixel; planes are tested by depth."""

    def __init__(self, camera: Pinhole, sun: Vector | None = None) -> None:
        """`sun`: direction to the sun; walls that face it are brighter. None: an even light."""
        self.camera = camera
        self._sun = None if sun is None else np.array(sun, np.float32) / np.float32(np.linalg.norm(sun))
        self.colour = np.zeros((HEIGHT, WIDTH, 3), np.float32)
        self.light = np.zeros((HEIGHT, WIDTH, 3), np.float32)
        self.depth = np.full((HEIGHT, WIDTH), FAR_M, np.float32)
        self.place = np.zeros((HEIGHT, WIDTH, 3), np.float32)

    def sky(self, top: Vector, horizon: Vector) -> None:
        """A vertical gradient behind everything, which no lamp lights."""
        share = np.clip(np.arange(HEIGHT, dtype=np.float32) / (HEIGHT * 0.35), 0, 1)[:, None, None]
        gradient = np.array(top, np.float32) * (1 - share) + np.array(horizon, np.float32) * share
        self.light[:] = np.broadcast_to(gradient, self.light.shape)

    def ground(self, paint: Callable[[Floats, Floats], Floats]) -> None:
        """The plane y = 0; `paint(x, z)` gives its colour (n, 3) at places in m."""
        rays = self.camera.rays
        below = rays[..., 1] < -1e-3
        depth = np.where(below, -self.camera.y / np.where(below, rays[..., 1], -1), FAR_M)
        seen = below & (depth < 400) & (depth < self.depth)
        where = rays[seen] * depth[seen][:, None] + self.camera.place
        self.colour[seen] = paint(where[:, 0], where[:, 2])
        self._settle(seen, depth[seen], where)

    def plane(self, corner: Vector, along: Vector, up: Vector, texture: Image, light: Image | None = None) -> None:
        """A textured parallelogram: `corner` is where the texture's lower left lies, `along` and `up` its edges.

        `texture` is BGRA (alpha 0 = hole) or BGR; `light` of the same size is what it shines by itself.
        """
        base, edge, rise = (np.array(v, np.float32) for v in (corner, along, up))
        rows, cols = self._window(base, edge, rise)
        rays = self.camera.rays[rows, cols]
        normal = np.cross(edge, rise)
        facing = rays @ normal
        safe = np.where(np.abs(facing) < 1e-6, np.float32(1e-6), facing)
        depth = ((base - self.camera.place) @ normal) / safe
        where = rays * depth[..., None] + self.camera.place
        u = (where - base) @ edge / (edge @ edge)
        v = (where - base) @ rise / (rise @ rise)
        seen = (depth > NEAR_M) & (depth < self.depth[rows, cols]) & (u >= 0) & (u < 1) & (v >= 0) & (v < 1)
        if not seen.any():
            return
        height, width = texture.shape[:2]
        at = (u * (width - 1)).astype(np.float32), ((1 - v) * (height - 1)).astype(np.float32)
        sample = cv2.remap(texture, *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        if texture.shape[2] == 4:
            seen &= sample[..., 3] > 127
        self.colour[rows, cols][seen] = sample[..., :3][seen] * self._facing(normal, base)
        glow = cv2.remap(light, *at, cv2.INTER_LINEAR) if light is not None else None
        self.light[rows, cols][seen] = 0 if glow is None else glow[seen]
        self.depth[rows, cols][seen] = depth[seen]
        self.place[rows, cols][seen] = where[seen]

    def stamp(self, picture: Image, x: float, y: float, z: float, height_m: float) -> None:
        """A flat cut-out (BGRA) that faces the camera, its foot at (x, y, z), `height_m` tall: trees, posts, stalls."""
        width_m = height_m * picture.shape[1] / picture.shape[0]
        right = self.camera.axes[0] * width_m
        corner = (x - float(right[0]) / 2, y, z - float(right[2]) / 2)
        self.plane(corner, (float(right[0]), 0.0, float(right[2])), (0.0, height_m, 0.0), picture)

    def block(self, low: Vector, high: Vector, colour: Vector) -> None:
        """An axis-parallel box of one colour, seen from the street's start: front, both sides and top."""
        (x0, y0, z0), (x1, y1, z1) = low, high
        for shade, corner, along, up in (
            (1.0, (x0, y0, z0), (x1 - x0, 0, 0), (0, y1 - y0, 0)),
            (0.8, (x0, y0, z0), (0, 0, z1 - z0), (0, y1 - y0, 0)),
            (0.8, (x1, y0, z0), (0, 0, z1 - z0), (0, y1 - y0, 0)),
            (1.1, (x0, y1, z0), (x1 - x0, 0, 0), (0, 0, z1 - z0)),
        ):
            flat = np.clip(np.array(colour, np.float32) * shade, 0, 255).astype(np.uint8)
            self.plane(corner, along, up, np.broadcast_to(flat, (2, 2, 3)).copy())

    def _facing(self, normal: Floats, base: Floats) -> np.float32:
        """Brightness of a plane by how it faces the sun; the side towards the camera counts."""
        if self._sun is None:
            return np.float32(1)
        towards = normal if normal @ (self.camera.place - base) > 0 else -normal
        return np.float32(0.72 + 0.42 * max(0.0, float(towards @ self._sun) / (float(np.linalg.norm(normal)) + 1e-9)))

    def _window(self, base: Floats, edge: Floats, rise: Floats) -> tuple[slice, slice]:
        """Rows and columns of the picture a parallelogram can reach; all of them when it reaches behind the camera."""
        pixels, depth = self.camera.project(np.stack([base, base + edge, base + rise, base + edge + rise]))
        if depth.min() < NEAR_M:
            return slice(0, HEIGHT), slice(0, WIDTH)
        low = np.floor(pixels.min(axis=0)).astype(int).clip(0, [WIDTH - 1, HEIGHT - 1])
        high = np.ceil(pixels.max(axis=0)).astype(int).clip(0, [WIDTH - 1, HEIGHT - 1]) + 1
        return slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0]))

    def _settle(self, seen: "np.ndarray[tuple[int, int], np.dtype[np.bool_]]", depth: Floats, where: Floats) -> None:
        self.light[seen] = 0
        self.depth[seen] = depth
        self.place[seen] = where
