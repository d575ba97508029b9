"""People who stand or walk, drawn from joints with thick rounded lines; a few clothes, hair and veils."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from pipeline.demo.scenes.canvas import Vector
from pipeline.demo.scenes.mesh import Pose, shade_ground
from pipeline.demo.scenes.optics import NEAR_M, Floats, Image, Pinhole

SHIFT = 4
SHIRTS = ((70, 70, 150), (150, 120, 60), (190, 190, 190), (60, 60, 60), (80, 130, 80), (125, 165, 190), (140, 80, 130))
TROUSERS = ((60, 50, 45), (90, 70, 60), (45, 45, 45), (100, 110, 120))
SKIN = ((95, 125, 165), (75, 105, 145), (110, 145, 185))
HAIR = (25, 25, 28)


@dataclass(frozen=True)
class Look:
    """How one person looks: picked from tables by `choice`; height in m."""

    choice: int
    height: float = 1.65

    @property
    def veiled(self) -> bool:
        """A veil instead of hair, and a long dress."""
        return self.choice % 3 == 1


def draw_person(
    frame: Image, camera: Pinhole, pose: Pose, look: Look, stride: float, light: Floats, steps: bool = True
) -> None:
    """Draw a person with the feet at the pose; `stride` is the phase of the walk in radians."""
    x, y, depth = camera.spot(pose.x, pose.y, pose.z)
    if depth < 1.5:
        return
    scale = camera.focal / depth * look.height / 1.65
    if not (-60 < x < frame.shape[1] + 60 and 0 < y < frame.shape[0] + 2 * scale):
        return
    shade_ground(frame, camera, pose, (0.35, 0.35), 0.45)
    # How much of the walk is seen from the side; straight ahead the legs cover each other.
    side = abs(math.cos(math.atan2(pose.x - camera.x, pose.z - camera.z) - pose.heading))
    swing = math.sin(stride) * (0.12 + 0.22 * (1 - side)) if steps else 0.03
    bounce = abs(math.cos(stride)) * 0.02 if steps else 0.0
    body = _Body(frame, x, y - bounce * scale, scale, light)
    _legs(body, look, swing, stride if steps else 0.0)
    _upper(body, look, swing)


@dataclass(frozen=True)
class _Body:
    """Draws in metres of the person (x right, y up from the feet) onto the frame."""

    frame: Image
    x: float
    y: float
    scale: float
    light: Floats

    def line(self, a: tuple[float, float], b: tuple[float, float], width: float, colour: Vector) -> None:
        cv2.line(
            self.frame,
            self._at(a),
            self._at(b),
            self._lit(colour),
            max(1, round(width * self.scale)),
            cv2.LINE_AA,
            SHIFT,
        )

    def oval(self, at: tuple[float, float], half: tuple[float, float], colour: Vector) -> None:
        axes = (max(8, int(half[0] * self.scale * 16)), max(8, int(half[1] * self.scale * 16)))
        cv2.ellipse(self.frame, self._at(at), axes, 0, 0, 360, self._lit(colour), -1, cv2.LINE_AA, SHIFT)

    def shape(self, points: list[tuple[float, float]], colour: Vector) -> None:
        corners = np.array([self._at(p) for p in points], np.int32)
        cv2.fillConvexPoly(self.frame, corners, self._lit(colour), cv2.LINE_AA, SHIFT)

    def _at(self, point: tuple[float, float]) -> tuple[int, int]:
        return int((self.x + point[0] * self.scale) * 16), int((self.y - point[1] * self.scale) * 16)

    def _lit(self, colour: Vector) -> Vector:
        b, g, r = (min(255.0, float(c * v)) for c, v in zip(colour, self.light, strict=True))
        return b, g, r


def _legs(body: _Body, look: Look, swing: float, stride: float) -> None:
    """Legs with bent knees, or a long dress."""
    cloth = TROUSERS[look.choice % len(TROUSERS)]
    dark = (cloth[0] * 0.8, cloth[1] * 0.8, cloth[2] * 0.8)
    for sign, colour in ((-1, dark), (1, cloth)):
        foot = 0.07 * sign + swing * sign
        lift = max(0.0, math.cos(stride) * sign) * 0.09
        knee = (0.07 * sign + foot * 0.5, 0.47 + lift * 0.4)
        body.line((0.07 * sign, 0.88), knee, 0.15, colour)
        body.line(knee, (foot, 0.08 + lift), 0.11, colour)
        body.line((foot, 0.04 + lift), (foot + 0.06 * (1 if swing > 0 else -1), 0.03 + lift), 0.08, (35, 35, 35))
    if look.veiled:
        shirt = SHIRTS[look.choice % len(SHIRTS)]
        spread = 0.2 + abs(swing) * 0.5
        body.shape([(-0.17, 1.0), (0.17, 1.0), (spread, 0.2), (-spread, 0.2)], _dim(shirt, 0.85))


def _upper(body: _Body, look: Look, swing: float) -> None:
    """Trunk, arms and head."""
    shirt, skin = SHIRTS[look.choice % len(SHIRTS)], SKIN[look.choice % len(SKIN)]
    body.line((-0.23, 1.3), (-0.25 - swing * 0.7, 0.86), 0.09, _dim(shirt, 0.8))
    body.shape([(-0.2, 0.88), (0.2, 0.88), (0.23, 1.2), (0.17, 1.42), (-0.17, 1.42), (-0.23, 1.2)], shirt)
    body.line((0.23, 1.3), (0.25 + swing * 0.7, 0.86), 0.09, _dim(shirt, 0.9))
    body.oval((-0.25 - swing * 0.7, 0.84), (0.045, 0.05), skin)
    body.oval((0.25 + swing * 0.7, 0.84), (0.045, 0.05), skin)
    body.line((0, 1.4), (0, 1.5), 0.1, skin)
    if look.veiled:
        veil = SHIRTS[(look.choice * 5 + 2) % len(SHIRTS)]
        body.shape([(-0.19, 1.3), (0.19, 1.3), (0.12, 1.55), (-0.12, 1.55)], veil)
        body.oval((0, 1.56), (0.12, 0.14), veil)
        body.oval((0.0, 1.56), (0.07, 0.09), skin)
        return
    body.oval((0, 1.55), (0.095, 0.125), skin)
    body.oval((0, 1.61), (0.1, 0.085), HAIR)


def _dim(colour: tuple[int, ...], factor: float) -> Vector:
    b, g, r = (float(v) * factor for v in colour)
    return b, g, r


def depth_of(camera: Pinhole, pose: Pose) -> float:
    """Distance along the view in m; below `NEAR_M` the thing is behind the camera."""
    return max(camera.spot(pose.x, pose.y, pose.z)[2], NEAR_M / 2)
