"""Head `ultralytics`: ONNX exports of YOLOv8/11 detectors, `[4 + C, A]`, and end-to-end ones (`nms=True`), `[K, 6]`.

Only the layout of the exported file is known here; no code of the `ultralytics` package is used.
"""

from collections.abc import Sequence

import numpy as np

from pipeline.detect.heads.base import Candidates, promising, the_output
from pipeline.detect.letterbox import Floats
from pipeline.detect.manifest import Manifest

END_TO_END_COLUMNS = 6


def read(outputs: Sequence[Floats], manifest: Manifest, floor: float) -> Candidates:
    """Read one picture's output: centre x, centre y, width, height in canvas px and class scores, one column an anchor.

    Raises:
        ModelError: The output has neither layout.
    """
    columns = 4 + len(manifest.classes)
    output = outputs[0] if outputs else np.empty(0, np.float32)
    if output.ndim == 2 and output.shape[1] == END_TO_END_COLUMNS and output.shape[0] != columns:
        return _end_to_end(output, manifest, floor)
    rows = the_output([output.T], columns, manifest)
    chosen = promising(rows[:, 4:], floor)
    rows = rows[chosen]
    with np.errstate(invalid="ignore", over="ignore"):
        half = rows[:, 2:4] / 2
        return Candidates(rows[:, 4:], np.concatenate((rows[:, :2] - half, rows[:, :2] + half), 1), cut_first=False)


def _end_to_end(output: Floats, manifest: Manifest, floor: float) -> Candidates:
    """Read rows x1, y1, x2, y2, score, class; rows of a class that the manifest does not name are left out."""
    count = len(manifest.classes)
    with np.errstate(invalid="ignore"):
        valid = (output[:, 4] > floor) & (output[:, 5] >= 0) & (output[:, 5] < count)
    rows = output[valid].astype(np.float32)
    scores = np.zeros((len(rows), count), np.float32)
    scores[np.arange(len(rows)), rows[:, 5].astype(np.intp)] = rows[:, 4]
    return Candidates(scores, rows[:, :4], cut_first=False)
