"""Water of an incident in words and as a shape over its picture: pure."""

from dataclasses import dataclass
from typing import Final

from pipeline.bus.records import Water
from pipeline.bus.wetness import COLUMNS, ROWS, unpack
from pipeline.desk.i18n import mark

DEPTH_WORDS: Final[dict[str, str]] = mark(
    {
        "none": "dalamnya belum jelas",
        "ankle": "setinggi mata kaki",
        "knee": "setinggi lutut",
        "wheel": "setinggi roda atau lebih",
    }
)
RISE_WORDS: Final[dict[str, str]] = mark({"rising": "naik", "falling": "surut", "steady": "tetap"})
MOVING = 0.01
"""A share of the street that changes by less than this a minute stands still."""
UNITS = 1000
"""Both sides of the picture in the units of the shapes drawn over it."""


@dataclass(frozen=True)
class Flooding:
    """Water as the desk shows it: `percent` of the street, depth and movement as keys of words, the place as a path.

    `level_cm`, `siaga` and `level_rise` (cm a minute) are of a gauge, None where the camera sees none.
    """

    percent: int
    depth: str
    rise: str
    path: str
    level_cm: int | None = None
    siaga: int | None = None
    level_rise: float = 0.0


def flooding_of(water: Water | None) -> Flooding | None:
    """Return what the desk shows of an incident's water, None where there is none."""
    if water is None:
        return None
    rise = "rising" if water.rise >= MOVING else "falling" if water.rise <= -MOVING else "steady"
    level = None if water.level_cm is None else round(water.level_cm)
    return Flooding(
        round(100 * water.share), water.depth, rise, path_of(water.cells), level, water.siaga, water.level_rise
    )


def path_of(cells: str) -> str:
    """Return the wet cells as one path in `UNITS` x `UNITS`, one rectangle a run of cells in a row."""
    wide, high = UNITS / COLUMNS, UNITS / ROWS
    parts = []
    for row, line in enumerate(unpack(cells)):
        column = 0
        while column < COLUMNS:
            start = column
            while column < COLUMNS and line[column]:
                column += 1
            if column > start:
                run = (column - start) * wide
                parts.append(f"M{start * wide:.1f} {row * high:.1f}h{run:.1f}v{high:.1f}h{-run:.1f}z")
            column += 1
    return "".join(parts)
