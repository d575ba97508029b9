"""Requests that may be one: of the same category, within some metres of each other."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

import numpy as np

from pipeline.city.geo import distance_m
from pipeline.siting.views import Grid, Plane


class Placed(Protocol):
    """Anything with a place (degrees) and a category."""

    @property
    def lat(self) -> float:
        """Latitude, degrees."""

    @property
    def lng(self) -> float:
        """Longitude, degrees."""

    @property
    def category(self) -> str:
        """What it is about."""


P = TypeVar("P", bound=Placed)


def duplicates(requests: Sequence[P], radius_m: float) -> list[list[P]]:
    """Return the groups of two or more requests to offer for merging, each in the order given.

    Neighbours belong together, and their neighbours too as long as all lie within the radius of the group's first: so
    a chain of requests along a street does not become one.
    """
    groups: list[list[P]] = []
    if not requests:
        return groups
    lat, lng = np.array([r.lat for r in requests]), np.array([r.lng for r in requests])
    plane = Plane(float(lat.mean()), float(lng.mean()))
    x, y = plane.metres(lat, lng)
    grid, taken = Grid(x, y, radius_m), np.zeros(len(requests), bool)
    for first, request in enumerate(requests):
        if taken[first]:
            continue
        near = grid.near(float(x[first]), float(y[first]), radius_m * 1.01)  # the plane is a little off the sphere
        group = [int(i) for i in near if i >= first and not taken[i] and _same(request, requests[int(i)], radius_m)]
        taken[group] = True
        if len(group) > 1:
            groups.append([requests[i] for i in group])
    return groups


def near_same(requests: Sequence[P], lat: float, lng: float, category: str, radius_m: float) -> list[P]:
    """Return the requests of a category within a distance of a place, the nearest first: for a form's "the same?"."""
    away = [(distance_m(lat, lng, r.lat, r.lng), i) for i, r in enumerate(requests) if r.category == category]
    return [requests[i] for metres, i in sorted(away) if metres <= radius_m]


def _same(one: Placed, other: Placed, radius_m: float) -> bool:
    """Say whether two requests are of one category and near."""
    return one.category == other.category and distance_m(one.lat, one.lng, other.lat, other.lng) <= radius_m
