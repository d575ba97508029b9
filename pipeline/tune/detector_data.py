"""A folder of labelled pictures: `images/`, `labels/` (YOLO text), `manifest.csv`. Problems name file, row, column."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.ops.errors import ConfigError

COLUMNS = ("file", "split", "content", "labelled_classes")
LABELS = ("fire", "smoke", "person")
"""Class numbers of the label files. People, where they are labelled at all, are not evaluated."""
EVALUATED = ("fire", "smoke")


@dataclass(frozen=True)
class Truth:
    """One labelled box: class name and x1, y1, x2, y2 as shares 0..1 of the picture."""

    label: str
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class Sample:
    """One picture of the set: `content` is `none` or what is in it, `labelled` the classes that were looked for."""

    file: str
    image: Path
    content: str
    labelled: frozenset[str]
    truths: tuple[Truth, ...]

    @property
    def positive(self) -> bool:
        """Whether anything is to be found in it."""
        return self.content != "none"


def read_samples(data: Path, split: str) -> list[Sample]:
    """Read the pictures of one split, or of several separated by commas.

    Raises:
        ConfigError: A file, column or cell is missing or wrong; the message names it.
    """
    table = data / "manifest.csv"
    wanted = {part.strip() for part in split.split(",") if part.strip()}
    found: set[str] = set()
    samples = []
    for line, row in _rows(table):
        found.add(row["split"])
        if row["split"] in wanted:
            samples.append(_sample(data, f"{table}:{line}", row))
    missing = wanted - found
    if missing or not wanted:
        raise ConfigError(f"{table}: split: {split!r} is not there; there is {', '.join(sorted(found))}")
    return samples


def _rows(table: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield line number and cells of each row, after checking the columns."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            for column in COLUMNS:
                if column not in (reader.fieldnames or ()):
                    raise ConfigError(f"{table}:1: {column}: column is missing")
            for row in reader:
                yield reader.line_num, {column: (row[column] or "").strip() for column in COLUMNS}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{table}: cannot be read: {error}") from error


def _sample(data: Path, where: str, row: dict[str, str]) -> Sample:
    """Check one row and read its labels."""
    name = row["file"]
    if not name or Path(name).is_absolute() or ".." in Path(name).parts:
        raise ConfigError(f"{where}: file: {name!r} is no file name below images/")
    if not row["content"]:
        raise ConfigError(f"{where}: content: is empty; 'none' says that there is nothing to be found")
    labelled = frozenset(re.findall(r"[^;,+\s]+", row["labelled_classes"])) or frozenset(EVALUATED)
    for part in labelled - set(LABELS):
        raise ConfigError(f"{where}: labelled_classes: {part!r} is not one of {', '.join(LABELS)}")
    image = data / "images" / name
    if not image.is_file():
        raise ConfigError(f"{where}: file: {image} is missing")
    labels = (data / "labels" / name).with_suffix(".txt")
    if not labels.is_file() and row["content"] != "none":
        raise ConfigError(f"{where}: file: {labels} is missing, and content is {row['content']!r}")
    truths = tuple(read_labels(labels)) if labels.is_file() else ()
    return Sample(name, image, row["content"], labelled, truths)


def read_labels(file: Path) -> Iterator[Truth]:
    """Yield the boxes of a YOLO label file: class, centre x, y, width, height; a polygon counts as its outer box.

    Raises:
        ConfigError: A line is none of these; the message names it.
    """
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        parts = line.split()
        if not parts:
            continue
        try:
            kind, values = int(float(parts[0])), [float(part) for part in parts[1:]]
            label = LABELS[kind] if kind >= 0 else ""
        except (ValueError, IndexError):
            raise ConfigError(f"{file}:{number}: {line[:60]!r} is no label") from None
        polygon = len(values) >= 6 and len(values) % 2 == 0
        if not label or not (len(values) == 4 or polygon) or not all(-1 <= value <= 2 for value in values):
            raise ConfigError(f"{file}:{number}: {line[:60]!r} is no label")
        yield Truth(label, _outer(values) if polygon else _corners(values))


def _corners(values: list[float]) -> tuple[float, float, float, float]:
    x, y, width, height = values
    return max(0, x - width / 2), max(0, y - height / 2), min(1, x + width / 2), min(1, y + height / 2)


def _outer(values: list[float]) -> tuple[float, float, float, float]:
    xs, ys = values[0::2], values[1::2]
    return max(0, min(xs)), max(0, min(ys)), min(1, max(xs)), min(1, max(ys))
