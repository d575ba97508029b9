"""Reading a gauge: where along the line the water of a picture ends."""

from pipeline.bus.wetness import COLUMNS, ROWS, Wetness
from pipeline.city.gauge import LevelLine

STEPS = 200
DRY_GAP = 0.12
"""Dry stretches of the line shorter than this share of it (a pole, a reflection) do not end the water."""


def read_level(line: LevelLine, wet: Wetness) -> float | None:
    """Return the height of the water along a line, cm; None where its lower end is dry: the water lies below it.

    The answer is as fine as the cells are: about 1/24 of the picture's height.
    """
    reached, gap = None, 0.0
    for step in range(STEPS + 1):
        share = step / STEPS
        x, y = line.point(share)
        if wet[min(ROWS - 1, int(y * ROWS)), min(COLUMNS - 1, int(x * COLUMNS))]:
            reached, gap = share, 0.0
            continue
        gap += 1 / STEPS
        if gap > DRY_GAP:
            break
    return None if reached is None else line.height(reached)
