"""`siaga eval brawl`: the temporal model on labelled clips, every clip scored by a head that never saw its scene."""

import csv
import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from pipeline.detect.brawl.temporal import PICTURES, TemporalModel
from pipeline.detect.letterbox import Image
from pipeline.ops.errors import ConfigError
from pipeline.ops.sections import DetectSection
from pipeline.tune.detector_scores import area_under_curve, recall_at

FPS = 8.0
FOLDS = 5
EVEN = 0.5
"""Score from which a clip is called a fight for the accuracy."""


@dataclass(frozen=True)
class Clip:
    """A labelled clip; `fold` 0..4 (0 for the second gathering, which has none of its own)."""

    file: Path
    fight: bool
    split: str
    fold: int


@dataclass(frozen=True)
class Judged:
    """A clip with its score 0..1: the mean over its bursts, a second apart."""

    clip: Clip
    score: float


def read_clips(data: Path, split: str) -> list[Clip]:
    """Return the clips of a split, or of several separated by commas; `all` takes every one.

    Raises:
        ConfigError: The manifest is missing or wrong, or has no clip of the split.
    """
    table, wanted = data / "manifest.csv", set(split.split(","))
    try:
        rows = list(csv.DictReader(table.open(encoding="utf-8")))
        clips = [
            Clip(data / row["file"], row["label"] == "fight", row["split"], int(row["fold"] or 0))
            for row in rows
            if "all" in wanted or row["split"] in wanted
        ]
    except (OSError, KeyError, ValueError) as error:
        raise ConfigError(f"{table}: cannot be used: {error}") from error
    if not clips:
        raise ConfigError(f"{table}: no clip of split {split}")
    return clips


def evaluate_brawl(data: Path, split: str, model: Path, out: Path) -> dict[str, Any]:
    """Score every clip of a split and write the figures to `out`.

    A clip of split `train` is scored by the head of the cross-validation that was trained without its fold, a clip of
    any other split by the shipped head, which never saw it. `all` is the cross-validation over all clips.

    Returns:
        `n`, `auc`, `accuracy`, `recall_at_fpr_5pct`, `ms_per_burst` (median of one thread, from pictures to score) and
        `folds`: the same for each fold by the head trained without it.

    Raises:
        ConfigError: The set is not as described.
        ModelError: The model cannot be used.
    """
    cv2.setNumThreads(1)
    temporal = TemporalModel(model, DetectSection())
    whole, own, times = [], [], []
    for clip in read_clips(data, split):
        shipped, folds, took = score_clip(temporal, clip.file)
        by_fold = folds[clip.fold] if clip.fold < len(folds) else shipped
        own.append(Judged(clip, by_fold))
        whole.append(Judged(clip, by_fold if clip.split == "train" or split == "all" else shipped))
        times += took
    parts = [(fold, [one for one in own if one.clip.fold == fold]) for fold in range(FOLDS)]
    result = {
        **figures(whole),
        "ms_per_burst": round(statistics.median(times), 1),
        "folds": [{"fold": fold, **figures(part)} for fold, part in parts if part],
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return result


def score_clip(model: TemporalModel, file: Path) -> tuple[float, tuple[float, ...], list[float]]:
    """Return the shipped head's score, those of the fold heads, and the ms each burst took."""
    pictures, rate = read_pictures(file)
    seen, times = [], []
    for start in starts(len(pictures) / rate):
        burst = [pictures[min(len(pictures) - 1, int((start + k / FPS) * rate + 0.5))] for k in range(PICTURES)]
        began = time.perf_counter()
        seen.append(model.score(burst))
        times.append((time.perf_counter() - began) * 1000)
    folds = np.mean([[_logit(value) for value in one.folds] for one in seen], 0)
    shipped = float(np.mean([_logit(one.fight) for one in seen]))
    return _sigmoid(shipped), tuple(_sigmoid(float(value)) for value in np.atleast_1d(folds)), times


def starts(duration_s: float) -> list[float]:
    """Return the seconds at which bursts of a clip begin: one a second, and the last one at its end."""
    last = max(0.0, duration_s - PICTURES / FPS + 0.05)
    found = [float(second) for second in range(int(last) + 1)]
    return [*found, last] if last - found[-1] > 0.4 else found


def read_pictures(file: Path) -> tuple[list[Image], float]:
    """Return all pictures of a clip and their rate a second.

    Raises:
        ConfigError: It cannot be read.
    """
    video = cv2.VideoCapture(str(file))
    rate = float(video.get(cv2.CAP_PROP_FPS)) or 12.0
    pictures: list[Image] = []
    while True:
        good, picture = video.read()
        if not good:
            break
        pictures.append(np.asarray(picture, np.uint8))
    video.release()
    if not pictures:
        raise ConfigError(f"{file}: no picture can be read")
    return pictures, rate


def figures(judged: Sequence[Judged]) -> dict[str, Any]:
    """Return `n`, `auc`, `accuracy` and `recall_at_fpr_5pct`; None where a class is missing."""
    yes = [one.score for one in judged if one.clip.fight]
    no = [one.score for one in judged if not one.clip.fight]
    right = sum(score >= EVEN for score in yes) + sum(score < EVEN for score in no)
    return {
        "n": len(judged),
        "auc": _round(area_under_curve(yes, no)),
        "accuracy": round(right / len(judged), 4) if judged else None,
        "recall_at_fpr_5pct": _round(recall_at(0.05, yes, no)),
    }


def _logit(score: float) -> float:
    clipped = min(1 - 1e-6, max(1e-6, score))
    return float(np.log(clipped / (1 - clipped)))


def _sigmoid(value: float) -> float:
    return float(1 / (1 + np.exp(-value)))


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
