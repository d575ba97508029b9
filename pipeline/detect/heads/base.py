"""What every head hands on: scored candidates on the canvas, before suppression."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.bus.records import Water
from pipeline.detect.letterbox import Floats
from pipeline.detect.manifest import Manifest
from pipeline.ops.errors import ModelError


@dataclass(frozen=True)
class Candidates:
    """`scores` `[K, C]`, and `boxes` `[K, 4]` x1, y1, x2, y2 in canvas px (None where the whole picture is meant).

    `water` is told by heads that measure it; its `light` is filled in by who has the picture.
    `cut_first`: overlaps are measured after the boxes were cut at the picture's edges, as the family does in training.
    """

    scores: Floats
    boxes: Floats | None = None
    cut_first: bool = True
    water: Water | None = None


Head = Callable[[Sequence[Floats], Manifest, float], Candidates]
"""(outputs of one picture without their batch axis, manifest, lowest score of interest) -> candidates.

Raises `ModelError` where the outputs do not have the shape that the manifest promises. Values may be NaN or infinite:
such rows are left out.
"""


def the_output(outputs: Sequence[Floats], columns: int, manifest: Manifest) -> Floats:
    """Return the first output as rows `[K, columns]` float32.

    Raises:
        ModelError: There is no output, or it has another shape.
    """
    output = outputs[0] if outputs else np.empty(0, np.float32)
    if output.ndim != 2 or output.shape[1] != columns:
        raise ModelError(
            f"model {manifest.name}: head {manifest.head} with {len(manifest.classes)} classes needs rows of {columns} "
            f"values, the model gives shape {output.shape}"
        )
    return output.astype(np.float32, copy=False)


def promising(scores: Floats, floor: float) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Return the rows of `[K, C]` in which some class scores above `floor`; NaN is above nothing."""
    with np.errstate(invalid="ignore"):
        return np.flatnonzero((scores > floor).any(axis=1))
