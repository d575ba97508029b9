"""Samples and batches: made by a process of its own, so that augmentation costs the training thread nothing."""

from __future__ import annotations

import json
import multiprocessing as mp
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from scripts.flood.augment import camera, crop
from scripts.flood.prepare import Item, shrunk
from scripts.flood.water import Floats, Image, Rng, Street, wet_road

SIZE = (320, 192)
STRIDE = 8
AHEAD = 10
AERIAL_SHARE = 0.25
WEAK = 0.25
"""Weight of a mask that is guessed: the lower third of a flood photo is water, its sky is not."""
EXACT = 1.0
LEAST_DRAWN = 0.06
UNKNOWN = -1.0


@dataclass(frozen=True)
class Recipe:
    """What the ablation turns on and off.

    `camera`: strength 0..1 of the camera degradations; `dry`: dry pictures of other sets an epoch; `drawn`: the share
    of these that are put under drawn water; `wet`: the share of streets without flood that are made wet as by rain.
    """

    camera: float = 1.0
    dry: int = 800
    drawn: float = 0.4
    wet: float = 0.35


@dataclass(frozen=True)
class Sample:
    """One picture `[192, 320, 3]` with label, depth (-1 unknown), mask `[24, 40]` 0..1 and the mask's weights."""

    picture: Image
    label: float
    depth: int
    mask: Floats
    weight: Floats


@dataclass(frozen=True)
class Batch:
    """Samples stacked; `last`: the last batch of its epoch."""

    pictures: Image
    labels: Floats
    depths: NDArray[np.int64]
    masks: Floats
    weights: Floats
    last: bool


class Source:
    """The pictures of an index, kept compressed in memory."""

    def __init__(self, index: Path) -> None:
        self.items = [Item(**fields) for fields in json.loads(index.read_text(encoding="utf-8"))]
        self._bytes: dict[str, NDArray[np.uint8]] = {}

    def read(self, path: str, flag: int = cv2.IMREAD_COLOR) -> Image:
        """Decode a picture, its longest side at most 512 px."""
        if path not in self._bytes:
            picture = cv2.imread(path, flag)
            if picture is None:
                raise ValueError(f"{path}: not a picture")
            kind = [".jpg", [cv2.IMWRITE_JPEG_QUALITY, 95]] if flag == cv2.IMREAD_COLOR else [".png", []]
            self._bytes[path] = cv2.imencode(kind[0], shrunk(picture), kind[1])[1]  # type: ignore[call-overload]
        return np.asarray(cv2.imdecode(self._bytes[path], flag), np.uint8)

    def order(self, rng: Rng, recipe: Recipe) -> list[Item]:
        """The items of one epoch, shuffled."""
        train = [item for item in self.items if item.split == "train"]
        dry = [item for item in train if item.role == "dry"]
        aerial = [item for item in train if item.role == "aerial"]
        chosen = [item for item in train if item.role == "labelled"]
        chosen += [item for item in chosen if item.label == 0]  # half as many as floods: twice
        chosen += [dry[i] for i in rng.choice(len(dry), min(recipe.dry, len(dry)), replace=False)]
        chosen += [aerial[i] for i in rng.choice(len(aerial), int(AERIAL_SHARE * len(aerial)), replace=False)]
        return [chosen[i] for i in rng.permutation(len(chosen))]

    def sample(self, item: Item, rng: Rng, recipe: Recipe) -> Sample:
        """One augmented sample."""
        picture = self.read(item.path)
        mask, weight = self._mask(item, picture.shape[:2])
        label, depth = float(item.label), item.depth
        if item.role == "dry" and rng.random() < recipe.drawn:
            level = rng.uniform(0.3, 1.0)
            picture, mask = Street(rng).draw(picture, level, rng)
            label, depth, weight = 1.0, -1, np.full_like(mask, EXACT)
        elif label == 0 and not item.water and rng.random() < recipe.wet:
            picture = wet_road(picture, rng)
        both = np.dstack((mask, weight))
        picture, cut = crop(picture, both, SIZE, rng, 0.55)
        picture = camera(picture, rng, recipe.camera)
        if item.role == "dry" and label > 0 and cut[..., 0].mean() < LEAST_DRAWN:
            label = UNKNOWN  # the crop left hardly any of the drawn water: neither flood nor dry
        small = cv2.resize(cut, (SIZE[0] // STRIDE, SIZE[1] // STRIDE), interpolation=cv2.INTER_AREA)
        return Sample(picture, label, depth, small[..., 0], small[..., 1])

    def _mask(self, item: Item, shape: tuple[int, int]) -> tuple[Floats, Floats]:
        """A picture's water mask and how much each pixel of it counts."""
        height, width = shape
        mask, weight = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        if item.mask:
            read = self.read(item.mask, cv2.IMREAD_GRAYSCALE)
            mask = cv2.resize(read, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
            weight[:] = EXACT
        elif item.label == 0 and not item.water:
            weight[:] = WEAK
        elif item.label == 1:
            mask[2 * height // 3 :] = 1
            weight[2 * height // 3 :] = WEAK
            weight[: height // 5] = WEAK
        return mask, weight


def stacked(samples: list[Sample], last: bool) -> Batch:
    """Samples as one batch."""
    return Batch(
        np.stack([s.picture for s in samples]),
        np.array([s.label for s in samples], np.float32),
        np.array([s.depth for s in samples], np.int64),
        np.stack([s.mask for s in samples]),
        np.stack([s.weight for s in samples]),
        last,
    )


def _produce(index: str, batch: int, seed: int, recipe: Recipe, queue: mp.Queue[Batch]) -> None:
    """Fill `queue` for ever."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng(seed)
    source = Source(Path(index))
    while True:
        order = source.order(rng, recipe)
        for start in range(0, len(order) - batch + 1, batch):
            samples = [source.sample(item, rng, recipe) for item in order[start : start + batch]]
            queue.put(stacked(samples, start + 2 * batch > len(order)))


class Feeder:
    """The producing process and its bounded queue."""

    def __init__(self, index: Path, batch: int, seed: int, recipe: Recipe) -> None:
        context = mp.get_context("spawn")
        self._queue: mp.Queue[Batch] = context.Queue(AHEAD)
        arguments: tuple[Any, ...] = (str(index), batch, seed, recipe, self._queue)
        self._process = context.Process(target=_produce, args=arguments, daemon=True)
        self._process.start()

    def __iter__(self) -> Iterator[Batch]:
        """Batches for ever."""
        while True:
            yield self._queue.get()

    def close(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.join(5)
