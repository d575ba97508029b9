"""One prepared data set for training: `index.json`, the extra negatives' pictures and `labels_fixed/`.

The index holds a record per picture: path, split, role, scene, weight, quality, whether smoke is annotated, boxes
(class, x1, y1, x2, y2 in pixels), ignored regions, and the teacher's person boxes (x1, y1, x2, y2, score).
`labels_fixed/` holds the corrected YOLO text of every training picture whose labels changed.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from scripts.detector.corrections import Correction, Labels, apply, read_corrections
from scripts.detector.geometry import Floats, Image
from scripts.detector.negatives import clip_negatives, evaluated_sources, flood_negatives, read_csv
from scripts.detector.teacher import Teacher, read

Record = dict[str, Any]


def yolo_boxes(path: Path, width: int, height: int) -> Floats:
    """A YOLO text file -> `[N, 5]` class, x1, y1, x2, y2 in px, clipped to the picture.

    A missing file has no boxes.
    """
    rows = []
    for line in path.read_text().splitlines() if path.exists() else ():
        parts = line.split()
        if len(parts) == 5:
            kind, x, y, w, h = map(float, parts)
            corners = ((x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height)
            rows.append([kind, *np.clip(corners, 0, (width, height, width, height))])
    return np.array(rows, np.float32).reshape(-1, 5)


def yolo_text(boxes: Floats, width: int, height: int) -> str:
    """The inverse of `yolo_boxes`."""
    lines = []
    for kind, x1, y1, x2, y2 in boxes:
        centre = ((x1 + x2) / 2 / width, (y1 + y2) / 2 / height)
        lines.append(f"{int(kind)} {centre[0]:.6f} {centre[1]:.6f} {(x2 - x1) / width:.6f} {(y2 - y1) / height:.6f}\n")
    return "".join(lines)


def quality_of(row: dict[str, str]) -> float:
    """How far a box of this picture is trusted, 0..1: A 1.0, B .8 (loose), C .45 (coarse forest, some fog as smoke)."""
    grade = row["box_quality"][:1]
    return {"C": 0.45, "B": 0.8}.get(grade, 1.0)


def weight_of(row: dict[str, str]) -> float:
    """Sampling weight: street-like smoke and hand-made pictures up, coarse forest down."""
    if row["box_quality"].startswith("C"):
        return 0.6
    if row["file"].startswith("x2_") and row["content"] != "none":
        return 2.0
    return {"fire+smoke": 1.6, "smoke": 1.2, "none": 0.8}.get(row["content"], 1.0)


def fire_records(fire: Path, fixes: dict[str, list[Correction]], out: Path) -> Iterator[tuple[Record, Image]]:
    """Pictures of the fire set with corrected training labels; evaluation splits keep their original labels."""
    for row in read_csv(fire / "manifest.csv"):
        path = fire / "images" / row["file"]
        image = read(path)
        height, width = image.shape[:2]
        boxes = yolo_boxes(fire / "labels" / f"{path.stem}.txt", width, height)
        labels = Labels(boxes, smoke_unlabelled=row["labelled_classes"] == "fire")
        if row["split"] == "train" and row["file"] in fixes:
            labels = apply(labels, fixes[row["file"]], row["file"])
            (out / "labels_fixed" / f"{path.stem}.txt").write_text(yolo_text(labels.boxes, width, height))
        if labels.dropped:
            continue
        yield (
            {
                "path": str(path),
                "split": row["split"],
                "role": "labelled",
                "scene": row["scene_group"],
                "weight": weight_of(row),
                "quality": quality_of(row),
                "smoke_unlabelled": labels.smoke_unlabelled,
                "boxes": labels.boxes.tolist(),
                "ignored": labels.ignored,
            },
            image,
        )


def negative_records(data: Path, out: Path, dropped: set[str]) -> Iterator[tuple[Record, Image]]:
    """Frames and pictures of the other sets, written as JPEG under `negatives/`."""
    barred = evaluated_sources(data / "fire_smoke")
    parts = [
        ("train", clip_negatives(data / "brawl", "train", barred)),
        ("train", flood_negatives(data / "flood", {"train"}, barred, step=3)),
        ("val", clip_negatives(data / "brawl", "val", set())),
        ("val", flood_negatives(data / "flood", {"val", "val_cctv"}, set())),
    ]
    for split, source in parts:
        for item in source:
            path = out / "negatives" / split / f"{item.name}.jpg"
            if path.name in dropped:
                continue
            cv2.imwrite(str(path), item.image, [cv2.IMWRITE_JPEG_QUALITY, 92])
            yield (
                {
                    "path": str(path),
                    "split": split,
                    "role": "negative",
                    "scene": item.scene,
                    "weight": item.weight,
                    "quality": 1.0,
                    "smoke_unlabelled": False,
                    "boxes": [],
                    "ignored": [],
                },
                item.image,
            )


def prepare(data: Path, weights: Path, corrections: Path, out: Path) -> Path:
    """Write the prepared set under `out` and return the index's path. Teacher boxes are reused from an earlier run."""
    for folder in ("labels_fixed", "negatives/train", "negatives/val"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    index = out / "index.json"
    known = {r["path"]: r["people"] for r in json.loads(index.read_text())} if index.exists() else {}
    fixes = read_corrections(corrections)
    dropped = {name for name, rows in fixes.items() if any(row.action == "drop" for row in rows)}
    teacher = Teacher(weights / "yolox_nano_coco_416.onnx")
    records = []
    sources = chain(fire_records(data / "fire_smoke", fixes, out), negative_records(data, out, dropped))
    for record, image in tqdm(sources, desc="person boxes", unit="picture"):
        people = known.get(record["path"])
        record["people"] = teacher.people(image).round(3).tolist() if people is None else people
        records.append(record)
    index.write_text(json.dumps(records))
    print(f"{len(records)} pictures:", dict(Counter((r["split"], r["role"]) for r in records)))
    return index
