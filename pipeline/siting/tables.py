"""Needs, hotspots and candidates from CSV: every row is checked, all that is wrong is told, or nothing is taken."""

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from pipeline.city.registry import CATEGORIES
from pipeline.city.rows import RowError, read_table
from pipeline.ops.errors import ConfigError
from pipeline.ops.siting_section import SitingSection
from pipeline.siting.places import City
from pipeline.store.needs import NewNeed
from pipeline.store.siting import NewHotspot
from pipeline.store.siting_tables import AskedBy

T = TypeVar("T")
NEED_COLUMNS = ("lat", "lng", "category", "asked_by_kind", "asked_by", "reason")
HOTSPOT_COLUMNS = ("source", "category", "lat", "lng", "at")
CANDIDATE_COLUMNS = ("id", "lat", "lng")
ASKERS: dict[str, AskedBy] = {"opd": "opd", "rt/rw": "rt_rw", "rt_rw": "rt_rw", "rt": "rt_rw", "rw": "rt_rw"}


@dataclass(frozen=True)
class Candidate:
    """A place where a camera could stand. Directions in degrees, None: all around; `cost` whole rupiah.

    `need` is the request that it comes from. `turn`: it has a width but no direction yet; the best one is chosen.
    """

    id: str
    name: str
    lat: float
    lng: float
    kelurahan: str
    type: str
    cost: int
    range_m: float
    bearing: float | None = None
    angle: float | None = None
    need: str | None = None

    @property
    def turn(self) -> bool:
        """Whether its direction is still to be chosen."""
        return self.bearing is None and self.angle is not None and self.angle < 360


def batch_of(file: Path) -> str:
    """Return the name of an import: the sha256 of the file, so that the same file is known when it comes again.

    Raises:
        ConfigError: The file cannot be read.
    """
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error


def read_needs(file: Path, city: City) -> list[NewNeed]:
    """Read requests: `lat,lng,category,asked_by_kind,asked_by,reason`, optional `priority`, `kelurahan`, `photo`.

    Raises:
        ConfigError: One line per problem, `file:line: column: what is wrong`.
    """
    return _rows(file, NEED_COLUMNS, lambda row: _need(row, city))


def read_hotspots(file: Path, city: City, zone: str, now_ms: int) -> list[NewHotspot]:
    """Read hotspots: `source,category,lat,lng,at`, optional `weight`; `at` is a day or a time, ISO 8601.

    A time without a zone is the city's.

    Raises:
        ConfigError: One line per problem, `file:line: column: what is wrong`.
    """
    return _rows(file, HOTSPOT_COLUMNS, lambda row: _hotspot(row, city, zone, now_ms))


def read_candidates(file: Path, city: City, siting: SitingSection) -> list[Candidate]:
    """Read candidates: `id,lat,lng`, optional `name`, `type`, `cost`, `range_m`, `bearing`, `angle`.

    Raises:
        ConfigError: One line per problem, `file:line: column: what is wrong`.
    """
    found = read_table(file, CANDIDATE_COLUMNS, lambda row: _candidate(row, city, siting), lambda item: item.id)
    return _some(file, list(found.values()))


def _rows(file: Path, required: tuple[str, ...], parse: Callable[[dict[str, str]], T]) -> list[T]:
    """Read rows that have no key of their own."""
    number = count()
    return _some(file, list(read_table(file, required, parse, lambda _: str(next(number))).values()))


def _some(file: Path, rows: list[T]) -> list[T]:
    """Refuse a table without a row."""
    if not rows:
        raise ConfigError(f"{file}:2: tidak ada baris")
    return rows


def _number(row: dict[str, str], column: str, low: float, high: float, default: float | None = None) -> float:
    """Read a number within bounds; an empty cell is the default."""
    text = row.get(column, "")
    if not text and default is not None:
        return default
    try:
        value = float(text)
    except ValueError:
        raise RowError(column, f"{text!r} bukan angka") from None
    if not (math.isfinite(value) and low <= value <= high):
        raise RowError(column, f"{text} tidak di antara {low:g} dan {high:g}")
    return value


def _place(row: dict[str, str], city: City) -> tuple[float, float, str]:
    """Read a place within the city: latitude, longitude, kelurahan."""
    lat, lng = _number(row, "lat", -90, 90), _number(row, "lng", -180, 180)
    code = city.code_at(lat, lng)
    if code is None:
        raise RowError("lat", f"{lat}, {lng} di luar wilayah kota")
    return lat, lng, code


def _word(row: dict[str, str], column: str, most: int) -> str:
    """Read a text that must not be empty."""
    text = row.get(column, "")
    if not text:
        raise RowError(column, "kosong")
    if len(text) > most:
        raise RowError(column, f"lebih dari {most} huruf")
    return text


def _category(row: dict[str, str]) -> str:
    """Read a category."""
    if row["category"] not in CATEGORIES:
        raise RowError("category", f"{row['category']!r} bukan salah satu dari {', '.join(CATEGORIES)}")
    return row["category"]


def _need(row: dict[str, str], city: City) -> NewNeed:
    """Make a request of a row."""
    lat, lng, code = _place(row, city)
    told = row.get("kelurahan", "")
    if told and told not in city.kelurahan:
        raise RowError("kelurahan", f"{told!r} bukan kode kelurahan kota ini")
    if told and city.boundaries and told != code:
        raise RowError("kelurahan", f"koordinat berada di {code}, bukan {told}")
    kind = ASKERS.get(row["asked_by_kind"].lower())
    if kind is None:
        raise RowError("asked_by_kind", f"{row['asked_by_kind']!r} bukan OPD atau RT/RW")
    priority = _number(row, "priority", 1, 5, 3)
    if priority != int(priority):
        raise RowError("priority", f"{row['priority']} bukan bilangan bulat 1 sampai 5")
    photo = row.get("photo") or None
    return NewNeed(
        lat, lng, _category(row), kind, _word(row, "asked_by", 120), told or code, _word(row, "reason", 2000),
        int(priority), photo,
    )  # fmt: skip


def _hotspot(row: dict[str, str], city: City, zone: str, now_ms: int) -> NewHotspot:
    """Make a hotspot of a row."""
    lat, lng, code = _place(row, city)
    text = _word(row, "at", 40)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise RowError("at", f"{text!r} bukan tanggal seperti 2026-03-01 atau 2026-03-01T21:30") from None
    if at.tzinfo is None:
        at = at.replace(tzinfo=ZoneInfo(zone))
    at_ms = int(at.astimezone(UTC).timestamp() * 1000)
    if at_ms > now_ms:
        raise RowError("at", f"{text} ada di masa depan")
    if at_ms < 0:
        raise RowError("at", f"{text} terlalu lama")
    weight = _number(row, "weight", 0, 1000, 1)
    return NewHotspot(_word(row, "source", 40), _category(row), lat, lng, code, at_ms, len(text) > 10, weight)


def _candidate(row: dict[str, str], city: City, siting: SitingSection) -> Candidate:
    """Make a candidate of a row."""
    lat, lng, code = _place(row, city)
    name = row.get("type") or siting.default_type
    if name not in siting.site_types:
        raise RowError("type", f"{name!r} bukan salah satu dari {', '.join(siting.site_types)}")
    kind = siting.site_types[name]
    angle = _number(row, "angle", 1, 360, kind.angle)
    bearing = _number(row, "bearing", 0, 360) if row.get("bearing") else None
    id_ = _word(row, "id", 80)
    return Candidate(
        id_, row.get("name") or id_, lat, lng, code, name, int(_number(row, "cost", 1, 1e13, kind.cost)),
        _number(row, "range_m", 1, 1000, kind.range_m), bearing, angle if angle < 360 else None,
    )  # fmt: skip
