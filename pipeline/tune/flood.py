"""`siaga eval flood`: what the flood model is worth on labelled streets, as figures and a page of its worst errors."""

import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from pipeline.bus.records import Water
from pipeline.bus.wetness import unpack
from pipeline.detect.runtime import Detector
from pipeline.ops.errors import ModelError
from pipeline.ops.sections import DetectSection
from pipeline.tune.detector import read_picture
from pipeline.tune.detector_scores import area_under_curve, recall_at
from pipeline.tune.error_page import WORST, Section, Shown, reduced, write
from pipeline.tune.flood_data import DEPTHS, Street, read_streets

LABEL = "flood"
WET_COLOUR = (200, 120, 20)
"""BGR that water is tinted with."""


@dataclass(frozen=True)
class Judged:
    """A picture with its score 0..1, its water, and the overlap of the model's water with the mask, if it has one."""

    street: Street
    score: float
    water: Water
    iou: float | None


def evaluate_flood(data: Path, split: str, model: Path, out: Path, page: Path | None = None) -> dict[str, Any]:
    """Score every picture of a split and write the figures to `out`, a page of the worst errors beside it.

    Args:
        data: Folder with `manifest.csv` and its pictures; ambiguous ones are left out.
        split: Split of the manifest, several separated by commas, or `all`.
        model: Model folder (head `scene`), or its `manifest.yaml`.
        out: JSON file to write.
        page: HTML file to write; None puts it beside `out`, with the ending `.html`.

    Returns:
        What was written. Figures are 0..1 and None where the set cannot tell. `accuracy`, `recall` and `fpr` are at the
        model's own `threshold`; `mask_iou` is the mean over pictures with a mask; `depth` over those whose depth is
        known, its confusion as truth -> found -> count; `ms_per_frame` the median from decoded picture to scores.

    Raises:
        ConfigError: The set is not as described.
        ModelError: The model cannot be used, or measures no water.
    """
    streets = read_streets(data, split)
    detector = Detector(model.parent if model.is_file() else model, DetectSection(min_score=0.0))
    judged, times = look_at(detector, streets)
    result = {**figures(judged, detector.thresholds[LABEL]), "ms_per_frame": round(statistics.median(times), 2)}
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    ref = detector.model_ref
    _write_page(page or out.with_suffix(".html"), f"{ref.name} {ref.version} ({ref.sha8})", result, judged)
    return result


def look_at(detector: Detector, streets: Sequence[Street]) -> tuple[list[Judged], list[float]]:
    """Run the model on every picture, one by one; return what it said and the milliseconds each took.

    Raises:
        ConfigError: A picture or mask cannot be read; the message names it.
        ModelError: The model measures no water.
    """
    cv2.setNumThreads(1)
    judged, times = [], []
    for street in streets:
        image = read_picture(street.image)
        start = time.perf_counter()
        seen = detector.detect([image])[0]
        times.append((time.perf_counter() - start) * 1000)
        if seen.water is None:
            raise ModelError(f"model {detector.model_ref.name}: head {detector.manifest.head} measures no water")
        score = max((found.score for found in seen if found.label == LABEL), default=0.0)
        judged.append(Judged(street, score, seen.water, _overlap(street, seen.water)))
    return judged, times


def _overlap(street: Street, water: Water) -> float | None:
    """Return the intersection over union of the model's cells, widened to the picture, with the mask."""
    if street.mask is None:
        return None
    truth = read_picture(street.mask)[..., 0] >= 128
    height, width = truth.shape
    wide: Any = cv2.resize(unpack(water.cells).astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    found = wide > 0
    either = int((truth | found).sum())
    return float((truth & found).sum() / either) if either else 1.0


def figures(judged: Sequence[Judged], threshold: float) -> dict[str, Any]:
    """Return the figures of a set at a threshold."""
    cameras = sorted({one.street.camera for one in judged if one.street.camera})
    return {
        **_scene(judged, threshold),
        "per_camera": {
            camera: _scene([one for one in judged if one.street.camera == camera], threshold) for camera in cameras
        },
        "mask_iou": _mean([one.iou for one in judged if one.iou is not None]),
        "depth": _depth(judged),
    }


def _scene(judged: Sequence[Judged], threshold: float) -> dict[str, Any]:
    """Return the figures of the scene's score."""
    yes = [one.score for one in judged if one.street.flooded]
    no = [one.score for one in judged if not one.street.flooded]
    hits, alarms = sum(score >= threshold for score in yes), sum(score >= threshold for score in no)
    return {
        "n": len(judged),
        "auc": _round(area_under_curve(yes, no)),
        "threshold": threshold,
        "accuracy": _round((hits + len(no) - alarms) / len(judged)) if judged else None,
        "recall": _round(hits / len(yes)) if yes else None,
        "fpr": _round(alarms / len(no)) if no else None,
        "recall_at_fpr_5pct": _round(recall_at(0.05, yes, no)),
    }


def _depth(judged: Sequence[Judged]) -> dict[str, Any]:
    """Return the accuracy of the depth class and truth -> found -> count."""
    known: list[tuple[str, str]] = [
        (DEPTHS[one.street.depth], one.water.depth) for one in judged if one.street.depth is not None
    ]
    confusion = {truth: {found: known.count((truth, found)) for found in DEPTHS} for truth in DEPTHS}
    right = sum(truth == found for truth, found in known)
    return {"accuracy": _round(right / len(known)) if known else None, "confusion": confusion}


def _mean(values: Sequence[float]) -> float | None:
    return _round(statistics.fmean(values)) if values else None


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _write_page(file: Path, model: str, result: dict[str, Any], judged: Sequence[Judged]) -> None:
    """Write the figures, the worst false alarms and the worst misses."""
    alarms = sorted((one for one in judged if not one.street.flooded), key=lambda one: -one.score)[:WORST]
    misses = sorted((one for one in judged if one.street.flooded), key=lambda one: one.score)[:WORST]
    rows = [(key, value) for key, value in result.items() if not isinstance(value, dict)]
    rows.append(("depth accuracy", result["depth"]["accuracy"]))
    write(
        file,
        model,
        "Biru: air menurut model.",
        rows,
        (
            Section("Alarm palsu terburuk", "Tidak banjir, tetapi skornya tinggi.", [*map(_shown, alarms)]),
            Section("Yang paling terlewat", "Banjir, tetapi skornya rendah.", [*map(_shown, misses)]),
        ),
    )


def _shown(one: Judged) -> Shown:
    """Return a picture with its water tinted."""
    image = reduced(read_picture(one.street.image))
    height, width = image.shape[:2]
    wide: Any = cv2.resize(unpack(one.water.cells).astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    tint = np.full_like(image, WET_COLOUR)
    image = np.where(wide[..., None] > 0, (0.6 * image + 0.4 * tint).astype(np.uint8), image)
    return Shown(one.street.file, f"skor {one.score:.3f}, kedalaman {one.water.depth}", image)
