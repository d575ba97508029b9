"""The `cameras.csv` of simulated cameras and of folders of clips, as the registry reads it."""

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pipeline.demo.scenes.catalog import CAMERAS, Simulated

COLUMNS = ("id", "name", "url", "kelurahan", "lat", "lng", "categories", "owner", "kinds", "masks", "public")
OWNER = "SIMULASI"
KINDS = "fire;smoke"
STEP_DEG = 0.002
"""About 220 m: further than the radius within which cameras count as seeing the same place."""


@dataclass(frozen=True)
class Row:
    """One camera of the file: id (also the name of its stream), name, place."""

    id: str
    name: str
    kelurahan: str
    lat: float
    lng: float
    categories: tuple[str, ...]


def simulated_rows(cameras: Iterable[Simulated] = CAMERAS) -> list[Row]:
    """The simulated cameras' rows; their names say that they are simulated."""
    return [Row(c.name, f"SIMULASI {c.title}", c.spot.kelurahan, c.spot.lat, c.spot.lng, c.categories) for c in cameras]


def clip_rows(paths: Iterable[Path]) -> list[Row]:
    """Rows for clips: ids from file names, places spread so that no two clips see the same place."""
    rows: list[Row] = []
    taken: set[str] = set()
    for index, path in enumerate(paths):
        place = CAMERAS[index % len(CAMERAS)].spot
        turn = index // len(CAMERAS)
        lat, lng = place.lat + STEP_DEG * turn, place.lng + STEP_DEG
        camera = _unique(slug(path.stem), taken)
        rows.append(Row(camera, f"SIMULASI {path.name}", place.kelurahan, lat, lng, ("jalan",)))
    return rows


def slug(text: str) -> str:
    """A camera id of a file name: 1-60 of letters, digits, '.', '_' and '-'."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")[:60]
    return plain or "klip"


def _unique(name: str, taken: set[str]) -> str:
    number, free = 2, name
    while free in taken:
        free, number = f"{name}-{number}", number + 1
    taken.add(free)
    return free


def write_registry(path: Path, rows: Iterable[Row], host: str, port: int) -> Path:
    """Write `cameras.csv` for streams at `rtsp://host:port/ID`; it appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".part")
    with draft.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for row in rows:
            url = f"rtsp://{host}:{port}/{row.id}"
            place = (f"{row.lat:.6f}", f"{row.lng:.6f}")
            table.writerow(
                (row.id, row.name, url, row.kelurahan, *place, ";".join(row.categories), OWNER, KINDS, "", "ya")
            )
    draft.replace(path)
    return path


def registered_port(path: Path) -> int:
    """The port of an earlier `cameras.csv`, 0 when there is none: a server that comes back is found where it was."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            first = next(csv.DictReader(file))
        return urlsplit(first["url"]).port or 0
    except (OSError, StopIteration, KeyError, ValueError):
        return 0
