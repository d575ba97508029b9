"""How good a detector is: average precision by COCO's rules; how well a picture's score tells fire from nothing."""

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.bus.records import Detection
from pipeline.ops.errors import ConfigError
from pipeline.tune.detector_data import EVALUATED, Sample, Truth

COCO_DETECTIONS = 100
"""COCO's limit of detections a picture, both evaluated classes together."""


@dataclass(frozen=True)
class Seen:
    """A sample with what the model saw in it; `width`, `height` of the picture in px. Detections: best first."""

    sample: Sample
    width: int
    height: int
    detections: tuple[Detection, ...]

    @property
    def score(self) -> float:
        """The picture's score: the highest of fire and smoke, 0 where neither was seen."""
        return max((d.score for d in self.detections if d.label in EVALUATED), default=0.0)


@dataclass(frozen=True)
class Precision:
    """Average precision at IoU .3, at .5, and the mean over .5 to .95; None where the set has no box of the class."""

    ap30: float | None
    ap50: float | None
    ap50_95: float | None


def average_precision(seen: Sequence[Seen], label: str) -> Precision:
    """Return the average precision of one class.

    Pictures in which the class was not looked for (`labelled_classes`) do not count: what is found there may be true.

    Raises:
        ConfigError: pycocotools is not installed.
    """
    try:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    except ImportError as error:
        raise ConfigError("siaga eval detector needs pycocotools: pip install 'siaga[test]'") from error
    counted = [one for one in seen if label in one.sample.labelled]
    truths, found = _as_coco(counted, label)
    if not truths["annotations"]:
        return Precision(None, None, None)
    if not found:
        return Precision(0.0, 0.0, 0.0)
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = truths
        coco.createIndex()
        by_rules = COCOeval(coco, coco.loadRes(found), "bbox")
        by_rules.evaluate()
        by_rules.accumulate()
        loose = COCOeval(coco, coco.loadRes(found), "bbox")
        loose.params.iouThrs = np.array([0.3])
        loose.evaluate()
        loose.accumulate()
    table = by_rules.eval["precision"]
    return Precision(_mean(loose.eval["precision"][0]), _mean(table[0]), _mean(table))


def _mean(precision: NDArray[np.float64]) -> float:
    """Mean over recall levels (and IoU limits) for all areas and 100 detections; -1 marks what does not count."""
    values = precision[..., 0, 0, 2]
    return float(values[values > -1].mean())


def _as_coco(seen: Sequence[Seen], label: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return truths as a COCO data set and detections as COCO results, boxes in px."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for number, one in enumerate(seen, 1):
        images.append({"id": number, "width": one.width, "height": one.height})
        for truth in one.sample.truths:
            if truth.label == label:
                box = _xywh(truth, one)
                annotations.append({
                    "id": len(annotations) + 1, "image_id": number, "category_id": 1, "iscrowd": 0,
                    "bbox": box, "area": box[2] * box[3],
                })  # fmt: skip
        evaluated = [d for d in one.detections if d.label in EVALUATED][:COCO_DETECTIONS]
        results += [
            {"image_id": number, "category_id": 1, "bbox": _xywh(d, one), "score": d.score}
            for d in evaluated
            if d.label == label
        ]
    data = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": label}]}
    return data, results


def _xywh(item: Truth | Detection, one: Seen) -> list[float]:
    x1, y1, x2, y2 = item.box
    return [x1 * one.width, y1 * one.height, (x2 - x1) * one.width, (y2 - y1) * one.height]


def area_under_curve(positives: Sequence[float], negatives: Sequence[float]) -> float | None:
    """Return the probability that a positive scores above a negative (ties count half); None where a side is empty."""
    if not positives or not negatives:
        return None
    ordered = np.sort(np.asarray(negatives))
    below = np.searchsorted(ordered, positives, "left")
    up_to = np.searchsorted(ordered, positives, "right")
    return float((below + up_to).mean() / 2 / len(ordered))


def recall_at(share: float, positives: Sequence[float], negatives: Sequence[float]) -> float | None:
    """Return the share of positives above the score that at most `share` (0..1) of the negatives exceed."""
    if not positives or not negatives:
        return None
    limit = sorted(negatives, reverse=True)[int(share * len(negatives))]
    return float(np.mean(np.asarray(positives) > limit))
