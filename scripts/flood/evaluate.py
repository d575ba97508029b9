"""Figures of a flood network in training: AUC and recall at 5 % false positives on each split, mask IoU on masks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.tune.detector_scores import area_under_curve, recall_at
from scripts.flood.feed import SIZE, Source
from scripts.flood.prepare import Item
from scripts.flood.water import Image

Scores = NDArray[np.float64]
Look = Callable[[Image], Scores]
"""Pictures `[N, 192, 320, 3]` BGR uint8 -> flood scores `[N]`."""


@dataclass(frozen=True)
class Figures:
    """Area under the ROC curve and recall at 5 % false positives."""

    auc: float
    recall: float


def figures(positive: Sequence[float], negative: Sequence[float]) -> Figures:
    """Compare the scores of floods with those of dry pictures.

    Raises:
        ValueError: A side is empty.
    """
    auc, recall = area_under_curve(positive, negative), recall_at(0.05, positive, negative)
    if auc is None or recall is None:
        raise ValueError("a split needs pictures with and without flood")
    return Figures(auc, recall)


def batches(source: Source, items: Sequence[Item], size: int = 24) -> Iterator[tuple[Sequence[Item], Image]]:
    """The items with their pictures, stretched to the network's size."""
    for start in range(0, len(items), size):
        some = items[start : start + size]
        yield some, np.stack([cv2.resize(source.read(i.path), SIZE, interpolation=cv2.INTER_AREA) for i in some])


def scores(source: Source, items: Sequence[Item], look: Look) -> Scores:
    """The flood scores of items, in their order."""
    return np.concatenate([look(pictures) for _, pictures in batches(source, items)])


def splits(source: Source, look: Look) -> dict[str, Figures]:
    """Figures on val, on val_cctv, and of the floods of val_cctv against every dry picture that training never saw."""
    found = {}
    for split in ("val", "val_cctv", "dry_val"):
        items = [item for item in source.items if item.split == split]
        found[split] = (np.array([item.label for item in items]), scores(source, items, look))
    result = {split: figures(list(s[y == 1]), list(s[y == 0])) for split, (y, s) in found.items() if split != "dry_val"}
    (y, s), dry = found["val_cctv"], found["dry_val"][1]
    result["cctv_wide"] = figures(list(s[y == 1]), [*s[y == 0], *dry])
    return result
