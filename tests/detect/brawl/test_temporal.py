"""The shipped temporal model and what it is fed."""

import cv2
import numpy as np
import pytest

from pipeline.detect.brawl.crops import choose
from pipeline.detect.brawl.motion import Image, measure
from pipeline.detect.brawl.temporal import TemporalModel
from pipeline.detect.runtime import Detector
from pipeline.ops.errors import ModelError
from pipeline.ops.sections import DetectSection
from tests.shared import REPO

MODEL = REPO / "models" / "brawl"


def street(seed: int = 1) -> Image:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (18, 32, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (320, 180), interpolation=cv2.INTER_CUBIC), np.uint8)


def with_square(x: int, y: int) -> Image:
    picture = street()
    picture[y : y + 20, x : x + 20] = 255
    return picture


def test_nothing_moves_nothing_is_raised() -> None:
    seen = TemporalModel(MODEL, DetectSection()).score([street()] * 16)
    assert seen.fight < 0.5
    assert len(seen.folds) == 5


def test_crops_go_where_it_moves() -> None:
    pictures = [with_square(230 + 3 * (k % 4), 40) for k in range(16)]
    wide, close, _ = choose(measure(pictures), 180, 320)
    for square in (wide, close):
        assert abs(square.x - 245) < square.side / 2
        assert abs(square.y - 50) < square.side / 2


def test_a_shaking_camera_is_taken_out() -> None:
    big = np.asarray(cv2.resize(street(), (360, 220)), np.uint8)
    shaken = [big[10 + (k % 3) * 4 : 190 + (k % 3) * 4, 10 + (k % 2) * 6 : 330 + (k % 2) * 6] for k in range(16)]
    assert measure([np.ascontiguousarray(p) for p in shaken]).shifts.any()


def test_pictures_of_two_sizes_are_refused() -> None:
    with pytest.raises(ModelError, match="one size"):
        TemporalModel(MODEL, DetectSection()).score([street()] * 8 + [street()[:90]] * 8)


def test_it_is_no_detector_of_single_pictures() -> None:
    with pytest.raises(ModelError, match="bursts"):
        Detector(MODEL, DetectSection())
