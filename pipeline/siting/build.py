"""From points, cameras and candidates to the problem that is solved.

A point counts by its weight times the share of time that it is seen; several cameras at one point count as the one that
sees it most. With cameras of several availabilities a point is split into parts, one for each step between them: the
part between two availabilities is covered by whoever is at least the higher one. So the problem stays one of covering.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.ops.errors import ConfigError
from pipeline.siting.places import City
from pipeline.siting.problem import MICRO, Floor, Problem, Units, aggregate
from pipeline.siting.tables import Candidate
from pipeline.siting.views import Floats, Ints


@dataclass(frozen=True)
class Built:
    """The problem, the parts of points it is made of, and each part's share of its point's weight."""

    problem: Problem
    units: Units
    factor: Floats

    def reweighed(self, weight: Floats) -> Problem:
        """Return the same problem with other weights of the points."""
        return replace(self.problem, weight=_row_weights(self.units, _micro(weight, self.units.point, self.factor),
                                                         len(self.problem.weight)))  # fmt: skip


def _micro(weight: Floats, point: Ints, factor: Floats) -> Ints:
    """Return the parts' weights in millionths of a need."""
    return np.rint(weight[point] * factor * MICRO).astype(np.int64)


def _row_weights(units: Units, micro: Ints, rows: int) -> Ints:
    """Sum the parts by their rows."""
    total = np.zeros(rows, np.int64)
    inside = units.row >= 0
    np.add.at(total, units.row[inside], micro[inside])
    return total


def build(
    covers: Sequence[Ints],
    weight: Floats,
    seen: Floats,
    new: float,
    movable: Sequence[tuple[Ints, float]],
    problem: Problem,
) -> Built:
    """Make the problem's rows.

    Args:
        covers: Points that each candidate would see.
        weight: Need of each point.
        seen: Share of each point that cameras which stay see today, 0..1.
        new: Share of the time that a new or moved camera sees.
        movable: Points that each movable camera sees, and its share of the time.
        problem: Costs, budget, floors and the rest; its rows are ignored.
    """
    point, factor, parts = _parts(len(weight), seen, new, movable)
    by_point = _lookup(point, len(weight))
    number = []
    for cover, share in [*((cover, new) for cover in covers), *movable]:
        units = np.concatenate([by_point[p] for p in cover.tolist()]) if len(cover) else np.empty(0, np.int64)
        number.append(units[parts[units] <= share])
    micro = _micro(weight, point, factor)
    start, index, rows, row = aggregate(number, micro)
    return Built(replace(problem, start=start, index=index, weight=rows), Units(point, micro, row), factor)


def _lookup(point: Ints, points: int) -> list[Ints]:
    """Return the parts of every point."""
    order = np.argsort(point, kind="stable")
    edges = np.searchsorted(point[order], np.arange(points + 1))
    return [order[a:b] for a, b in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)]


def _parts(points: int, seen: Floats, new: float, movable: Sequence[tuple[Ints, float]]) -> tuple[Ints, Floats, Floats]:
    """Split points: for each part its point, its share of the weight, and the availability that it asks for."""
    plain = np.ones(points, bool)
    levels: dict[int, set[float]] = {}
    for cover, share in movable:
        for p in cover.tolist():
            plain[p] = False
            levels.setdefault(p, {new}).add(share)
    at = np.flatnonzero(plain & (seen < new))
    point, factor, asks = [at], [new - seen[at]], [np.full(len(at), new)]
    for p in sorted(levels):
        base = float(seen[p])
        for level in sorted(share for share in levels[p] if share > seen[p]):
            point.append(np.array([p]))
            factor.append(np.array([level - base]))
            asks.append(np.array([level]))
            base = level
    return np.concatenate(point).astype(np.int64), np.concatenate(factor), np.concatenate(asks)


def floors_of(wanted: Mapping[str, int], candidates: Sequence[Candidate], city: City) -> tuple[Floor, ...]:
    """Return the floors: by the code of an area, or `kota`, `kecamatan`, `kelurahan` for each of them.

    A code says more than a word: with `kota: 1` and `31.01: 0` every kota but that one gets a site.

    Raises:
        ConfigError: An area is unknown, or a number is below zero.
    """
    areas, least = city.areas(), {}
    for word, length in (("kota", 5), ("kecamatan", 8), ("kelurahan", 13)):
        if word in wanted:
            least.update({area: wanted[word] for area in areas if len(area) == length})
    for area, number in wanted.items():
        if area not in ("kota", "kecamatan", "kelurahan"):
            if area not in areas:
                raise ConfigError(f"jumlah minimum: {area!r} bukan kode wilayah kota ini, bukan kota atau kelurahan")
            least[area] = number
    if any(number < 0 for number in least.values()):
        raise ConfigError("jumlah minimum: tidak boleh kurang dari nol")
    members: dict[str, set[int]] = {area: set() for area in least}
    for number, candidate in enumerate(candidates):
        for area in (candidate.kelurahan[:5], candidate.kelurahan[:8], candidate.kelurahan):
            if area in members:
                members[area].add(number)
    return tuple(
        Floor(area, area_name(area, city), frozenset(members[area]), number)
        for area, number in sorted(least.items())
        if number > 0
    )


def area_name(area: str, city: City) -> str:
    """Return the name of a kota, kecamatan or kelurahan by its code."""
    code = next((code for code in city.kelurahan if code == area or code.startswith(area + ".")), None)
    if code is None:
        return area
    place = city.kelurahan[code]
    return {5: place.kota, 8: f"Kecamatan {place.kecamatan}"}.get(len(area), f"Kelurahan {place.name}")
