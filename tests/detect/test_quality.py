"""Poor pictures get poor marks."""

import cv2
import numpy as np
import pytest

from pipeline.detect.quality import picture_quality


@pytest.fixture
def street() -> np.ndarray:
    """Edges, contrast and light, as a street has them."""
    rng = np.random.default_rng(0)
    image = np.full((360, 640, 3), 120, np.uint8)
    for _ in range(120):
        x, y = (int(value) for value in rng.integers(0, (600, 330)))
        colour = tuple(int(value) for value in rng.integers(0, 255, 3))
        cv2.rectangle(image, (x, y), (x + 40, y + 30), colour, -1)
    return image


def test_a_street_by_day_is_good(street: np.ndarray) -> None:
    assert picture_quality(street) == 1.0


def test_dark_flat_and_blurred_pictures_are_worse(street: np.ndarray) -> None:
    assert picture_quality((street * 0.03).astype(np.uint8)) < 0.3
    assert picture_quality((street * 0.04 + 120).astype(np.uint8)) < 0.3
    assert picture_quality(cv2.GaussianBlur(street, (0, 0), 40)) < 0.5


@pytest.mark.parametrize("shape", [(1, 1), (1, 8192), (8192, 1), (7, 3000)])
def test_a_picture_of_any_shape_has_a_quality(shape: tuple[int, int]) -> None:
    assert 0 <= picture_quality(np.full((*shape, 3), 50, np.uint8)) <= 1


def test_a_black_picture_is_worth_nothing() -> None:
    assert picture_quality(np.zeros((360, 640, 3), np.uint8)) == 0
