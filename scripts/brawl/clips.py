"""Clips of the brawl set as bursts: which seconds of which file, at what speed, with what label."""

from __future__ import annotations

import csv
import random
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

FPS = 8.0
PICTURES = 16
AUGMENTED = 5
TRAINED_LONG = ("f2:erw_hall", "ivan_v", "ivan_v1", "muh_c3", "intel_car", "f2:wangfujing", "f2:ahm_veh", "f2:ana_lot")
"""Long normal videos that lend bursts to training, by group; all others only decide."""


@dataclass(frozen=True)
class Burst:
    """One burst of a clip. `kind`: plain, augmented, still (one picture repeated), shaken, long, untrimmed."""

    file: str
    group: str
    split: str
    fold: int
    fight: float
    crowd: float
    kind: str
    start_s: float
    speed: float = 1.0
    mirror: bool = False
    jitter: tuple[float, float, float] = (0.0, 0.0, 1.0)
    seed: int = 0


def read_frames(file: Path) -> tuple[list[NDArray[np.uint8]], float]:
    """Return all pictures of a clip, BGR, and their rate."""
    video = cv2.VideoCapture(str(file))
    rate = video.get(cv2.CAP_PROP_FPS) or 12.0
    pictures = []
    while True:
        good, picture = video.read()
        if not good:
            break
        pictures.append(np.asarray(picture, np.uint8))
    video.release()
    return pictures, rate


def pick(pictures: list[NDArray[np.uint8]], rate: float, burst: Burst) -> list[NDArray[np.uint8]]:
    """Return the 16 pictures of a burst by time; what is too short runs back and forth."""
    count = len(pictures)
    chosen = []
    for k in range(PICTURES):
        index = int((burst.start_s + k * burst.speed / FPS) * rate + 0.5)
        period = max(1, 2 * count - 2)
        index %= period
        chosen.append(pictures[index if index < count else period - index])
    if burst.kind == "still":
        chosen = [chosen[0]] * PICTURES
    if burst.kind == "shaken":
        chosen = shake([chosen[0]] * PICTURES if burst.seed % 2 else chosen, burst.seed)
    return [np.ascontiguousarray(p[:, ::-1]) for p in chosen] if burst.mirror else chosen


def shake(pictures: list[NDArray[np.uint8]], seed: int) -> list[NDArray[np.uint8]]:
    """Move the whole picture as a hand or a gust of wind does, with a little noise and gain."""
    rng = np.random.default_rng(seed)
    height, width = pictures[0].shape[:2]
    strength = rng.uniform(0.004, 0.02) * width
    path = np.cumsum(rng.normal(0, 1, (len(pictures), 2)), 0)
    path = (path - path.mean(0)) * strength / 1.5
    moved = []
    for picture, (x, y) in zip(pictures, path, strict=True):
        matrix = np.array([[1.04, 0, x - 0.02 * width], [0, 1.04, y - 0.02 * height]], np.float32)
        one = cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
        one = one * rng.uniform(0.96, 1.04) + rng.normal(0, 2, one.shape)
        moved.append(one.clip(0, 255).astype(np.uint8))
    return moved


def folds(rows: list[dict[str, str]]) -> dict[str, int]:
    """Return the fold 0..4 of each group: the published one, 0 for the second gathering, which has none."""
    return {row["group_id"]: int(row["fold"] or 0) for row in rows}


def clip_bursts(data: Path) -> list[Burst]:
    """Return the bursts of all labelled clips: plain ones a second apart, and augmented ones of training clips."""
    rows = list(csv.DictReader((data / "manifest.csv").open()))
    fold = folds(rows)
    found = []
    for number, row in enumerate(rows):
        rng = random.Random(number)
        duration = float(row["frames"]) / 12
        fight = float(row["label"] == "fight")
        crowd = float(row["group_fight"] == "1")
        base = (row["file"], row["group_id"], row["split"], fold[row["group_id"]], fight, crowd)
        last = max(0.0, duration - PICTURES / FPS + 0.05)
        starts = [min(k * 1.0, last) for k in range(int(last) + 1)]
        if last - starts[-1] > 0.4:
            starts.append(last)
        found += [Burst(*base, "plain", round(start, 3)) for start in starts]
        for k in range(AUGMENTED):
            speed = rng.uniform(0.7, 1.4)
            jitter = (rng.uniform(-0.18, 0.18), rng.uniform(-0.18, 0.18), rng.uniform(0.8, 1.3))
            start = rng.uniform(0, max(0.0, duration - PICTURES / FPS * speed))
            found.append(Burst(*base, "augmented", start, speed, k % 2 == 0, jitter, number * 10 + k))
        if number % 4 == 0:
            none = (*base[:4], 0.0, 0.0)
            start = rng.uniform(0, last)
            found.append(Burst(*none, "still", start, seed=number))
            if not fight:
                found.append(Burst(*none, "shaken", start, seed=2 * number))
            found.append(Burst(*none, "shaken", start, seed=2 * number + 1))
    return found


def long_bursts(data: Path) -> list[Burst]:
    """Return the bursts of the long normal videos and of the untrimmed ones, a second and a half apart."""
    fold = folds(list(csv.DictReader((data / "manifest.csv").open())))
    found = []
    for row in csv.DictReader((data / "hard_negatives.csv").open()):
        base = (row["file"], row["group_id"], row["split"], fold.get(row["group_id"], 0), 0.0, 0.0)
        span = float(row["dur_s"]) - PICTURES / FPS
        for k in range(max(1, int(span / 1.5) + 1)):
            found.append(Burst(*base, "long", k * 1.5))
            if k % 2 and row["group_id"] != "f2:erw_hall":
                found.append(Burst(*base, "long", k * 1.5, (0.6, 1.5, 2.0)[k // 2 % 3], True))
    for row in csv.DictReader((data / "untrimmed.csv").open()):
        base = (row["file"], row["group_id"], row["split"], fold.get(row["group_id"], 0))
        fights = spans(row["fight_intervals_s"])
        unclear = spans(row["ambiguous_s"])
        for k in range(int((float(row["dur_s"]) - PICTURES / FPS) / 1.5) + 1):
            start, end = k * 1.5, k * 1.5 + PICTURES / FPS
            share = sum(max(0.0, min(end, b) - max(start, a)) for a, b in fights) / (end - start)
            if any(min(end, b) - max(start, a) > 0.2 for a, b in unclear) or 0.2 < share < 0.7:
                continue
            found.append(
                Burst(
                    *base,
                    float(share > 0.5),
                    float(share > 0.5 and row["group_id"] == "yard_brawl"),
                    "untrimmed",
                    start,
                )
            )
    return found


def spans(cell: str) -> list[tuple[float, float]]:
    """Read `2.0-46.0;50-60 (remark)` as intervals in s."""
    found = []
    for part in cell.split(";"):
        words = part.split("(")[0].strip()
        if words:
            start, end = words.split("-")
            found.append((float(start), float(end)))
    return found
