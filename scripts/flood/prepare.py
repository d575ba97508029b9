"""The list of training and validation pictures: `index.json`, and pictures cut from clips beside it.

Three kinds of pictures: *labelled* (the flood set), *dry* (normal street and CCTV pictures of the other sets: a street
without flood, which training may also put under drawn water) and *aerial* (masks only).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
from tqdm import tqdm

from pipeline.tune.flood_data import depth_of

LONGEST = 512
EVERY_S = 6.0
MOST_OF_A_CLIP = 14
FIRE_SOURCES = ("seymanurakti", "udacity", "thanhNgan13", "Hahalong4896", "ivanmonteiro", "13222093", "embedded-final")
"""Sources of the fire set whose pictures without fire show streets and halls, none of them flooded."""


@dataclass(frozen=True)
class Item:
    """One picture. `label` 1 flood, 0 none, -1 unknown; `depth` 0..3, -1 unknown; `water`: view with normal water."""

    path: str
    role: str
    split: str
    label: int
    depth: int = -1
    mask: str = ""
    water: bool = False
    camera: str = ""


def rows(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def labelled(folder: Path) -> Iterator[Item]:
    """The flood set; what is ambiguous is left out."""
    for row in rows(folder / "manifest.csv"):
        if row["label"] == "ambiguous":
            continue
        aerial = row["viewpoint"] == "aerial"
        label = int(row["label"] == "flood")
        depth = depth_of(row["note"], bool(label))
        yield Item(
            path=str(folder / row["file"]),
            role="aerial" if aerial else "labelled",
            split="train" if row["split"] == "aerial" else row["split"],
            label=-1 if aerial else label,
            depth=-1 if aerial or depth is None else depth,
            mask=str(folder / row["mask"]) if row["mask"] else "",
            water=row["viewpoint"] in {"water", "river", "river/landscape"},
            camera=row["camera"],
        )


def frames(clip: Path, every_s: float = EVERY_S, most: int = MOST_OF_A_CLIP) -> Iterator[cv2.typing.MatLike]:
    """Pictures of a clip, evenly spread."""
    capture = cv2.VideoCapture(str(clip))
    rate = capture.get(cv2.CAP_PROP_FPS) or 10.0
    total = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    step = max(int(rate * every_s), total // most, 1)
    number = 0
    while capture.grab():
        if number % step == step // 2 or total <= step:
            good, picture = capture.retrieve()
            if good:
                yield picture
            if total <= step:
                break
        number += 1
    capture.release()


def dry_clips(data: Path) -> Iterator[tuple[Path, str]]:
    """Normal clips of the brawl set with their split."""
    for name in ("manifest.csv", "hard_negatives.csv"):
        for row in rows(data / "brawl" / name):
            if row["label"] == "normal":
                yield data / "brawl" / row["file"], row["split"]


def shrunk(picture: cv2.typing.MatLike) -> cv2.typing.MatLike:
    """A picture with its longest side at most `LONGEST` px."""
    scale = LONGEST / max(picture.shape[:2])
    if scale >= 1:
        return picture
    return cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def dry(data: Path, out: Path) -> Iterator[Item]:
    """Streets and halls without flood, of the other two sets."""
    out.mkdir(parents=True, exist_ok=True)
    for clip, split in tqdm(list(dry_clips(data)), desc="clips"):
        for number, picture in enumerate(frames(clip)):
            path = out / f"{clip.stem}_{number:02d}.jpg"
            cv2.imwrite(str(path), shrunk(picture), [cv2.IMWRITE_JPEG_QUALITY, 92])
            yield Item(str(path), "dry", "train" if split == "train" else "dry_val", 0, 0, camera=clip.stem)
    folder = data / "fire_smoke"
    for row in rows(folder / "manifest.csv"):
        if row["content"] == "none" and row["source_repo"].startswith(FIRE_SOURCES):
            split = "train" if row["split"] == "train" else "dry_val"
            yield Item(str(folder / "images" / row["file"]), "dry", split, 0, 0, camera=row["scene_group"])


def prepare(data: Path, out: Path) -> Path:
    """Write `out/index.json`; returns it."""
    items = [*labelled(data / "flood"), *dry(data, out / "dry")]
    target = out / "index.json"
    target.write_text(json.dumps([asdict(item) for item in items], indent=0), encoding="utf-8")
    return target
