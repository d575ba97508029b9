"""A folder of street pictures with and without flood: `manifest.csv`, pictures, masks. Problems name file and row."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.ops.errors import ConfigError

COLUMNS = ("file", "label", "mask", "camera", "split", "note")
DEPTHS = ("none", "ankle", "knee", "wheel")
NOTED: Mapping[str, int] = {
    "water level class 1": 1,
    "water level class 2": 2,
    "water level class 3": 3,
    "water level class 4": 3,
    "depth_1": 1,
    "depth_2": 2,
    "depth_3": 3,
    "depth_4": 3,
}
"""What notes of the set say of depth, as an index of `DEPTHS`; a note that names two classes is no word on it."""


@dataclass(frozen=True)
class Street:
    """One picture: flooded or not (ambiguous ones are left out), its water mask and depth (index) where they are known.

    `viewpoint` says how it was taken, `camera` which fixed camera took it, empty where none did.
    """

    file: str
    image: Path
    flooded: bool
    split: str
    viewpoint: str
    camera: str
    mask: Path | None
    depth: int | None


def depth_of(note: str, flooded: bool) -> int | None:
    """Return the depth that a note names, `none` for a street without flood, None where nothing is known."""
    return NOTED.get(note.strip()) if flooded else 0


def read_streets(data: Path, split: str) -> list[Street]:
    """Read the pictures of a split, or of several separated by commas; `all` takes every one.

    Raises:
        ConfigError: The manifest is missing or lacks a column, a label is unknown, or there is no picture of the split.
    """
    table, wanted = data / "manifest.csv", {part.strip() for part in split.split(",") if part.strip()}
    try:
        with table.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{table}: cannot be read: {error}") from error
    missing = [column for column in COLUMNS if rows and column not in rows[0]]
    if missing:
        raise ConfigError(f"{table}: column {', '.join(missing)} is missing")
    found = [
        street
        for number, row in enumerate(rows, 2)
        if "all" in wanted or row["split"] in wanted
        if (street := _street(data, f"{table}:{number}", row)) is not None
    ]
    if not found:
        splits = ", ".join(sorted({row["split"] for row in rows}))
        raise ConfigError(f"{table}: no picture of split {split!r}; there is {splits or 'nothing'}")
    return found


def _street(data: Path, place: str, row: dict[str, str]) -> Street | None:
    """Return the picture of a row, None where it is ambiguous."""
    if row["label"] == "ambiguous":
        return None
    if row["label"] not in ("flood", "noflood"):
        raise ConfigError(f"{place}: label: {row['label']!r} is not flood, noflood or ambiguous")
    flooded = row["label"] == "flood"
    return Street(
        row["file"],
        data / row["file"],
        flooded,
        row["split"],
        row.get("viewpoint", ""),
        row["camera"],
        data / row["mask"] if row["mask"] else None,
        depth_of(row["note"], flooded),
    )
