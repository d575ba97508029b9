"""Boundaries of kelurahan from the city's GeoJSON, on a grid of about 11 m: small enough for a phone.

Every corner is moved to the nearest crossing of the grid, so that two neighbours' common border stays common.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pipeline.ops.errors import ConfigError

GRID = 10_000
"""Crossings in one degree: 1/10,000 degree is 11 m of latitude."""
Corner = tuple[int, int]
"""East and north, in 1/`GRID` degrees."""


@dataclass(frozen=True)
class Boundary:
    """A kelurahan's outline: its code, its name, and closed rings of corners (holes are rings like any other)."""

    code: str
    name: str
    rings: tuple[tuple[Corner, ...], ...]

    @cached_property
    def box(self) -> tuple[int, int, int, int]:
        """West, south, east and north end, in 1/`GRID` degrees."""
        east = [x for ring in self.rings for x, _ in ring]
        north = [y for ring in self.rings for _, y in ring]
        return min(east), min(north), max(east), max(north)

    def holds(self, lat: float, lng: float) -> bool:
        """Say whether a place (degrees) lies inside, by counting the borders east of it (even-odd rule)."""
        x, y = lng * GRID, lat * GRID
        west, south, east, north = self.box
        if not (west <= x <= east and south <= y <= north):
            return False
        inside = False
        for ring in self.rings:
            for (x1, y1), (x2, y2) in zip(ring, (*ring[1:], ring[0]), strict=True):
                if (y1 > y) != (y2 > y) and x < x1 + (y - y1) * (x2 - x1) / (y2 - y1):
                    inside = not inside
        return inside

    def steps(self) -> list[list[int]]:
        """Return the rings as a page reads them: the first corner, then the way from each to the next, flat."""
        told = []
        for ring in self.rings:
            flat, last = [], (0, 0)
            for x, y in ring:
                flat += [x - last[0], y - last[1]]
                last = (x, y)
            told.append(flat)
        return told


def load_boundaries(file: Path, names: Mapping[str, str]) -> dict[str, Boundary]:
    """Read a GeoJSON FeatureCollection of (Multi)Polygons whose property `kode` is a Kemendagri code.

    Args:
        file: The GeoJSON, WGS 84.
        names: Names by code; a feature whose code is not among them is no kelurahan of this city and is left out.

    Raises:
        ConfigError: Names the file and the feature that is wrong, or that none is of this city.
    """
    try:
        features = json.loads(file.read_text(encoding="utf-8"))["features"]
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{file}: not a GeoJSON FeatureCollection") from error
    found: dict[str, Boundary] = {}
    for number, feature in enumerate(features if isinstance(features, list) else [], 1):
        try:
            code = str(feature["properties"]["kode"])
            rings = tuple(_rings(feature["geometry"]))
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise ConfigError(f"{file}: feature {number}: not a polygon with `kode` in its properties") from error
        if code in names and rings:
            found[code] = Boundary(code, names[code], rings)
    if not found:
        raise ConfigError(f"{file}: holds no kelurahan of this city (property `kode`)")
    return found


def _rings(geometry: Mapping[str, Any]) -> Iterable[tuple[Corner, ...]]:
    """Yield a geometry's rings on the grid; one that shrinks to less than three corners is left out."""
    kind, coordinates = geometry["type"], geometry["coordinates"]
    if kind not in ("Polygon", "MultiPolygon"):
        raise ValueError("no polygon")
    parts = coordinates if kind == "MultiPolygon" else [coordinates]
    for ring in (ring for part in parts for ring in part):
        corners: list[Corner] = []
        for point in ring:
            lng, lat = float(point[0]), float(point[1])
            if not (-180 <= lng <= 180 and -90 <= lat <= 90):
                raise ValueError("not degrees")
            corner = (round(lng * GRID), round(lat * GRID))
            if not corners or corner != corners[-1]:
                corners.append(corner)
        if len(corners) > 1 and corners[0] == corners[-1]:
            corners.pop()
        if len(corners) >= 3:
            yield tuple(corners)
