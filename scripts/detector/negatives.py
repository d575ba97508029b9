"""Frames of the brawl and flood sets as pictures without fire and smoke.

Frames come from clips of the split asked for only. Sources that also lend pictures to the evaluation splits of the
fire set are left out of training, so that no evaluated scene is trained on.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from scripts.detector.geometry import Image

LONGEST = 400


@dataclass(frozen=True)
class Negative:
    """One picture without fire and smoke: name, where it came from, its scene, its sampling weight."""

    name: str
    image: Image
    source: str
    scene: str
    weight: float


def read_csv(path: Path) -> list[dict[str, str]]:
    """All rows of a CSV with a header."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def frames_of(path: Path, count: int) -> Iterator[tuple[int, Image]]:
    """At most `count` frames spread evenly over a clip, as (frame number, BGR picture)."""
    capture = cv2.VideoCapture(str(path))
    total = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    wanted = set(np.linspace(0, max(0, total - 1), count + 2).round().astype(int)[1:-1].tolist())
    for number in range(total):
        if not capture.grab():
            break
        if number in wanted:
            ok, frame = capture.retrieve()
            if ok:
                yield number, np.asarray(frame, np.uint8)
    capture.release()


def shrink(image: Image) -> Image:
    """Longest side at most 400 px, as the fire set's own pictures."""
    ratio = LONGEST / max(image.shape[:2])
    if ratio >= 1:
        return image
    size = (round(image.shape[1] * ratio), round(image.shape[0] * ratio))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def evaluated_sources(fire: Path) -> set[str]:
    """Stems of the source files that pictures of val and val_scene were taken from (`nofi010`, `fi001`, ...)."""
    rows = read_csv(fire / "manifest.csv")
    return {_stem(row["source_path"]) for row in rows if row["split"] != "train"}


def _stem(source_path: str) -> str:
    """The clip or picture a source path names.

    `frame of fight_fi001_t.jpg`, `fight/fi001.mp4@0.7s` and `fi001.mp4` are all `fi001`; others give their plain stem.
    """
    stem = Path(source_path.split("@")[0]).stem
    return re.sub(r"^frame of (no)?fight_(.*?)(_t)?$", r"\2", stem, flags=re.IGNORECASE)


def clip_negatives(brawl: Path, split: str, barred: set[str], many: int = 1) -> Iterator[Negative]:
    """Frames of the brawl set's clips: two of a short clip, up to 16 of a long one (6 where one corridor repeats).

    `many` multiplies these numbers.
    """
    rows = [(row, 2) for row in read_csv(brawl / "manifest.csv")]
    rows += [(row, 16) for row in read_csv(brawl / "hard_negatives.csv")]
    rows += [(row, 8) for row in read_csv(brawl / "untrimmed.csv")]
    groups = {row["group_id"] for row, _ in rows if _stem(row["source_path"]) in barred}
    for row, count in rows:
        if row["split"] != split or row["group_id"] in groups:
            continue
        corridor = row["group_id"] == "f2:erw_hall"
        weight = 0.25 if corridor else 0.8
        name = row["file"].replace("/", "_").rsplit(".", 1)[0]
        for number, frame in frames_of(brawl / row["file"], many * (min(count, 6) if corridor else count)):
            yield Negative(f"brawl_{name}_{number:05d}", shrink(frame), "brawl/" + row["file"], row["group_id"], weight)


def flood_negatives(flood: Path, splits: set[str], barred: set[str], step: int = 1) -> Iterator[Negative]:
    """Pictures of the flood set (every `step`-th of the flooded ones, all of the dry ones), aerial views left out."""
    rows = [row for row in read_csv(flood / "manifest.csv") if row["split"] in splits and row["viewpoint"] != "aerial"]
    for number, row in enumerate(rows):
        if _stem(row["source_path"]) in barred or (row["label"] == "flood" and number % step):
            continue
        image = cv2.imread(str(flood / row["file"]))
        if image is not None:
            name = "flood_" + Path(row["file"]).stem
            yield Negative(name, shrink(np.asarray(image, np.uint8)), "flood/" + row["file"], row["camera"], 0.6)
