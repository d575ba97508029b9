"""The table of docs/access.md: what each route answers to each role, inside and outside of a person's areas."""

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from pipeline.desk.identity import ROLES, Role

FILE = Path(__file__).resolve().parents[2] / "docs" / "access.md"
COLUMNS = ("out", *ROLES, "elsewhere")
assert set(ROLES) == set(get_args(Role))


@dataclass(frozen=True)
class Row:
    """What one route answers: by role, and to those who may when the thing lies elsewhere (None: the same)."""

    answers: dict[str, int]
    elsewhere: int | None

    def expect(self, role: str, inside: bool) -> int:
        """Return the status for a role (`out`: signed out) whose areas hold the thing asked for, or do not."""
        answer = self.answers[role]
        return answer if inside or role == "out" or self.elsewhere is None or answer == 403 else self.elsewhere


def read_table(file: Path = FILE) -> dict[str, Row]:
    """Return all rows of the document by `METHOD /path`.

    Raises:
        AssertionError: A header has other columns, a row other cells, or a route stands twice.
    """
    rows: dict[str, Row] = {}
    columns: list[str] = []
    for line in file.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|"):
            columns = []
        elif cells[0] in ("route", "path") and "out" in cells:
            columns = cells[1:]
            assert set(columns) == set(COLUMNS), f"{file.name}: columns {columns}"
        elif line.startswith("| `") and "/" in cells[0] and columns:
            route = " ".join(cells[0].strip("`").split())
            assert route not in rows and len(cells) == len(columns) + 1, f"{file.name}: {line}"
            by_name = dict(zip(columns, cells[1:], strict=True))
            last = by_name.pop("elsewhere")
            rows[route] = Row({name: int(cell) for name, cell in by_name.items()}, None if last == "=" else int(last))
    return rows
