"""Batches made by a process of its own, so that augmentation costs the training thread nothing."""

from __future__ import annotations

import multiprocessing as mp
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

import cv2
import numpy as np

from scripts.detector.dataset import Dataset, padded
from scripts.detector.geometry import Floats, Image

SIZES = (288, 320, 320, 352)  # px, drawn anew every few batches
SAME_SIZE = 8  # batches in a row
AHEAD = 8


@dataclass(frozen=True)
class Batch:
    """Pictures `[B, S, S, 3]` uint8, labels `[B, G, 7]`, regions `[B, R, 6]` (see `dataset.padded`).

    `last`: the last batch of its epoch.
    """

    size: int
    pictures: Image
    labels: Floats
    regions: Floats
    last: bool


def _produce(
    index: str, batch: int, seed: int, sizes: tuple[int, ...], mosaic: Synchronized[int], queue: mp.Queue[Batch]
) -> None:
    """Fill `queue` for ever."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng(seed)
    data = Dataset(Path(index), rng)
    made, size = 0, sizes[0]
    while True:
        order = data.order(rng)
        for start in range(0, len(order) - batch + 1, batch):
            if made % SAME_SIZE == 0:
                size = int(rng.choice(sizes))
            made += 1
            samples = [data.sample(i, size, rng, bool(mosaic.value)) for i in order[start : start + batch]]
            labels, regions = padded(samples)
            last = start + 2 * batch > len(order)
            queue.put(Batch(size, np.stack([s.canvas for s in samples]), labels, regions, last))


class Feeder:
    """The producing process and its bounded queue; `mosaic` may be switched off while it runs."""

    def __init__(self, index: Path, batch: int, seed: int, sizes: tuple[int, ...] = SIZES) -> None:
        context = mp.get_context("spawn")
        self._queue: mp.Queue[Batch] = context.Queue(AHEAD)
        self._mosaic = context.Value("i", 1)
        args = (str(index), batch, seed, sizes, self._mosaic, self._queue)
        self._process = context.Process(target=_produce, args=args, daemon=True)
        self._process.start()

    def mosaic(self, on: bool) -> None:
        """Use mosaics or not from the next batch made on."""
        self._mosaic.value = int(on)

    def __iter__(self) -> Iterator[Batch]:
        """Batches for ever."""
        while True:
            yield self._queue.get()

    def close(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.join(5)
