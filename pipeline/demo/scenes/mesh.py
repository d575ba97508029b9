"""Solid things of flat faces (vehicles), drawn with perspective, shading and hidden behind what stands before them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from pipeline.demo.scenes.canvas import Vector
from pipeline.demo.scenes.optics import NEAR_M, Floats, Image, Pinhole

SHIFT = 4
"""Fraction bits of polygon corners: movement below a pixel stays smooth."""
SUN = np.array([-0.45, 0.8, -0.4], np.float32)

ON_TOP, ON_TOP_M = ("head", "tail", "plate", "glass"), 0.7
"""Materials that lie flat on a body; their middle may be further away than the body's."""


@dataclass(frozen=True)
class Face:
    """A flat polygon of a thing: corners (n, 3) in its own metres (z ahead), and what it is made of."""

    corners: Floats
    material: str


@dataclass(frozen=True)
class Mesh:
    """Faces, the places of lamps, and the length and width on the ground in m."""

    faces: tuple[Face, ...]
    size: tuple[float, float]
    head: tuple[Vector, ...] = ()
    tail: tuple[Vector, ...] = ()

    @cached_property
    def points(self) -> Floats:
        """All corners, shape (n, 3)."""
        return np.concatenate([face.corners for face in self.faces])

    @cached_property
    def starts(self) -> "np.ndarray[tuple[int], np.dtype[np.intp]]":
        """Index in `points` of each face's first corner, and the end."""
        return np.cumsum([0, *(len(face.corners) for face in self.faces)])

    @cached_property
    def normals(self) -> Floats:
        """Unit normals of the faces that point away from the middle of the thing, shape (faces, 3)."""
        centre = self.points.mean(axis=0)
        return np.stack([_outward(face.corners, centre) for face in self.faces])

    @cached_property
    def lift(self) -> Floats:
        """How much earlier in depth a face counts: what lies flat on a body is drawn after it."""
        return np.array([ON_TOP_M * (face.material in ON_TOP) for face in self.faces], np.float32)


@dataclass(frozen=True)
class Pose:
    """Where a thing is and where it heads (radians; 0 = away along z, pi/2 = to the right along x)."""

    x: float
    z: float
    heading: float
    y: float = 0.0

    def turn(self) -> Floats:
        """The rotation from the thing's own axes, for row vectors, shape (3, 3)."""
        cos, sin = math.cos(self.heading), math.sin(self.heading)
        return np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]], np.float32)

    def world(self, points: Floats) -> Floats:
        """World coordinates of points given in the thing's own ones."""
        return points @ self.turn() + np.array([self.x, self.y, self.z], np.float32)


def draw(frame: Image, camera: Pinhole, mesh: Mesh, pose: Pose, paints: dict[str, Vector], light: Floats) -> bool:
    """Draw a mesh; materials take their colour (BGR) from `paints`. False when it is out of view."""
    world = pose.world(mesh.points)
    pixels, depth = camera.project(world)
    if depth.min() < NEAR_M or not _visible(frame, pixels):
        return False
    shade_ground(frame, camera, pose, mesh.size)
    fixed = np.round(pixels * (1 << SHIFT)).astype(np.int32)
    starts = mesh.starts
    normals = mesh.normals @ pose.turn()
    facing = np.einsum("ij,ij->i", normals, camera.place - world[starts[:-1]]) > 0
    away = np.add.reduceat(depth, starts[:-1]) / np.diff(starts) - mesh.lift
    shade = 0.6 + 0.45 * np.clip(normals @ SUN, 0, None)
    for index in np.argsort(-away):
        if facing[index]:
            colour = np.array(paints[mesh.faces[index].material], np.float32) * shade[index] * light
            corners = fixed[starts[index] : starts[index + 1]]
            cv2.fillConvexPoly(frame, corners, np.minimum(colour, 255).tolist(), cv2.LINE_AA, SHIFT)
    return True


def _ring() -> Floats:
    """A rounded rectangle of half sides 1, just above the ground."""
    turns = np.linspace(0, 2 * math.pi, 16, endpoint=False)
    sin, cos = np.sin(turns), np.cos(turns)
    rounded = [np.sign(v) * np.abs(v) ** 0.6 for v in (sin, cos)]
    return np.stack([rounded[0], np.full(16, 0.02), rounded[1]], 1).astype(np.float32)


RING = _ring()


def shade_ground(frame: Image, camera: Pinhole, pose: Pose, size: tuple[float, float], depth: float = 0.55) -> None:
    """The shadow under a thing of `size` (length, width) in m."""
    length, width = size[0] / 2 + 0.25, size[1] / 2 + 0.2
    pixels, away = camera.project(pose.world(RING * np.array([width, 1, length], np.float32)))
    if away.min() < NEAR_M:
        return
    low = np.floor(pixels.min(axis=0)).astype(int).clip(0) - 1
    x0, y0 = max(0, int(low[0])), max(0, int(low[1]))
    x1, y1 = (np.ceil(pixels.max(axis=0)).astype(int) + 2).tolist()
    patch = frame[y0:y1, x0:x1]
    if not patch.size:
        return
    dark = patch.copy()
    corners = np.round((pixels - [x0, y0]) * (1 << SHIFT)).astype(np.int32)
    cv2.fillConvexPoly(dark, corners, (12, 12, 12), cv2.LINE_AA, SHIFT)
    cv2.addWeighted(dark, depth, patch, 1 - depth, 0, dst=patch)


def _visible(frame: Image, pixels: Floats) -> bool:
    low, high = pixels.min(axis=0), pixels.max(axis=0)
    return bool(high[0] > 0 and high[1] > 0 and low[0] < frame.shape[1] and low[1] < frame.shape[0])


def _outward(spot: Floats, centre: Floats) -> Floats:
    """The face's unit normal that points away from the middle of the thing."""
    normal = np.cross(spot[1] - spot[0], spot[2] - spot[0])
    normal = normal / (np.linalg.norm(normal) + 1e-9)
    return np.asarray(normal if normal @ (spot.mean(axis=0) - centre) > 0 else -normal, np.float32)


def extrude(profile: Sequence[tuple[float, float]], half: Sequence[float], materials: Sequence[str]) -> list[Face]:
    """Faces across a side view: `profile` points (z, y) with half widths, a material for each strip between two."""
    faces = []
    for index, material in enumerate(materials):
        (z0, y0), (z1, y1) = profile[index], profile[index + 1]
        w0, w1 = half[index], half[index + 1]
        faces.append(quad((-w0, y0, z0), (w0, y0, z0), (w1, y1, z1), (-w1, y1, z1), material))
    return faces


def quad(a: Vector, b: Vector, c: Vector, d: Vector, material: str) -> Face:
    """A face of four corners."""
    return Face(np.array([a, b, c, d], np.float32), material)


def upright(x: tuple[float, float], y: tuple[float, float], z: tuple[float, float], material: str) -> Face:
    """A rectangle across: x from to, y from to, z below and above."""
    (left, right), (low, high), (foot, top) = x, y, z
    return quad((left, low, foot), (right, low, foot), (right, high, top), (left, high, top), material)


def sides(points: Sequence[tuple[float, float]], half: Sequence[float], material: str) -> list[Face]:
    """The same side polygon (z, y), each point with its half width, on the left and on the right."""
    return [
        Face(np.array([(sign * w, y, z) for (z, y), w in zip(points, half, strict=True)], np.float32), material)
        for sign in (-1, 1)
    ]


def wheel(z: float, radius: float, half: float) -> list[Face]:
    """A pair of wheels at `z`, outside at `half` m from the middle."""
    ring = np.linspace(0, 2 * math.pi, 12, endpoint=False)
    points = [(z + radius * math.cos(a), radius + radius * math.sin(a)) for a in ring]
    return sides(points, [half] * 12, "tyre")
