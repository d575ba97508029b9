"""From candidates to detections: class-wise non-maximum suppression, numbers checked, places in 0..1 of the picture."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from pipeline.bus.records import Detection, Water
from pipeline.detect.heads.base import Candidates
from pipeline.detect.letterbox import Fit, Floats
from pipeline.detect.manifest import Manifest

MOST_PER_CLASS = 400
"""Candidates of one class that are compared with each other, the best first."""
WHOLE = (0.0, 0.0, 1.0, 1.0)


class Seen(tuple[Detection, ...]):
    """What a model saw in one picture: its detections, best first, and the water where it measures that."""

    water: Water | None = None

    @classmethod
    def of(cls, found: Iterable[Detection], water: Water | None) -> "Seen":
        """Make one."""
        seen = cls(found)
        seen.water = water
        return seen


def nms(boxes: Floats, scores: Floats, limit: float) -> NDArray[np.intp]:
    """Greedy suppression of `[K, 4]` by `[K]`: indices kept, best first; over `limit` IoU with a better box is out."""
    alive = np.argsort(-scores, kind="stable")
    area = np.prod(np.clip(boxes[:, 2:] - boxes[:, :2], 0, None), 1)
    kept: list[np.intp] = []
    # Few boxes stay: comparing those with the rest is far less than comparing all with all.
    while len(alive):
        best, alive = alive[0], alive[1:]
        kept.append(best)
        low = np.maximum(boxes[alive, :2], boxes[best, :2])
        high = np.minimum(boxes[alive, 2:], boxes[best, 2:])
        common = np.prod(np.clip(high - low, 0, None), 1)
        alive = alive[common / (area[alive] + area[best] - common + 1e-9) <= limit]
    return np.array(kept, np.intp)


def detections(found: Candidates, fit: Fit, manifest: Manifest, floor: float, most: int) -> tuple[Detection, ...]:
    """Return what the candidates say, best first.

    Args:
        found: Candidates of one picture; rows with NaN or infinite numbers are left out.
        fit: Where the picture lay on the canvas.
        manifest: Names of the classes, overlap limit.
        floor: Lowest score kept (boxes). A classifier's classes are all kept.
        most: Detections kept, all classes together.
    """
    if found.boxes is None:
        scores = np.nan_to_num(found.scores[0], nan=0.0, posinf=0.0, neginf=0.0).clip(0, 1)
        whole = [Detection(label=c, score=float(s), box=WHOLE) for c, s in zip(manifest.classes, scores, strict=True)]
        return tuple(sorted(whole, key=lambda detection: -detection.score)[:most])
    sound = np.isfinite(found.boxes).all(1) & np.isfinite(found.scores).all(1)
    boxes, scores = fit.to_picture(found.boxes[sound]), found.scores[sound].clip(0, 1)
    inside = fit.cut(boxes)
    compared = inside if found.cut_first else boxes
    kept: list[Detection] = []
    for column, label in enumerate(manifest.classes):
        index = _one_class(inside, compared, scores[:, column], floor, manifest.nms_iou)
        kept += [
            Detection.model_construct(label=label, score=float(mark), box=_share(place, fit))
            for place, mark in zip(inside[index], scores[index, column], strict=True)
        ]
    return tuple(sorted(kept, key=lambda detection: -detection.score)[:most])


def _one_class(inside: Floats, compared: Floats, scores: Floats, floor: float, limit: float) -> NDArray[np.intp]:
    """Indices of one class' boxes that stay, best first; boxes `inside` the picture must have an area."""
    index = np.flatnonzero((scores > floor) & (inside[:, 2] > inside[:, 0]) & (inside[:, 3] > inside[:, 1]))
    index = index[np.argsort(-scores[index], kind="stable")[:MOST_PER_CLASS]]
    return np.asarray(index[nms(compared[index], scores[index], limit)], np.intp)


def _share(box: Floats, fit: Fit) -> tuple[float, float, float, float]:
    """Picture px -> shares 0..1 of the picture."""
    x1, y1, x2, y2 = (float(value) for value in box)
    return (
        min(1.0, x1 / fit.width),
        min(1.0, y1 / fit.height),
        min(1.0, x2 / fit.width),
        min(1.0, y2 / fit.height),
    )
