"""The registry: every camera and kelurahan of the city, checked row by row when it is read."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import get_args

from pipeline.city import gauge
from pipeline.city.gauge import LevelLine
from pipeline.city.geo import distance_m
from pipeline.city.rows import RowError, read_table
from pipeline.ops.sections import Kind
from pipeline.ops.settings import Settings

Mask = tuple[tuple[float, float], ...]
"""A polygon in 0..1 of the picture; what lies inside is not looked at."""

KINDS: tuple[Kind, ...] = get_args(Kind)
DEFAULT_KINDS: tuple[Kind, ...] = ("fire", "smoke", "flood")
"""What a camera is watched for where its row does not say."""
CATEGORIES = ("rawan_kebakaran", "rawan_banjir", "rawan_tawuran", "taman_24_jam", "rt_rw", "jalan", "fasilitas")
SCHEMES = ("rtsp", "rtsps", "http", "https", "file")
CAMERA_COLUMNS = ("id", "name", "url", "kelurahan", "lat", "lng", "categories", "owner", "kinds", "masks")
KELURAHAN_COLUMNS = ("kode", "nama", "kecamatan", "kota", "lat", "lng")
METRES_PER_DEGREE = 111_000
"""Of latitude, by the sphere of `distance_m` and rounded down, so that a first look at latitudes leaves out nobody."""
_ID = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")
_CODE = re.compile(r"^\d\d\.\d\d\.\d\d\.\d{4}$")


@dataclass(frozen=True)
class Kelurahan:
    """A ward, by its official Kemendagri code; `lat`, `lng` are its centroid in degrees."""

    code: str
    name: str
    kecamatan: str
    kota: str
    lat: float
    lng: float


@dataclass(frozen=True)
class Camera:
    """A camera: where it stands, whose it is, and what it is watched for. `url` may hold a password: never log it.

    `bearing` (degrees from north, clockwise) is the middle of a view `angle` degrees wide that reaches `range_m`
    metres; each is None where the registry does not say. `level_line` is the gauge that it sees.
    """

    id: str
    name: str
    url: str = field(repr=False)
    kelurahan: str
    lat: float
    lng: float
    categories: tuple[str, ...] = ()
    owner: str = ""
    kinds: tuple[Kind, ...] = DEFAULT_KINDS
    masks: tuple[Mask, ...] = ()
    public: bool = False
    bearing: float | None = None
    angle: float | None = None
    range_m: float | None = None
    level_line: LevelLine | None = None


@dataclass(frozen=True)
class Registry:
    """All cameras and kelurahan by their keys."""

    cameras: Mapping[str, Camera]
    kelurahan: Mapping[str, Kelurahan]
    place_radius_m: float = 75

    @cached_property
    def _places(self) -> dict[str, tuple[Camera, ...]]:
        return {}

    def same_place(self, camera_id: str) -> tuple[Camera, ...]:
        """Return the cameras that see the same place as this one, itself first, then by distance."""
        if camera_id not in self._places:
            here = self.cameras[camera_id]
            reach = self.place_radius_m / METRES_PER_DEGREE
            near = [
                (distance_m(here.lat, here.lng, c.lat, c.lng), c.id)
                for c in self.cameras.values()
                if c.id != here.id and abs(c.lat - here.lat) <= reach
            ]
            ids = [camera_id, *(id_ for metres, id_ in sorted(near) if metres <= self.place_radius_m)]
            self._places[camera_id] = tuple(self.cameras[id_] for id_ in ids)
        return self._places[camera_id]


def _number(row: dict[str, str], column: str, low: float, high: float) -> float:
    """Read a cell as a number within bounds."""
    try:
        value = float(row[column])
    except ValueError:
        raise RowError(column, f"{row[column]!r} is not a number") from None
    if not low <= value <= high:
        raise RowError(column, f"{value} is not within {low}..{high}")
    return value


def _view(row: dict[str, str]) -> dict[str, float | None]:
    """Read the optional columns of the view; a direction without a width, or a width without a direction, is none."""
    bounds = {"bearing": (0.0, 360.0), "angle": (1.0, 360.0), "range_m": (1.0, 1000.0)}
    view = {column: _number(row, column, *limits) if row.get(column) else None for column, limits in bounds.items()}
    for column, other in (("bearing", "angle"), ("angle", "bearing")):
        if view[column] is None and view[other] is not None and (other, view[other]) != ("angle", 360):
            raise RowError(column, f"is empty, but {other} is not")
    return view


def _words(row: dict[str, str], column: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """Read a cell of words separated by `;`, each of a known list."""
    words = tuple(word.strip() for word in row[column].split(";") if word.strip())
    for word in words:
        if word not in known:
            raise RowError(column, f"{word!r} is not one of {', '.join(known)}")
    return words


def _masks(text: str) -> tuple[Mask, ...]:
    """Read masks: a JSON list of polygons, each a list of at least three [x, y] pairs in 0..1."""
    if not text:
        return ()
    try:
        polygons = tuple(tuple((float(x), float(y)) for x, y in polygon) for polygon in json.loads(text))
    except (ValueError, TypeError):
        raise RowError("masks", "not a JSON list of polygons [[x,y],...]") from None
    for polygon in polygons:
        if len(polygon) < 3 or not all(0 <= value <= 1 for point in polygon for value in point):
            raise RowError("masks", "a polygon needs three points or more, all within 0..1")
    return polygons


def _url(text: str, base: Path) -> str:
    """Check a camera's address; a path of a file or folder is made absolute from the registry's folder."""
    if not text:
        raise RowError("url", "is empty")
    scheme, separator, _ = text.partition("://")
    if separator:
        if scheme.lower() not in SCHEMES:
            raise RowError("url", f"scheme {scheme!r} is not one of {', '.join(SCHEMES)}")
        return text
    return str((base / text).resolve())


def parse_camera(row: dict[str, str], base: Path, kelurahan: Mapping[str, Kelurahan]) -> Camera:
    """Make a camera of one row of `cameras.csv`.

    Raises:
        RowError: Names the column that is wrong.
    """
    if not _ID.match(row["id"]):
        raise RowError("id", f"{row['id']!r} is not 1-80 letters, digits, '.', '_' or '-'")
    if row["kelurahan"] not in kelurahan:
        raise RowError("kelurahan", f"{row['kelurahan']!r} is no known Kemendagri code")
    kinds = _words(row, "kinds", KINDS) or DEFAULT_KINDS
    public = row.get("public", "").lower()
    if public not in ("", "0", "1", "true", "false", "ya", "tidak"):
        raise RowError("public", f"{public!r} is not ya or tidak")
    return Camera(
        id=row["id"],
        name=row["name"] or row["id"],
        url=_url(row["url"], base),
        kelurahan=row["kelurahan"],
        lat=_number(row, "lat", -90, 90),
        lng=_number(row, "lng", -180, 180),
        categories=_words(row, "categories", CATEGORIES),
        owner=row["owner"],
        kinds=tuple(kind for kind in KINDS if kind in kinds),
        masks=_masks(row["masks"]),
        public=public in ("1", "true", "ya"),
        level_line=gauge.parse(row.get(gauge.COLUMN, "")),
        **_view(row),
    )


def parse_kelurahan(row: dict[str, str]) -> Kelurahan:
    """Make a kelurahan of one row of `kelurahan.csv`.

    Raises:
        RowError: Names the column that is wrong.
    """
    if not _CODE.match(row["kode"]):
        raise RowError("kode", f"{row['kode']!r} is not a code like 31.71.01.1001")
    for column in ("nama", "kecamatan", "kota"):
        if not row[column]:
            raise RowError(column, "is empty")
    return Kelurahan(
        row["kode"],
        row["nama"],
        row["kecamatan"],
        row["kota"],
        _number(row, "lat", -90, 90),
        _number(row, "lng", -180, 180),
    )


def load_kelurahan(file: Path) -> dict[str, Kelurahan]:
    """Read `kelurahan.csv` by code.

    Raises:
        ConfigError: One line per problem, `file:line: column: what is wrong`.
    """
    return read_table(file, KELURAHAN_COLUMNS, parse_kelurahan, lambda item: item.code)


def load_registry(settings: Settings) -> Registry:
    """Read the registry that the settings name.

    Raises:
        ConfigError: One line per problem, `file:line: column: what is wrong`.
    """
    kelurahan = load_kelurahan(settings.registry_path(settings.city.kelurahan))
    file = settings.registry_path(settings.city.cameras)
    cameras = read_table(
        file, CAMERA_COLUMNS, lambda row: parse_camera(row, file.parent, kelurahan), lambda item: item.id
    )
    return Registry(cameras, kelurahan, settings.city.place_radius_m)
