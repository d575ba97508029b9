"""Label corrections kept as text: `scripts/label_fixes/corrections.csv` (file, action, class, box, reason).

Actions: `remove` (the label of that class that overlaps the box most, IoU >= .5), `add` (a label), `ignore` (no loss
inside the box), `replace` (all labels of the class by this box), `unlabelled_smoke` (smoke is not annotated in the
picture), `drop` (not for training). Boxes are "x1 y1 x2 y2" in pixels of the picture.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from scripts.detector.geometry import CLASSES, Floats, iou
from scripts.detector.negatives import read_csv

ACTIONS = ("remove", "add", "ignore", "replace", "unlabelled_smoke", "drop")


@dataclass
class Labels:
    """Labels of one picture: rows of class, x1, y1, x2, y2 in pixels; regions without loss; what became of it."""

    boxes: Floats
    ignored: list[list[float]] = field(default_factory=list)
    smoke_unlabelled: bool = False
    dropped: bool = False


@dataclass(frozen=True)
class Correction:
    """One row of the list. `kind` is the class index or -1, `box` is empty where the action needs none."""

    action: str
    kind: int
    box: tuple[float, ...]


def read_corrections(path: Path) -> dict[str, list[Correction]]:
    """Corrections by picture file; raises ValueError naming the line where an action, class or box is wrong."""
    found: dict[str, list[Correction]] = defaultdict(list)
    for line, row in enumerate(read_csv(path), 2):
        box = tuple(float(v) for v in row["box"].split())
        kind = CLASSES.index(row["class"]) if row["class"] in CLASSES else -1
        needs_box = row["action"] in ("remove", "add", "ignore", "replace")
        if row["action"] not in ACTIONS or (needs_box and len(box) != 4):
            raise ValueError(f"{path}:{line}: bad action or box: {row}")
        if row["action"] in ("remove", "add", "replace") and kind < 0:
            raise ValueError(f"{path}:{line}: unknown class {row['class']!r}")
        found[row["file"]].append(Correction(row["action"], kind, box))
    return dict(found)


def apply(labels: Labels, corrections: list[Correction], name: str) -> Labels:
    """`labels` after all corrections, in order; raises ValueError if a label to be removed is not there."""
    for fix in corrections:
        box = np.array([fix.box], np.float32)
        if fix.action == "remove":
            labels.boxes = _without(labels.boxes, fix, name)
        elif fix.action == "replace":
            labels.boxes = labels.boxes[labels.boxes[:, 0] != fix.kind]
        elif fix.action == "ignore":
            labels.ignored.append(list(fix.box))
        elif fix.action == "unlabelled_smoke":
            labels.smoke_unlabelled = True
        elif fix.action == "drop":
            labels.dropped = True
        if fix.action in ("add", "replace"):
            row = np.concatenate((np.full((1, 1), fix.kind, np.float32), box), 1)
            labels.boxes = np.concatenate((labels.boxes, row))
    return labels


def _without(boxes: Floats, fix: Correction, name: str) -> Floats:
    """Rows without the one of the class that overlaps the correction's box most."""
    same = np.flatnonzero(boxes[:, 0] == fix.kind)
    overlap = iou(boxes[same, 1:], np.array([fix.box], np.float32))[:, 0]
    if not len(overlap) or overlap.max() < 0.5:
        raise ValueError(f"{name}: no {CLASSES[fix.kind]} label at {fix.box}")
    return np.delete(boxes, same[overlap.argmax()], 0)
