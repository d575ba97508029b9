"""Labelled clips: `file,kind,start_s,end_s`, paths relative to the table. Problems name file, line and column."""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from pipeline.city.rows import RowError, read_table
from pipeline.ops.errors import ConfigError
from pipeline.ops.sections import Kind

COLUMNS = ("file", "kind", "start_s", "end_s")
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Label:
    """One row: an event of `kind` from `start_s` to `end_s` (None = the end), or no kind: nothing may be raised."""

    file: Path
    kind: Kind | None
    start_s: float
    end_s: float | None


def read_labels(table: Path) -> dict[Path, list[Label]]:
    """Return the labels by file, files in the table's order.

    Raises:
        ConfigError: One line per problem, `file:line: column: what is wrong`.
    """
    number = itertools.count()
    rows = read_table(table, COLUMNS, _parser(table.parent), lambda _: str(next(number)))
    if not rows:
        raise ConfigError(f"{table}:1: no row in the table")
    labels: dict[Path, list[Label]] = {}
    for label in rows.values():
        labels.setdefault(label.file, []).append(label)
    return labels


def _parser(base: Path) -> Callable[[dict[str, str]], Label]:
    """Return a function that makes a label of one row."""

    def parse(row: dict[str, str]) -> Label:
        if not row["file"]:
            raise RowError("file", "is empty")
        file = (base / row["file"]).resolve()
        if not file.exists():
            raise RowError("file", f"{row['file']!r} does not exist")
        kind = next((kind for kind in KINDS if kind == row["kind"]), None)
        if row["kind"] and kind is None:
            raise RowError("kind", f"{row['kind']!r} is not one of {', '.join(KINDS)}")
        start, end = _seconds(row, "start_s"), _seconds(row, "end_s")
        if end is not None and end <= (start or 0.0):
            raise RowError("end_s", f"{end:g} is not after the start")
        return Label(file, kind, start or 0.0, end)

    return parse


def _seconds(row: dict[str, str], column: str) -> float | None:
    """Read a cell of seconds; empty is None."""
    if not row[column]:
        return None
    try:
        value = float(row[column])
    except ValueError:
        raise RowError(column, f"{row[column]!r} is not a number") from None
    if not math.isfinite(value) or value < 0:
        raise RowError(column, f"{row[column]!r} is not a number of seconds")
    return value
