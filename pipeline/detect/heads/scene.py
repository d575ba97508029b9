"""Head `scene`: is the street under water, how deep, and where. Two outputs: scores `[5]` and a water mask `[h, w]`.

The scores are P(flood) and the shares of the four depths of `records.Depth`, all 0..1; the mask is 0..1, of any size.
"""

from collections.abc import Sequence
from typing import Any, get_args

import cv2
import numpy as np

from pipeline.bus.records import Depth, Water
from pipeline.bus.wetness import COLUMNS, ROWS, bounds, pack, street
from pipeline.detect.heads.base import Candidates
from pipeline.detect.letterbox import Floats
from pipeline.detect.manifest import Manifest
from pipeline.ops.errors import ModelError

DEPTHS: tuple[Depth, ...] = get_args(Depth)
WET = 0.5
WHOLE = (0.0, 0.0, 1.0, 1.0)


def read(outputs: Sequence[Floats], manifest: Manifest, floor: float) -> Candidates:
    """Read both outputs of one picture: one candidate, its box around the water on the street.

    `floor` plays no part: a street without water is told, too, as the rules learn from it what is normal.

    Raises:
        ModelError: The outputs do not have these shapes.
    """
    if len(outputs) < 2 or outputs[0].reshape(-1).shape != (1 + len(DEPTHS),) or outputs[1].squeeze().ndim != 2:
        shapes = ", ".join(str(output.shape) for output in outputs) or "nothing"
        raise ModelError(
            f"model {manifest.name}: head scene needs scores [{1 + len(DEPTHS)}] and a mask [h, w], not {shapes}"
        )
    scores = np.nan_to_num(outputs[0].reshape(-1), nan=0.0, posinf=0.0, neginf=0.0).clip(0, 1)
    mask = np.nan_to_num(outputs[1].squeeze(), nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32)
    cells: Any = cv2.resize(mask, (COLUMNS, ROWS), interpolation=cv2.INTER_AREA)
    wet = np.asarray(cells >= WET, np.bool_)
    below = street()
    water = Water(
        share=round(float((wet & below).sum() / below.sum()), 4),
        depth=DEPTHS[int(scores[1:].argmax())],
        light=0.0,
        cells=pack(wet),
    )
    box = bounds(wet & below) or WHOLE
    canvas = np.array([box], np.float32) * np.array((manifest.input.width, manifest.input.height) * 2, np.float32)
    return Candidates(scores[None, :1].astype(np.float32), canvas, water=water)
