"""`siaga eval detector`: what a model is worth on labelled pictures, as figures and as a page of its worst errors."""

import json
import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from pipeline.detect.letterbox import Image
from pipeline.detect.runtime import Detector
from pipeline.ops.errors import ConfigError
from pipeline.ops.sections import DetectSection
from pipeline.tune.detector_data import EVALUATED, Sample, read_samples
from pipeline.tune.detector_page import write_page
from pipeline.tune.detector_scores import Precision, Seen, area_under_curve, average_precision, recall_at

LOWEST_SCORE = 0.01
MOST_BOXES = 300
"""Above COCO's 100, so that people cannot push fire and smoke out of the list."""


def evaluate_detector(data: Path, split: str, model: Path, out: Path, page: Path | None = None) -> dict[str, Any]:
    """Evaluate a model folder on a labelled set, write the figures to `out` and a page of worst errors beside it.

    Args:
        data: Folder with `images/`, `labels/` and `manifest.csv`.
        split: Split of the manifest, or several separated by commas (their pictures together).
        model: Model folder, or its `manifest.yaml`.
        out: JSON file to write.
        page: HTML file to write; None puts it beside `out`, with the ending `.html`.

    Returns:
        What was written: figures 0..1 (None where the set cannot tell); `ms_per_frame`: median from decoded picture
        to boxes.

    Raises:
        ConfigError: The set is not as described, or pycocotools is missing.
        ModelError: The model cannot be used.
    """
    samples = read_samples(data, split)
    detect = DetectSection(min_score=LOWEST_SCORE, max_boxes=MOST_BOXES)
    detector = Detector(model.parent if model.is_file() else model, detect)
    seen, times = look_at(detector, samples)
    ref = detector.model_ref
    result = figures(seen, f"{ref.name} {ref.version} ({ref.sha8})", statistics.median(times))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    write_page(page or out.with_suffix(".html"), result, seen)
    return result


def look_at(detector: Detector, samples: Sequence[Sample]) -> tuple[list[Seen], list[float]]:
    """Run the model on every sample, one by one; return what it saw and the milliseconds each took.

    Raises:
        ConfigError: A picture cannot be read; the message names it.
    """
    cv2.setNumThreads(1)
    seen, times = [], []
    for sample in samples:
        image = read_picture(sample.image)
        start = time.perf_counter()
        detections = detector.detect([image])[0]
        times.append((time.perf_counter() - start) * 1000)
        seen.append(Seen(sample, image.shape[1], image.shape[0], detections))
    return seen, times


def read_picture(file: Path) -> Image:
    """Read a picture as `[H, W, 3]` BGR.

    Raises:
        ConfigError: It is missing or no picture.
    """
    try:
        picture: Any = cv2.imdecode(np.frombuffer(file.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    except (OSError, cv2.error) as error:
        raise ConfigError(f"{file}: cannot be read: {error}") from error
    if picture is None:
        raise ConfigError(f"{file}: is no picture")
    image: Image = picture
    return image


def figures(seen: Sequence[Seen], model: str, ms_per_frame: float) -> dict[str, Any]:
    """Return the figures of a model on what it saw; `model` is how it is named, `ms_per_frame` is taken as it is."""
    classes = {label: average_precision(seen, label) for label in EVALUATED}
    positives = [one.score for one in seen if one.sample.positive]
    negatives = [one.score for one in seen if not one.sample.positive]
    return {
        "model": model,
        "n": len(seen),
        "map50": _mean(classes[label].ap50 for label in EVALUATED),
        "map50_95": _mean(classes[label].ap50_95 for label in EVALUATED),
        "classes": {label: _rounded(precision) for label, precision in classes.items()},
        "image": {
            "auc": _round(area_under_curve(positives, negatives)),
            "recall_at_fpr_1pct": _round(recall_at(0.01, positives, negatives)),
            "recall_at_fpr_5pct": _round(recall_at(0.05, positives, negatives)),
        },
        "ms_per_frame": round(ms_per_frame, 2),
    }


def _rounded(precision: Precision) -> dict[str, float | None]:
    return {
        "ap30": _round(precision.ap30),
        "ap50": _round(precision.ap50),
        "ap50_95": _round(precision.ap50_95),
    }


def _mean(values: Iterator[float | None]) -> float | None:
    """Mean of the classes that the set has boxes of."""
    known = [value for value in values if value is not None]
    return _round(sum(known) / len(known)) if known else None


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
