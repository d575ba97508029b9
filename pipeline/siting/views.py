"""What a camera sees: a sector, or a circle where its direction is not known, on a plane of metres."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import cos, pi, radians, sin

import numpy as np
import numpy.typing as npt

from pipeline.city.geo import EARTH_RADIUS_M

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
AT_THE_FOOT_M = 1.0
"""A point this near to a camera counts as seen whatever its direction: there it has none."""


@dataclass(frozen=True)
class View:
    """A camera's view. Place and directions in degrees, `bearing` clockwise from north; None: all around."""

    id: str
    lat: float
    lng: float
    range_m: float
    kelurahan: str = ""
    bearing: float | None = None
    angle: float | None = None

    @property
    def width(self) -> float:
        """How wide it sees, degrees, above 0 to 360."""
        return 360.0 if self.bearing is None or self.angle is None else self.angle

    @property
    def area_m2(self) -> float:
        """The ground that it sees, square metres, were nothing in the way."""
        return pi * self.range_m**2 * self.width / 360


@dataclass(frozen=True)
class Plane:
    """Metres east and north of a place (equirectangular: within 0.1 % of the sphere over 60 km here)."""

    lat: float
    lng: float

    @cached_property
    def _scale(self) -> tuple[float, float]:
        metres = radians(1) * EARTH_RADIUS_M
        return metres * cos(radians(self.lat)), metres

    def metres(self, lat: Sequence[float] | Floats, lng: Sequence[float] | Floats) -> tuple[Floats, Floats]:
        """Return east and north of places, m."""
        east, north = self._scale
        return (np.asarray(lng, float) - self.lng) * east, (np.asarray(lat, float) - self.lat) * north

    def degrees(self, x: float, y: float) -> tuple[float, float]:
        """Return latitude and longitude of a point, degrees."""
        east, north = self._scale
        return self.lat + y / north, self.lng + x / east


class Grid:
    """Points in square cells, to find those near a place without looking at all of them.

    Args:
        x: East, m.
        y: North, m.
        cell_m: Side of a cell.
    """

    def __init__(self, x: Floats, y: Floats, cell_m: float) -> None:
        self._x, self._y, self._cell = x, y, cell_m
        column, row = np.floor(x / cell_m).astype(np.int64), np.floor(y / cell_m).astype(np.int64)
        order = np.lexsort((row, column))
        keys = np.stack([column[order], row[order]], axis=1)
        begins = np.r_[np.ones(min(1, len(order)), bool), np.any(keys[1:] != keys[:-1], axis=1)]
        starts = [int(at) for at in np.flatnonzero(begins)]
        ends = [*starts[1:], len(order)][: len(starts)]
        self._cells = {(int(keys[a, 0]), int(keys[a, 1])): order[a:b] for a, b in zip(starts, ends, strict=True)}

    def near(self, x: float, y: float, radius_m: float) -> Ints:
        """Return the points within a distance, by number in rising order."""
        reach = range(-int(radius_m // self._cell) - 1, int(radius_m // self._cell) + 2)
        column, row = int(x // self._cell), int(y // self._cell)
        found = [self._cells[key] for i in reach for j in reach if (key := (column + i, row + j)) in self._cells]
        if not found:
            return np.empty(0, np.int64)
        index = np.concatenate(found)
        close = (self._x[index] - x) ** 2 + (self._y[index] - y) ** 2 <= radius_m**2
        return np.sort(index[close])


def seen(views: Sequence[View], plane: Plane, x: Floats, y: Floats) -> Iterator[Ints]:
    """Yield, view by view, which points it sees (numbers in rising order)."""
    widest = max((view.range_m for view in views), default=1.0)
    grid = Grid(x, y, widest)
    east, north = plane.metres([view.lat for view in views], [view.lng for view in views])
    for view, cx, cy in zip(views, east, north, strict=True):
        index = grid.near(float(cx), float(cy), view.range_m)
        if view.bearing is None or view.width >= 360 or not len(index):
            yield index
            continue
        dx, dy = x[index] - cx, y[index] - cy
        turn = np.abs((np.degrees(np.arctan2(dx, dy)) - view.bearing + 180) % 360 - 180)
        yield index[(turn <= view.width / 2) | (np.hypot(dx, dy) <= AT_THE_FOOT_M)]


def outline(view: View, plane: Plane, corners: int = 24) -> list[tuple[float, float]]:
    """Return the border of a view as places (latitude, longitude), closed, for maps."""
    (x,), (y,) = plane.metres([view.lat], [view.lng])
    whole = view.width >= 360 or view.bearing is None
    middle = 0.0 if view.bearing is None else view.bearing
    turns = [radians(middle - view.width / 2 + view.width * k / corners) for k in range(corners + 1)]
    rim = [plane.degrees(float(x) + view.range_m * sin(t), float(y) + view.range_m * cos(t)) for t in turns]
    return [*rim[:-1], rim[0]] if whole else [(view.lat, view.lng), *rim, (view.lat, view.lng)]


def overlap(one: View, other: View, plane: Plane, steps: int = 24) -> float:
    """Return the share of the smaller view that the other sees, 0..1, by points spread evenly over it."""
    small, large = sorted((one, other), key=lambda view: view.area_m2)
    (x,), (y,) = plane.metres([small.lat], [small.lng])
    ring = small.range_m * np.sqrt((np.arange(steps) + 0.5) / steps)
    middle = 0.0 if small.bearing is None else small.bearing
    turn = np.radians(middle - small.width / 2 + small.width * (np.arange(steps) + 0.5) / steps)
    px = (float(x) + np.outer(ring, np.sin(turn))).ravel()
    py = (float(y) + np.outer(ring, np.cos(turn))).ravel()
    return len(next(seen([large], plane, px, py))) / px.size
