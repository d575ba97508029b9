"""Which other kelurahan a camera is near to: worked out once for a registry, so that routing only looks it up.

With boundaries, a camera is near a kelurahan when its distance to that kelurahan's polygon is small (0 inside it).
Without them, borders are taken to be halfway between centroids (the edges of the Voronoi cells of the centroids).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import cos, radians
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.alert.cap.areas import Boundaries
from pipeline.city.geo import EARTH_RADIUS_M
from pipeline.city.registry import Camera, Registry

Floats = NDArray[np.float64]
METRES = radians(1) * EARTH_RADIUS_M
"""Of one degree of latitude."""


@dataclass(frozen=True)
class Neighbour:
    """Another kelurahan that a camera is near to: its code, about how near (m), and by what that is known."""

    code: str
    metres: int
    by_boundary: bool

    @property
    def why(self) -> str:
        """Say in one line why it is told."""
        if not self.by_boundary:
            return f"{self.metres} m from halfway between the centroids"
        return f"{self.metres} m from its boundary" if self.metres else "within its boundary"


Near = Mapping[str, tuple[Neighbour, ...]]
"""The neighbours of each camera that has some, the nearest first."""


def near_of(registry: Registry, within_m: float, boundaries: Boundaries | None = None) -> Near:
    """Return the other kelurahan within `within_m` metres of each camera.

    Args:
        registry: Cameras and kelurahan.
        within_m: How near; 0 = no camera has neighbours.
        boundaries: Outer rings (lat, lng) by code; None = halfway between centroids. A kelurahan that it lacks is
            nobody's neighbour.
    """
    cameras = list(registry.cameras.values())
    if within_m <= 0 or not cameras:
        return {}
    found: dict[str, list[Neighbour]] = {}
    pairs = (
        _by_centroids(cameras, registry, within_m)
        if boundaries is None
        else _by_boundaries(cameras, registry, within_m, boundaries)
    )
    for camera, neighbour in pairs:
        found.setdefault(camera, []).append(neighbour)
    return {camera: tuple(sorted(near, key=lambda one: (one.metres, one.code))) for camera, near in found.items()}


class Plane:
    """The city as a flat map in metres; over the tens of kilometres of a city it is true to a few parts in a thousand.

    Args:
        lat: Latitude in its middle, degrees.
    """

    def __init__(self, lat: float) -> None:
        self._east = cos(radians(lat)) * METRES

    def points(self, places: Sequence[tuple[float, float]]) -> Floats:
        """Return (lat, lng) pairs as an array [N, 2] of metres east and north."""
        array = np.asarray(places, dtype=np.float64).reshape(-1, 2)
        return np.column_stack((array[:, 1] * self._east, array[:, 0] * METRES))


def _by_boundaries(
    cameras: Sequence[Camera], registry: Registry, within_m: float, boundaries: Boundaries
) -> Iterator[tuple[str, Neighbour]]:
    """Yield each camera with each other kelurahan whose polygon is near."""
    plane = Plane(cameras[0].lat)
    points = plane.points([(camera.lat, camera.lng) for camera in cameras])
    for code in registry.kelurahan:
        nearest = np.full(len(cameras), np.inf)
        for ring in boundaries.get(code, ()):
            corners = plane.points(ring)
            close = np.flatnonzero(
                np.all((points >= corners.min(axis=0) - within_m) & (points <= corners.max(axis=0) + within_m), axis=1)
            )
            if close.size:
                nearest[close] = np.minimum(nearest[close], ring_distances(points[close], corners))
        for index in map(int, np.flatnonzero(nearest <= within_m)):
            if cameras[index].kelurahan != code:
                yield cameras[index].id, Neighbour(code, round(float(nearest[index])), by_boundary=True)


def ring_distances(points: Floats, corners: Floats) -> Floats:
    """Return the distance of each point [N, 2] to a closed ring [M, 2], 0 inside, in the unit of both."""
    start, end = corners[:-1], corners[1:]
    along = end - start
    length = np.maximum((along**2).sum(axis=1), 1e-12)
    away = points[:, None, :] - start[None, :, :]
    share = np.clip((away * along[None]).sum(axis=2) / length[None], 0, 1)
    distances: Floats = np.hypot(*np.moveaxis(away - share[..., None] * along[None], 2, 0)).min(axis=1)
    x, y = points[:, :1], points[:, 1:]
    crosses = (start[None, :, 1] > y) != (end[None, :, 1] > y)
    rise = np.where(along[:, 1] == 0, 1.0, along[:, 1])
    right = x < start[None, :, 0] + (y - start[None, :, 1]) * along[None, :, 0] / rise[None]
    inside = (crosses & right).sum(axis=1) % 2 == 1
    distances[inside] = 0.0
    return distances


def _by_centroids(cameras: Sequence[Camera], registry: Registry, within_m: float) -> Iterator[tuple[str, Neighbour]]:
    """Yield each camera with each other kelurahan whose cell of centroids begins near it."""
    wards = list(registry.kelurahan.values())
    index_of = {ward.code: index for index, ward in enumerate(wards)}
    plane = Plane(cameras[0].lat)
    centres = plane.points([(ward.lat, ward.lng) for ward in wards])
    for camera in cameras:
        own = index_of.get(camera.kelurahan)
        if own is not None:
            point: Any = plane.points([(camera.lat, camera.lng)])[0]
            for index, metres in _edges(point, centres, own, within_m):
                yield camera.id, Neighbour(wards[index].code, round(metres), by_boundary=False)


def _edges(point: Floats, centres: Floats, own: int, within_m: float) -> Iterator[tuple[int, float]]:
    """Yield the centres whose edge with the own one passes within reach of a point, with the distance.

    The line halfway between two centres is an edge only where no third centre is nearer; it is looked at where it
    comes nearest to the point. How far a camera is on the other side of it does not matter: a centroid is a rough
    guess of where a kelurahan ends.
    """
    apart = centres - centres[own]
    gap = np.hypot(apart[:, 0], apart[:, 1])
    gap[own] = np.inf
    gap = np.maximum(gap, 1e-9)
    towards = apart / gap[:, None]
    offset = ((centres + centres[own]) / 2 - point[None]) * towards
    signed = offset.sum(axis=1)
    for index in map(int, np.flatnonzero(np.abs(signed) <= within_m)):
        if index == own:
            continue
        foot = point + signed[index] * towards[index]
        others = np.hypot(*(centres - foot).T)
        if others[index] <= others.min() + within_m:
            yield index, abs(float(signed[index]))
