"""Coverage as it is: what share of the need the cameras see, where they are blind, overlap, or could be moved from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.siting.availability import HOURS, Availability
from pipeline.siting.demand import Demand
from pipeline.siting.places import City
from pipeline.siting.views import Floats, Grid, Ints, Plane, View, overlap, seen

SAMPLES = 12
"""Points along the depth and the width of a view when its ground is measured."""


@dataclass(frozen=True)
class Sight:
    """What existing cameras see of each point, by hour of the day and over the point's own hours.

    A point whose hour is known counts at that hour, another over the whole day; of several cameras at one point the one
    that sees it most counts.
    `by_camera` holds the points of each view, in the order of the views.
    """

    hourly: Floats
    share: Floats
    by_camera: tuple[Ints, ...]


@dataclass(frozen=True)
class Share:
    """Need of a group and how much of it is seen, both in needs."""

    name: str
    need: float
    seen: float

    @property
    def share(self) -> float | None:
        """Seen of the need, 0..1; None where there is no need."""
        return self.seen / self.need if self.need > 0 else None


@dataclass(frozen=True)
class Ground:
    """Ground of a kelurahan, m2: seen by hour of the day (weighted by availability), whole where boundaries tell it."""

    hourly_m2: tuple[float, ...]
    whole_m2: float | None
    cameras: int

    @property
    def seen_m2(self) -> float:
        """Seen ground over the whole day."""
        return sum(self.hourly_m2) / HOURS


@dataclass(frozen=True)
class Tally:
    """Hotspots and incidents of a group, not weighed; `*_seen` is how many of them cameras see, by share of time."""

    hotspots: int
    hotspots_seen: float
    incidents: int
    incidents_seen: float


@dataclass(frozen=True)
class IdleCamera:
    """A camera that never gave a verdict worth having; `alone` is the need that only it sees, in needs."""

    camera: str
    alone: float
    availability: float


def look(views: Sequence[View], live: Mapping[str, Availability], demand: Demand) -> Sight:
    """Say what the cameras see of every point."""
    x, y = demand.place
    hourly = np.zeros((len(demand), HOURS))
    by_camera = tuple(seen(views, demand.plane, x, y)) if len(demand) else tuple(np.empty(0, np.int64) for _ in views)
    for view, points in zip(views, by_camera, strict=True):
        hourly[points] = np.maximum(hourly[points], np.array(live[view.id].shares))
    return Sight(hourly, over_own_hours(hourly, demand), by_camera)


def over_own_hours(hourly: Floats, demand: Demand) -> Floats:
    """Return the share of each point at its own hour, or over the whole day where its hour is not known."""
    share: Floats = hourly.mean(axis=1)
    known = demand.hours >= 0
    share[known] = hourly[known, demand.hours[known]]
    return share


def shares(
    demand: Demand, weight: Floats, share: Floats, group: Callable[[int], str], among: Ints | None = None
) -> list[Share]:
    """Return need and seen need by a group of the points, the groups in order of their names."""
    need: dict[str, float] = {}
    found: dict[str, float] = {}
    for number in range(len(demand)) if among is None else among.tolist():
        name = group(number)
        need[name] = need.get(name, 0.0) + float(weight[number])
        found[name] = found.get(name, 0.0) + float(weight[number] * share[number])
    return [Share(name, need[name], found[name]) for name in sorted(need)]


def tallies(demand: Demand, share: Floats, group: Callable[[int], str]) -> dict[str, Tally]:
    """Count hotspots and incidents by a group of the points."""
    found: dict[str, list[float]] = {}
    for offset, kind in enumerate(("hotspot", "incident")):
        for number in np.flatnonzero([spot.kind == kind for spot in demand.spots]).tolist():
            sums = found.setdefault(group(number), [0.0] * 4)
            sums[2 * offset] += 1
            sums[2 * offset + 1] += float(share[number])
    return {name: Tally(int(a), b, int(c), d) for name, (a, b, c, d) in found.items()}


def by_hour(demand: Demand, weight: Floats, sight: Sight) -> list[Share]:
    """Return need and seen need by hour of the day; a point without an hour is spread over the day."""
    spread = np.zeros((len(demand), HOURS))
    known = demand.hours >= 0
    spread[~known] = 1 / HOURS
    spread[np.flatnonzero(known), demand.hours[known]] = 1
    need = (weight[:, None] * spread).sum(axis=0)
    found = (weight[:, None] * spread * sight.hourly).sum(axis=0)
    return [Share(f"{hour:02d}", float(need[hour]), float(found[hour])) for hour in range(HOURS)]


def ground(views: Sequence[View], live: Mapping[str, Availability], city: City) -> dict[str, Ground]:
    """Return the ground that is seen in every kelurahan; what several cameras see counts for the first of them.

    Each view is measured at points spread evenly over it; its ground belongs to the kelurahan of the camera.
    """
    plane = city.plane
    east, north = plane.metres([v.lat for v in views], [v.lng for v in views])
    widest = max((view.range_m for view in views), default=1.0)
    grid = Grid(east, north, widest * 2)
    area = {code: np.zeros(HOURS) for code in city.kelurahan}
    count = dict.fromkeys(city.kelurahan, 0)
    for number, view in enumerate(views):
        x, y = _samples(view, float(east[number]), float(north[number]))
        near = grid.near(float(east[number]), float(north[number]), view.range_m + widest)
        others = [views[i] for i in near if i < number]
        new = np.ones(x.size, bool)
        for points in seen(others, plane, x, y):
            new[points] = False
        if view.kelurahan in area:
            area[view.kelurahan] += view.area_m2 * new.mean() * np.array(live[view.id].shares)
            count[view.kelurahan] += 1
    return {code: Ground(tuple(area[code].tolist()), _whole(city, code, plane), count[code]) for code in city.kelurahan}


def _samples(view: View, x: float, y: float) -> tuple[Floats, Floats]:
    """Return points spread evenly over a view, m."""
    ring = view.range_m * np.sqrt((np.arange(SAMPLES) + 0.5) / SAMPLES)
    middle = 0.0 if view.bearing is None else view.bearing
    turn = np.radians(middle - view.width / 2 + view.width * (np.arange(SAMPLES) + 0.5) / SAMPLES)
    return (x + np.outer(ring, np.sin(turn))).ravel(), (y + np.outer(ring, np.cos(turn))).ravel()


def _whole(city: City, code: str, plane: Plane) -> float | None:
    """Return the area of a kelurahan by its boundary, m2 (holes taken off by their direction); None without one."""
    outline = city.boundaries.get(code)
    if outline is None:
        return None
    total = 0.0
    for ring in outline.rings:
        x, y = plane.metres([north / 10_000 for _, north in ring], [east / 10_000 for east, _ in ring])
        total += float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum()) / 2
    return abs(total)


def overlaps(views: Sequence[View], plane: Plane, least: float) -> list[tuple[str, str, float]]:
    """Return pairs of cameras that share at least this much of the smaller view, most first."""
    if not views:
        return []
    east, north = plane.metres([v.lat for v in views], [v.lng for v in views])
    widest = max(view.range_m for view in views)
    grid = Grid(east, north, widest * 2)
    found = []
    for number, view in enumerate(views):
        near = grid.near(float(east[number]), float(north[number]), view.range_m + widest)
        others = [views[i] for i in near[near > number].tolist()]
        found += [(view.id, other.id, overlap(view, other, plane)) for other in others]
    found = [pair for pair in found if pair[2] >= least]
    return sorted(found, key=lambda pair: (-pair[2], pair[0], pair[1]))


def idle_cameras(
    views: Sequence[View], live: Mapping[str, Availability], sight: Sight, weight: Floats, worth: Mapping[str, int]
) -> list[IdleCamera]:
    """Return cameras without a verdict worth having, those that would be missed least first.

    Args:
        views: Existing cameras.
        live: Their availability.
        sight: What they see.
        weight: Need of each point.
        worth: Incidents that people confirmed (or called true in review) by camera.
    """
    times = np.zeros(len(weight), np.int64)
    for points in sight.by_camera:
        times[points] += 1
    idle = [
        IdleCamera(view.id, float(weight[points[times[points] == 1]].sum()) * live[view.id].mean, live[view.id].mean)
        for view, points in zip(views, sight.by_camera, strict=True)
        if worth.get(view.id, 0) == 0
    ]
    return sorted(idle, key=lambda one: (one.alone, one.camera))
