"""Head `yolox`: anchor-free rows (Ge et al. 2021): raw dx, dy, log w, log h, then objectness, classes (sigmoid)."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from pipeline.detect.heads.base import Candidates, promising, the_output
from pipeline.detect.letterbox import Floats
from pipeline.detect.manifest import Manifest
from pipeline.ops.errors import ModelError

MAX_LOG_SIZE = 8.0
"""A wilder log size than this is a broken row; exp() must not overflow on it."""


@lru_cache(maxsize=16)
def anchors(width: int, height: int, strides: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Grid cells `[A, 2]` (x, y) and strides `[A, 1]` of an input of `width` x `height` px, row by row."""
    cells, steps = [], []
    for stride in strides:
        y, x = np.mgrid[: height // stride, : width // stride]
        cells.append(np.stack((x, y), -1).reshape(-1, 2))
        steps.append(np.full((x.size, 1), stride))
    return np.concatenate(cells).astype(np.float32), np.concatenate(steps).astype(np.float32)


def read(outputs: Sequence[Floats], manifest: Manifest, floor: float) -> Candidates:
    """Read the output `[A, 5 + C]` of one picture; the score is objectness x class.

    Raises:
        ModelError: The output's shape is not that of the manifest's input size, strides and classes.
    """
    rows = the_output(outputs, 5 + len(manifest.classes), manifest)
    cells, steps = anchors(manifest.input.width, manifest.input.height, manifest.strides)
    if len(rows) != len(cells):
        raise ModelError(f"model {manifest.name}: {len(rows)} rows, the manifest's size and strides make {len(cells)}")
    with np.errstate(invalid="ignore", over="ignore"):
        scores = rows[:, 4:5] * rows[:, 5:]
        chosen = promising(scores, floor)
        rows, cells, steps = rows[chosen], cells[chosen], steps[chosen]
        centre = (rows[:, :2] + cells) * steps
        half = np.exp(np.minimum(rows[:, 2:4], MAX_LOG_SIZE)) * steps / 2
        return Candidates(scores[chosen], np.concatenate((centre - half, centre + half), 1))
