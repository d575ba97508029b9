"""What bad pictures cost: `python -m scripts.detector.degrade MODEL.onnx [...] --index RUN/prepared/index.json`.

The evaluation pictures through one fixed degradation at a time: precision, and recall of pictures at the threshold that
gives the undegraded pictures 5 % false positives, with the false positives that threshold then gives.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from scripts.detector.augment import coarse, grey, jpeg, night, noise, rain, shake
from scripts.detector.evaluate import FIRE, SMOKE, Detector, Found, Record, picture_level, precision
from scripts.detector.geometry import Image
from scripts.detector.teacher import read

Change = Callable[[Image], Image]


def _low(image: Image) -> Image:
    """Longest side 160 px and back: a flame seen by a 320x180 camera from twice as far."""
    return coarse(image, max(1.0, max(image.shape[:2]) / 160))


def _small(image: Image) -> Image:
    """320x180, as the smallest street cameras send."""
    return np.asarray(cv2.resize(image, (320, 180), interpolation=cv2.INTER_AREA), np.uint8)


CHANGES: dict[str, Change] = {
    "none": lambda image: image,
    "grey (infrared)": grey,
    "320x180": _small,
    "longest side 160": _low,
    "JPEG quality 20": lambda image: jpeg(image, 20),
    "JPEG quality 10": lambda image: jpeg(image, 10),
    "motion blur 9 px": lambda image: shake(image, 9, 20.0),
    "night: gamma 2.2, gain .7": lambda image: night(image, 2.2, 0.7),
    "glare: gamma .45": lambda image: night(image, 0.45, 1.0),
    "noise sigma 15": lambda image: noise(image, 15.0, np.random.default_rng(0)),
    "rain": lambda image: rain(image, np.random.default_rng(1)),
    "night + noise + JPEG 20": lambda image: jpeg(noise(night(image, 2.0, 0.7), 10.0, np.random.default_rng(0)), 20),
}


def run(detector: Detector, records: Sequence[Record], change: Change) -> dict[str, Found]:
    """Detections in every picture after the change (boxes scaled back where the change alters the size)."""
    found = {}
    for record in records:
        image = read(Path(record["path"]))
        seen = change(image)
        result = detector(seen)
        scale = (image.shape[1] / seen.shape[1], image.shape[0] / seen.shape[0])
        boxes = (result.boxes * np.array((*scale, *scale), np.float32)).astype(np.float32)
        found[record["path"]] = Found(boxes, result.scores, result.kinds, (image.shape[0], image.shape[1]))
    return found


def table(path: Path, records: Sequence[Record]) -> list[str]:
    """Markdown rows, one for each degradation."""
    detector = Detector(path)
    labelled = [r for r in records if r["role"] == "labelled"]
    limit = 0.0
    rows = ["| pictures | fire AP30 | smoke AP30 | recall of pictures | false positives |", "|---|---|---|---|---|"]
    for name, change in CHANGES.items():
        found = run(detector, records, change)
        burning = [found[r["path"]].best() for r in records if r["boxes"]]
        empty = [found[r["path"]].best() for r in records if not r["boxes"]]
        if name == "none":
            limit = picture_level(burning, empty)["threshold_5pct"]
        fire, smoke = precision(labelled, found, FIRE), precision(labelled, found, SMOKE)
        if fire and smoke:
            recall, alarms = float(np.mean(np.array(burning) > limit)), float(np.mean(np.array(empty) > limit))
            rows.append(f"| {name} | {fire['ap30']:.3f} | {smoke['ap30']:.3f} | {recall:.3f} | {alarms:.3f} |")
    return rows


def main() -> None:
    """Print the table of every model."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("models", type=Path, nargs="+")
    p.add_argument("--index", type=Path, default=Path("runs/detector/prepared/index.json"))
    args = p.parse_args()
    records = [r for r in json.loads(args.index.read_text()) if r["split"] != "train"]
    for model in args.models:
        print(model, *table(model, records), sep="\n", flush=True)


if __name__ == "__main__":
    main()
