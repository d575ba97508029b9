"""Drawn water: none at level 0, more at each level, the same for the same street; a wet road stays where it is."""

import numpy as np
import pytest

from scripts.flood.augment import crop
from scripts.flood.water import Street, wet_road


def street_picture() -> np.ndarray:
    rng = np.random.default_rng(0)
    picture = rng.integers(60, 200, (180, 320, 3)).astype(np.uint8)
    picture[:60] = 210
    return picture


@pytest.mark.parametrize("seed", range(8))
def test_water_rises_with_the_level(seed: int) -> None:
    street, picture = Street(np.random.default_rng(seed)), street_picture()
    shares = [street.draw(picture, level, np.random.default_rng(1))[1].mean() for level in (0.0, 0.3, 0.6, 1.0)]
    assert shares[0] < 0.12
    assert shares == sorted(shares)
    assert shares[-1] > 0.4


def test_what_is_dry_stays_as_it_is() -> None:
    picture = street_picture()
    shown, mask = Street(np.random.default_rng(2)).draw(picture, 0.5, np.random.default_rng(3))
    np.testing.assert_array_equal(shown[mask == 0], picture[mask == 0])
    assert (shown[mask == 1] != picture[mask == 1]).any()


def test_the_same_street_is_drawn_the_same() -> None:
    first, second = (Street(np.random.default_rng(4)).shore(180, 320, 0.7) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_a_wet_road_changes_the_ground_alone() -> None:
    picture = street_picture()
    shown = wet_road(picture, np.random.default_rng(5))
    np.testing.assert_array_equal(shown[: int(0.3 * 180)], picture[: int(0.3 * 180)])
    assert (shown[100:] != picture[100:]).any()


def test_a_crop_keeps_mask_and_picture_together() -> None:
    picture, mask = np.zeros((180, 320, 3), np.uint8), np.zeros((180, 320), np.float32)
    picture[90:], mask[90:] = 255, 1
    shown, cut = crop(picture, mask, (320, 192), np.random.default_rng(6), 0.6)
    assert shown.shape == (192, 320, 3)
    np.testing.assert_allclose(shown[..., 0] / 255, cut, atol=0.15)
