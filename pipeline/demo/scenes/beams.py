"""Lamps of vehicles at night: what shines into the lens, and the pool of light on the road ahead."""

import math

import numpy as np

from pipeline.demo.scenes.canvas import FAR_M, Canvas
from pipeline.demo.scenes.mesh import Mesh, Pose
from pipeline.demo.scenes.optics import Image
from pipeline.demo.scenes.sprites import PATCH, glow

HEAD, TAIL = (240.0, 232.0, 222.0), (25.0, 25.0, 190.0)
HEAD_M, TAIL_M = 1.15, 0.5
"""Radius of the glow around a lamp as the lens sees it, in m at the lamp's distance."""


class Beams:
    """Draws the lamps of vehicles over frames of one camera; on a `wet` road also their mirror images."""

    def __init__(self, canvas: Canvas, wet: bool) -> None:
        self._canvas = canvas
        self._camera = canvas.camera
        self._wet = wet

    def draw(self, frame: Image, thing: Mesh, pose: Pose) -> None:
        """Glow of the lamps that look at the camera, unless something still stands before them."""
        aside, ahead = pose.x - self._camera.x, pose.z - self._camera.z
        away = math.hypot(aside, ahead) + 1e-6
        towards = -(aside * math.sin(pose.heading) + ahead * math.cos(pose.heading)) / away
        front = towards > -0.15
        strength = max(0.15, towards) if front else 0.75
        b, g, r = (channel * strength for channel in (HEAD if front else TAIL))
        for spot in pose.world(np.array(thing.head if front else thing.tail, np.float32)).tolist():
            x, y, depth = self._camera.spot(*spot)
            if depth < 1 or self._hidden(x, y, depth):
                continue
            size = min(170.0, max(3.0, self._camera.focal / depth * (HEAD_M if front else TAIL_M)))
            glow(frame, x, y, size, (b, g, r))
            if self._wet:
                low = self._camera.spot(spot[0], 0.0, spot[2] - 1.0)
                glow(frame, low[0], low[1] + size, size * 0.45, (b * 0.6, g * 0.6, r * 0.6), 4.0)
        self._pool(frame, pose, thing.size[0])

    def _pool(self, frame: Image, pose: Pose, length: float) -> None:
        """Headlight on the road ahead of a vehicle."""
        ahead = length / 2 + 3.2
        sin, cos = math.sin(pose.heading), math.cos(pose.heading)
        x, y, depth = self._camera.spot(pose.x + sin * ahead, 0.0, pose.z + cos * ahead)
        if depth > 2:
            glow(frame, x, y, min(400.0, self._camera.focal / depth * 2.6), (34, 40, 42), 0.5, PATCH)

    def _hidden(self, x: float, y: float, depth: float) -> bool:
        """True when something of the still scene stands before this pixel's `depth`."""
        height, width = self._canvas.depth.shape
        if not (0 <= x < width and 0 <= y < height):
            return False
        nearest = float(self._canvas.depth[int(y), int(x)])
        return nearest < depth - 0.8 and nearest < FAR_M
