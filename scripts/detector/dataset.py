"""Training pictures in memory and how one augmented sample is made of them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from scripts.detector.augment import camera
from scripts.detector.geometry import PAD, Floats, Image, iou
from scripts.detector.paste import FIRE, SMOKE, Paster, cut_flame, cut_smoke
from scripts.detector.render import Rng, Sprite, lamps, street
from scripts.detector.teacher import read

PERSON = 2
ANY = -1.0
SURE = 0.45
PERSON_TRUST = 0.5  # people are many and known already: fire and smoke should lead the descent
MOST_LABELS = 28
MOST_REGIONS = 24
SMALLEST = 3.0
MOSAIC = 0.5
PASTE_NEGATIVE = 0.22
PASTE_LABELLED = 0.04
DRAWN = 0.04
LAMPS = 0.18


@dataclass
class Item:
    """A picture with its labels and sampling weight.

    `labels` `[n, 6]`: class, x1, y1, x2, y2, trust; `regions` without loss `[m, 5]`: class or -1, box.
    """

    image: Image
    labels: Floats
    regions: Floats
    weight: float = 1.0
    clean: bool = False
    name: str = ""


@dataclass
class Sample:
    """A canvas `[S, S, 3]` uint8 with labels and regions in its pixels (as in `Item`)."""

    canvas: Image
    labels: list[Floats] = field(default_factory=list)
    regions: list[Floats] = field(default_factory=list)


def item_of(record: dict[str, Any]) -> Item:
    """An index record as an item. The teacher's sure people become labels, its unsure ones regions."""
    image = read(Path(record["path"]))
    height, width = image.shape[:2]
    boxes = np.array(record["boxes"], np.float32).reshape(-1, 5)
    people = np.array(record["people"], np.float32).reshape(-1, 5)
    burning = iou(people[:, :4], boxes[boxes[:, 0] == FIRE, 1:]).max(1, initial=0) > 0.4
    sure = (people[:, 4] >= SURE) & ~burning
    trust = np.full((len(boxes), 1), record["quality"], np.float32)
    crowd = np.concatenate(
        (np.full((sure.sum(), 1), PERSON), people[sure, :4], np.full((sure.sum(), 1), PERSON_TRUST)), 1
    )
    labels = np.concatenate((np.concatenate((boxes, trust), 1), crowd)).astype(np.float32)
    regions = [[float(PERSON), *p[:4]] for p in people[~sure]]
    regions += [[ANY, *box] for box in record["ignored"]]
    if record["smoke_unlabelled"]:
        regions.append([float(SMOKE), 0, 0, width, height])
    weight, clean = float(record["weight"]), not len(boxes) and not record["smoke_unlabelled"]
    return Item(image, labels, np.array(regions, np.float32).reshape(-1, 5), weight, clean, Path(record["path"]).name)


def sprites(items: list[Item], rng: Rng) -> tuple[list[Sprite], list[Sprite]]:
    """Flames and smoke cut from the labelled boxes of trusted pictures."""
    flames, smokes = [], []
    for item in items:
        area = item.image.shape[0] * item.image.shape[1]
        for kind, *corners, trust in item.labels:
            x1, y1, x2, y2 = (int(v) for v in corners)
            if trust < 0.7 or min(x2 - x1, y2 - y1) < 22:
                continue
            patch = item.image[y1:y2, x1:x2]
            if kind == FIRE and (x2 - x1) * (y2 - y1) < 0.5 * area:
                cut = cut_flame(patch)
                if cut is not None:
                    flames.append(cut)
            elif kind == SMOKE and (x2 - x1) * (y2 - y1) < 0.6 * area:
                smokes.append(cut_smoke(patch, rng))
    return flames, smokes


def _moved(
    boxes: Floats, scale: tuple[float, float], shift: tuple[int, int], clip: tuple[int, int, int, int]
) -> Floats:
    """Boxes `[n, 4]` scaled, shifted and clipped."""
    boxes = boxes * np.array((*scale, *scale), np.float32) + np.array((*shift, *shift), np.float32)
    return np.stack([boxes[:, k].clip(clip[k % 2], clip[2 + k % 2]) for k in range(4)], 1).astype(np.float32)


class Dataset:
    """All training pictures of an index, ready to be drawn from."""

    def __init__(self, index: Path, rng: Rng) -> None:
        records = [r for r in json.loads(index.read_text()) if r["split"] == "train"]
        self.items = [item_of(record) for record in records]
        self.weights = np.array([item.weight for item in self.items])
        self._paster = Paster(*sprites(self.items, rng), rng)
        self._streets = [street(rng) for _ in range(220)]

    def draw(self, rng: Rng) -> int:
        """The number of a picture, drawn by weight."""
        return int(rng.choice(len(self.items), p=self.weights / self.weights.sum()))

    def order(self, rng: Rng) -> list[int]:
        """One epoch: every picture about as often as its weight says, shuffled."""
        times = np.floor(self.weights + rng.random(len(self.weights))).astype(int)
        return [int(i) for i in rng.permutation(np.repeat(np.arange(len(self.items)), times))]

    def _source(self, number: int, rng: Rng) -> Item:
        """The picture, or now and then a drawn street, with fire or smoke laid onto some of those that have none."""
        item = self.items[number]
        drawn = rng.random() < DRAWN
        if drawn:
            item = Item(
                self._streets[int(rng.integers(len(self._streets)))],
                np.zeros((0, 6), np.float32),
                np.zeros((0, 5), np.float32),
                clean=True,
            )
        image, labels = item.image, item.labels
        if item.clean and rng.random() < LAMPS:
            glowing = image.astype(np.float32)
            lamps(glowing, rng)
            image = np.asarray(glowing.clip(0, 255), np.uint8)
        if rng.random() < (0.5 if drawn else PASTE_NEGATIVE if item.clean else PASTE_LABELLED):
            image, added = self._paster.add(image, rng, drawn_only=drawn and rng.random() < 0.6)
            extra = np.array([[*row, 0.8] for row in added], np.float32).reshape(-1, 6)
            labels = np.concatenate((labels, extra))
        return Item(image, labels, item.regions, item.weight, item.clean)

    def _place(
        self, sample: Sample, item: Item, box: tuple[int, int, int, int], rng: Rng, scale: tuple[float, float]
    ) -> None:
        """Put a picture, scaled at random, into a rectangle of the canvas, with its labels and regions."""
        height, width = item.image.shape[:2]
        x0, y0, room_x, room_y = box[0], box[1], box[2] - box[0], box[3] - box[1]
        ratio = min(room_x / width, room_y / height) * rng.uniform(*scale)
        stretch = float(np.exp(rng.uniform(-0.14, 0.14)))
        size = (max(8, round(width * ratio * stretch)), max(8, round(height * ratio / stretch)))
        image = cv2.resize(item.image, size, interpolation=cv2.INTER_AREA if ratio < 1 else cv2.INTER_LINEAR)
        labels, regions = item.labels.copy(), item.regions.copy()
        if rng.random() < 0.5:
            image = image[:, ::-1]
            labels[:, [1, 3]], regions[:, [1, 3]] = width - labels[:, [3, 1]], width - regions[:, [3, 1]]
        dx, dy = (
            int(rng.integers(min(0, room - n), max(0, room - n) + 1))
            for room, n in zip((room_x, room_y), size, strict=True)
        )
        left, top, right, bottom = max(0, dx), max(0, dy), min(room_x, dx + size[0]), min(room_y, dy + size[1])
        sample.canvas[y0 + top : y0 + bottom, x0 + left : x0 + right] = image[
            top - dy : bottom - dy, left - dx : right - dx
        ]
        clip = (x0 + left, y0 + top, x0 + right, y0 + bottom)
        factors, shift = (size[0] / width, size[1] / height), (x0 + dx, y0 + dy)
        self._keep(sample, labels, _moved(labels[:, 1:5], factors, shift, clip), factors)
        regions[:, 1:] = _moved(regions[:, 1:], factors, shift, clip)
        sample.regions.append(regions[(regions[:, 3] > regions[:, 1]) & (regions[:, 4] > regions[:, 2])])

    def _keep(self, sample: Sample, labels: Floats, moved: Floats, factors: tuple[float, float]) -> None:
        """Labels still mostly visible stay; a cut or tiny rest becomes a region without loss."""
        before = (labels[:, 3] - labels[:, 1]) * (labels[:, 4] - labels[:, 2]) * factors[0] * factors[1]
        width, height = moved[:, 2] - moved[:, 0], moved[:, 3] - moved[:, 1]
        seen = width * height / np.maximum(before, 1e-6)
        whole = (width >= SMALLEST) & (height >= SMALLEST) & (seen > 0.3)
        rest = ~whole & (width > 0) & (height > 0)
        sample.labels.append(np.concatenate((labels[whole, :1], moved[whole], labels[whole, 5:]), 1))
        sample.regions.append(np.concatenate((np.full((rest.sum(), 1), ANY), moved[rest]), 1).astype(np.float32))

    def sample(self, number: int, size: int, rng: Rng, mosaic: bool) -> Sample:
        """One training sample of `size` px around picture `number`; a mosaic of four for some when `mosaic`."""
        sample = Sample(np.full((size, size, 3), PAD, np.uint8))
        if mosaic and rng.random() < MOSAIC:
            x, y = (int(v) for v in rng.integers(int(0.35 * size), int(0.65 * size) + 1, 2))
            rooms = ((0, 0, x, y), (x, 0, size, y), (0, y, x, size), (x, y, size, size))
            for room, other in zip(rooms, (number, self.draw(rng), self.draw(rng), self.draw(rng)), strict=True):
                self._place(sample, self._source(other, rng), room, rng, (0.8, 1.8))
        else:
            self._place(sample, self._source(number, rng), (0, 0, size, size), rng, (0.6, 1.3))
        sample.canvas = camera(sample.canvas, rng, mild=not mosaic)
        return sample


def padded(samples: list[Sample]) -> tuple[Floats, Floats]:
    """A batch's labels and regions, padded with zeros.

    Labels `[B, G, 7]` (valid, class, x1, y1, x2, y2, trust), regions `[B, R, 6]` (valid, class or -1, box).
    """
    labels = np.zeros((len(samples), MOST_LABELS, 7), np.float32)
    regions = np.zeros((len(samples), MOST_REGIONS, 6), np.float32)
    for row, sample in enumerate(samples):
        found, around = np.concatenate(sample.labels), np.concatenate(sample.regions)
        found, around = found[np.argsort(found[:, 0], kind="stable")][:MOST_LABELS], around[:MOST_REGIONS]
        labels[row, : len(found), 0], labels[row, : len(found), 1:] = 1, found
        regions[row, : len(around), 0], regions[row, : len(around), 1:] = 1, around
    return labels, regions
