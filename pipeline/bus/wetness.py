"""Where a picture is wet: a coarse grid of cells as a short text, so that it travels in every observation of a street.

`ROWS` x `COLUMNS` cells, row by row from the top left, one bit each (1 = water), packed and written in base64.
"""

import base64
import binascii

import numpy as np
from numpy.typing import NDArray

from pipeline.ops.errors import RecordError

ROWS, COLUMNS = 24, 40
CELLS = ROWS * COLUMNS
Wetness = NDArray[np.bool_]
"""`[ROWS, COLUMNS]`, True where there is water."""
STREET_FROM = 0.4
"""Above this share of the picture's height there is no street to be flooded: sky, walls, far away."""


def street() -> Wetness:
    """Return the cells that may be street: the lower part of the picture."""
    cells = np.zeros((ROWS, COLUMNS), np.bool_)
    cells[int(STREET_FROM * ROWS) :] = True
    return cells


def pack(wet: Wetness) -> str:
    """Return a grid as text."""
    return base64.b64encode(np.packbits(wet.reshape(CELLS)).tobytes()).decode()


def unpack(text: str) -> Wetness:
    """Return the grid that a text holds; an empty text is dry.

    Raises:
        RecordError: It is no grid of this size.
    """
    if not text:
        return np.zeros((ROWS, COLUMNS), np.bool_)
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise RecordError(f"water.cells: not base64: {error}") from error
    if len(raw) != CELLS // 8:
        raise RecordError(f"water.cells: {len(raw)} bytes instead of {CELLS // 8}")
    return np.unpackbits(np.frombuffer(raw, np.uint8)).astype(np.bool_).reshape(ROWS, COLUMNS)


def bounds(wet: Wetness) -> tuple[float, float, float, float] | None:
    """Return the box x1, y1, x2, y2 (0..1 of the picture) around all wet cells, None where there is none."""
    rows, columns = np.flatnonzero(wet.any(1)), np.flatnonzero(wet.any(0))
    if not len(rows):
        return None
    return (
        float(columns[0] / COLUMNS),
        float(rows[0] / ROWS),
        float((columns[-1] + 1) / COLUMNS),
        float((rows[-1] + 1) / ROWS),
    )
