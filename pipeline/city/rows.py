"""CSV tables read row by row: each problem names file, line and column; all problems of a file are told at once."""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from pipeline.ops.errors import ConfigError

T = TypeVar("T")
MAX_PROBLEMS = 50


class RowError(ValueError):
    """One cell is wrong; `column` names it."""

    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column = column


def _open(file: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield `(line, row)`; line is 1-based in the file, cells are stripped, missing cells are empty."""
    try:
        with file.open(newline="", encoding="utf-8-sig") as handle:
            reader = csv.DictReader(handle)
            for row in reader:
                if None in row:
                    raise ConfigError(f"{file}:{reader.line_num}: more cells than columns")
                yield reader.line_num, {key.strip(): (value or "").strip() for key, value in row.items() if key}
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{file}: not a CSV table in UTF-8: {error}") from error


def _check_columns(file: Path, required: tuple[str, ...]) -> None:
    """Refuse a file whose first line lacks a column."""
    try:
        with file.open(newline="", encoding="utf-8-sig") as handle:
            header = [name.strip() for name in next(csv.reader(handle), [])]
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{file}: not a CSV table in UTF-8: {error}") from error
    missing = [name for name in required if name not in header]
    if missing:
        raise ConfigError(f"{file}:1: missing column {', '.join(missing)}")


def read_table(
    file: Path, required: tuple[str, ...], parse: Callable[[dict[str, str]], T], key: Callable[[T], str]
) -> dict[str, T]:
    """Read a CSV file into objects by their key.

    Args:
        file: UTF-8 CSV with a header line.
        required: Columns that must exist.
        parse: Makes an object of one row; raises `RowError` for a wrong cell.
        key: Names the object; a key that stands twice is an error.

    Raises:
        ConfigError: One line per problem, `file:line: column: what is wrong`.
    """
    _check_columns(file, required)
    found: dict[str, T] = {}
    problems: list[str] = []
    for line, row in _open(file):
        try:
            item = parse(row)
            if key(item) in found:
                raise RowError(required[0], f"{key(item)} stands twice")
            found[key(item)] = item
        except RowError as error:
            problems.append(f"{file}:{line}: {error.column}: {error}")
    if problems:
        more = [f"{file}: and {len(problems) - MAX_PROBLEMS} more"] if len(problems) > MAX_PROBLEMS else []
        raise ConfigError("\n".join(problems[:MAX_PROBLEMS] + more))
    return found
