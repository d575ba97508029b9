"""Where an incident is, as CAP says it: the boundary of its kelurahan where there is one, else a circle."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.alert.cap.document import Area, Ring
from pipeline.alert.content import Content
from pipeline.ops.errors import ConfigError

Boundaries = Mapping[str, tuple[Ring, ...]]
"""The outer rings of each kelurahan by its code."""


def load_boundaries(file: Path, key: str = "alert.cap.boundaries") -> Boundaries:
    """Read a GeoJSON collection of Polygons and MultiPolygons whose property `kode` is the kelurahan's code.

    Args:
        file: The collection.
        key: The setting that names it, for errors.

    Raises:
        ConfigError: Names the file and the feature that is wrong.
    """
    try:
        features = json.loads(file.read_text(encoding="utf-8"))["features"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{key}: {file}: cannot be read as GeoJSON: {error}") from error
    found: dict[str, tuple[Ring, ...]] = {}
    for number, feature in enumerate(features):
        try:
            found[str(feature["properties"]["kode"])] = tuple(_rings(feature["geometry"]))
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise ConfigError(f"{key}: {file}: features.{number}: {error!r}") from error
    return found


def _rings(geometry: Mapping[str, Any]) -> Iterator[Ring]:
    """Yield the outer rings; GeoJSON has longitude first, CAP latitude."""
    kind, coordinates = geometry["type"], geometry["coordinates"]
    if kind not in ("Polygon", "MultiPolygon"):
        raise ValueError(f"geometry {kind} is neither Polygon nor MultiPolygon")
    for polygon in [coordinates] if kind == "Polygon" else coordinates:
        ring = [(float(point[1]), float(point[0])) for point in polygon[0]]
        if ring[0] != ring[-1]:
            ring.append(ring[0])
        if len(ring) < 4:
            raise ValueError("a ring has less than three corners")
        yield tuple(ring)


def area_of(content: Content, boundaries: Boundaries, radius_m: float) -> Area:
    """Return where one incident is; without a boundary and a camera's position the code alone says it."""
    name = content.where or content.code or "-"
    polygons = boundaries.get(content.code, ())
    circle = None
    if not polygons and content.lat is not None and content.lng is not None:
        circle = (content.lat, content.lng, radius_m / 1000)
    return Area(name, content.code, polygons, circle)
