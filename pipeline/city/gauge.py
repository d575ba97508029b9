"""A gauge in a camera's picture: a line along a staff or wall whose ends have a height, and the city's alert levels."""

import json
from dataclasses import dataclass

from pipeline.city.rows import RowError

End = tuple[float, float, float]
"""x, y (0..1 of the picture) and the height there, cm."""
COLUMN = "level_line"
SIAGA = (1, 2, 3)
"""Siaga 1 is the gravest; below the height of Siaga 3 it is Siaga 4, normal, as at Jakarta's sluice gates."""


@dataclass(frozen=True)
class LevelLine:
    """A line from its lower to its upper end, and the heights (cm) from which Siaga 1, 2 and 3 hold."""

    bottom: End
    top: End
    siaga: tuple[float, float, float]

    def height(self, share: float) -> float:
        """Return the height at a share 0..1 of the way up, cm."""
        return self.bottom[2] + share * (self.top[2] - self.bottom[2])

    def point(self, share: float) -> tuple[float, float]:
        """Return the place at a share of the way up, 0..1 of the picture."""
        (x1, y1, _), (x2, y2, _) = self.bottom, self.top
        return x1 + share * (x2 - x1), y1 + share * (y2 - y1)

    def grade(self, cm: float) -> int:
        """Return the Siaga of a height, 1..4."""
        return next((level for level, least in zip(SIAGA, self.siaga, strict=True) if cm >= least), 4)

    def cell(self) -> str:
        """Return the cell of `cameras.csv` that `parse` reads."""
        return json.dumps({"bottom": self.bottom, "top": self.top, "siaga": self.siaga}, separators=(",", ":"))


def parse(text: str) -> LevelLine | None:
    """Read the cell: `{"bottom":[x,y,cm],"top":[x,y,cm],"siaga":[cm1,cm2,cm3]}`; None where it is empty.

    Raises:
        RowError: It is something else.
    """
    if not text:
        return None
    try:
        told = json.loads(text)
        bottom, top, siaga = (tuple(float(value) for value in told[name]) for name in ("bottom", "top", "siaga"))
    except (ValueError, TypeError, KeyError):
        raise RowError(COLUMN, 'not JSON like {"bottom":[x,y,cm],"top":[x,y,cm],"siaga":[cm,cm,cm]}') from None
    if len(bottom) != 3 or len(top) != 3 or len(siaga) != 3:
        raise RowError(COLUMN, "bottom and top need x, y and cm, siaga the heights of Siaga 1, 2 and 3")
    if not all(0 <= value <= 1 for value in (*bottom[:2], *top[:2])):
        raise RowError(COLUMN, "x and y must lie within 0..1")
    if bottom[2] >= top[2] or bottom[:2] == top[:2]:
        raise RowError(COLUMN, "top must lie higher than bottom, at another place of the picture")
    if not siaga[0] > siaga[1] > siaga[2]:
        raise RowError(COLUMN, "siaga must fall from Siaga 1 to Siaga 3")
    return LevelLine(bottom, top, siaga)
