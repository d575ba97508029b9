"""Broken streams for tests and the bench: clips cut off, damaged, or with one picture for ever."""

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pipeline.demo.scenes.film import encode
from pipeline.demo.scenes.optics import HEIGHT, WIDTH, Image

HEADER_BYTES = 4096
"""Left whole by `damage`, so that the file still opens and the fault lies inside."""


def truncate(source: Path, target: Path, share: float = 0.5) -> Path:
    """Copy the first `share` (0..1) of a file: an upload that broke off."""
    data = source.read_bytes()
    target.write_bytes(data[: int(len(data) * share)])
    return target


def damage(source: Path, target: Path, bytes_hit: int = 200, seed: int = 0) -> Path:
    """Copy a file with `bytes_hit` bytes past its header replaced at random: a bad disk, a bad cable."""
    data = bytearray(source.read_bytes())
    dice = random.Random(seed)
    for _ in range(bytes_hit if len(data) > HEADER_BYTES else 0):
        data[dice.randrange(HEADER_BYTES, len(data))] = dice.randrange(256)
    target.write_bytes(bytes(data))
    return target


def frozen(target: Path, picture: Image, seconds: int = 5) -> Path:
    """A film of one picture (BGR, 720x1280), again and again: a camera that hangs and goes on sending."""
    encode((picture for _ in range(seconds * 12)), target)
    return target


def dark(target: Path, seconds: int = 5) -> Path:
    """A film that is black but for the noise of the sensor: lamp broken, lens cap on."""
    encode(_noise(4, 3.0, seconds), target)
    return target


def covered(target: Path, seconds: int = 5) -> Path:
    """A film of an even grey with noise: a bag or paint on the lens."""
    encode(_noise(95, 3.0, seconds), target)
    return target


def _noise(level: int, spread: float, seconds: int) -> Iterator[Image]:
    """Pictures of one brightness with fresh noise."""
    rng = np.random.default_rng(level)
    for _ in range(seconds * 12):
        grain = rng.normal(level, spread, (HEIGHT // 4, WIDTH // 4, 1)).repeat(4, 0).repeat(4, 1)
        yield np.asarray(np.clip(grain, 0, 255).repeat(3, 2), np.uint8)
