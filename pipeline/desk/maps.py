"""What maps are drawn from: outlines of kelurahan, cameras, and points with words. All of it within given areas."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from pipeline.city.boundaries import GRID, Boundary, load_boundaries
from pipeline.city.geo import distance_m
from pipeline.city.registry import Camera, Registry
from pipeline.desk.areas import sees
from pipeline.desk.context import is_simulated, place_of
from pipeline.desk.finding import CATEGORY_WORDS
from pipeline.desk.i18n import mark
from pipeline.desk.words import CAMERA_WORDS, KIND_WORDS
from pipeline.ops.settings import Settings
from pipeline.store.tables import IncidentRow

LETTERS: Final = dict(zip(CATEGORY_WORDS, "KBTHRJF", strict=True))
"""What a camera's mark says of its first category; `•` for none. The legend explains them."""
PLAIN = "•"
SAW = mark("ikut melihat")
NEAR_M = 600
"""Cameras this near to an incident are on its map."""
SIGNS: Final = dict(zip(CAMERA_WORDS, ("", "…", "‖", "☾", "■", "×", "?"), strict=True))
"""The sign beside a camera's mark, so that its state is known without its colour."""


@dataclass(frozen=True)
class Point:
    """A mark on a map: `icon` is a kind (`fire`) or a camera's state; `letter` stands in it; `radius_m` a circle."""

    lat: float
    lng: float
    icon: str
    title: str
    more: str = ""
    href: str = ""
    letter: str = ""
    radius_m: float = 0


class CityMap:
    """The part of the city's maps that does not change while the desk runs.

    Args:
        settings: Names the boundaries: `city.boundaries`, else those of the CAP feed, else none.
        registry: Kelurahan; one without a boundary is shown at its centroid.

    Raises:
        ConfigError: The file of boundaries cannot be used.
    """

    def __init__(self, settings: Settings, registry: Registry) -> None:
        name = settings.city.boundaries or settings.alert.cap.boundaries
        names = {code: ward.name for code, ward in registry.kelurahan.items()}
        self.boundaries: Mapping[str, Boundary] = load_boundaries(settings.registry_path(name), names) if name else {}
        self._registry = registry
        self.outlines: Callable[[tuple[str, ...]], bytes] = lru_cache(maxsize=256)(self._outlines)

    def _outlines(self, areas: tuple[str, ...]) -> bytes:
        """Return the kelurahan within areas as JSON: `[code, name, rings]`, or `[code, name, lat, lng]`."""
        wards: list[list[Any]] = []
        for code, ward in self._registry.kelurahan.items():
            if not sees(areas, code):
                continue
            outline = self.boundaries.get(code)
            wards.append([code, ward.name, outline.steps()] if outline else [code, ward.name, ward.lat, ward.lng])
        return dumps({"grid": GRID, "wards": wards})

    def ward_at(self, lat: float, lng: float) -> str:
        """Return the code of the kelurahan at a place (degrees), empty outside the city's boundaries.

        Without boundaries it is that of the nearest centroid within 5 km.
        """
        for code, outline in self.boundaries.items():
            if outline.holds(lat, lng):
                return code
        if self.boundaries:
            return ""
        wards = self._registry.kelurahan.values()
        near = min(wards, key=lambda ward: (ward.lat - lat) ** 2 + (ward.lng - lng) ** 2, default=None)
        reach = 5_000 / 111_000
        close = near is not None and abs(near.lat - lat) < reach and abs(near.lng - lng) < reach
        return near.code if near is not None and close else ""


def incident_pins(
    row: IncidentRow,
    registry: Registry,
    witnesses: Sequence[tuple[str, int]],
    cameras: Sequence[Camera],
    say: Callable[[str], str],
) -> list[Point]:
    """Return the marks of an incident: itself, the cameras that saw it, and others within `NEAR_M`.

    Args:
        row: The incident; it stands at its camera, else at its kelurahan's centroid.
        registry: Cameras and kelurahan.
        witnesses: Cameras that saw it, with when they first did.
        cameras: Those that the reader may see.
        say: Translates.
    """
    own, ward = registry.cameras.get(row.camera), registry.kelurahan.get(row.kelurahan)
    spot = own or ward
    if spot is None:
        return []
    saw = {camera for camera, _ in witnesses} | {row.camera}
    marks = [
        Point(c.lat, c.lng, "witness" if c.id in saw else "live", place_of(c), say(SAW) if c.id in saw else "",
              f"/kamera#cam-{c.id}", "S" if c.id in saw else PLAIN)
        for c in cameras
        if c.id in saw or distance_m(spot.lat, spot.lng, c.lat, c.lng) <= NEAR_M
    ]  # fmt: skip
    title = place_of(own) if own else ward_name(registry, row.kelurahan)
    return [*marks, Point(spot.lat, spot.lng, row.kind, f"{say(KIND_WORDS[row.kind])} · {title}")]


def dumps(value: Any) -> bytes:
    """Return compact JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def camera_table(cameras: Iterable[Camera], ward: Callable[[str], str], say: Callable[[str], str]) -> bytes:
    """Return cameras as JSON, `[id, name, kelurahan, lat, lng, categories, simulated]`, and the words for numbers.

    Args:
        cameras: Those that the reader may see.
        ward: Returns a kelurahan's name.
        say: Translates.
    """
    wards: dict[str, int] = {}
    words = list(CATEGORY_WORDS)
    rows = [
        [c.id, place_of(c), wards.setdefault(ward(c.kelurahan), len(wards)), round(c.lat, 5), round(c.lng, 5),
         [words.index(name) for name in c.categories if name in words], int(is_simulated(c))]
        for c in cameras
    ]  # fmt: skip
    return dumps(
        {
            "cameras": rows,
            "wards": list(wards),
            "categories": [[name, LETTERS[name], say(word)] for name, word in CATEGORY_WORDS.items()],
            "states": {name: say(word) for name, word in CAMERA_WORDS.items()},
            "signs": SIGNS,
        }
    )


def ward_name(registry: Registry, code: str) -> str:
    """Return a kelurahan's name, or its code where it is unknown."""
    ward = registry.kelurahan.get(code)
    return ward.name if ward else code
