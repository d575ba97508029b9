"""Black, covered and frozen pictures, as they look after encoding and decoding."""

from collections.abc import Iterator
from functools import cache
from itertools import chain, cycle, islice

import cv2
import numpy as np
import pytest

from pipeline.grab.look import look_at
from pipeline.grab.sight import Sight
from pipeline.ops.sections import GrabSection
from tests.grab.video import street

GRAB = GrabSection(frozen_after_s=30, dark_after_s=20, covered_after_s=20)
Pictures = Iterator[np.ndarray]


@cache
def scene() -> np.ndarray:
    """A softly lit street with edges, 640 px."""
    return cv2.GaussianBlur(street(640, 360), (5, 5), 0)


def verdicts(pictures: Pictures, seconds: int) -> list[str | None]:
    """What is said second by second."""
    sight = Sight.of(GRAB)
    return [sight.judge(look_at(next(pictures)), 1_000_000 + second * 1000) for second in range(seconds)]


def re_encoded(picture: np.ndarray, quality: int) -> np.ndarray:
    return cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)


def the_same() -> Pictures:
    while True:
        yield scene()


def the_same_encoded_again() -> Pictures:
    index = 0
    while True:
        index += 1
        yield re_encoded(scene(), 90 if index % 20 else 80)


def with_a_clock() -> Pictures:
    second = 0
    while True:
        picture = scene().copy()
        cv2.putText(picture, f"2026-11-24 20:{second // 60:02d}:{second % 60:02d}", (8, 30), 0, 0.8, (255, 255, 255), 2)
        second += 1
        yield picture


def noisy(count: int = 9) -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    noise = (rng.normal(0, 2.5, (360, 640, 3)).astype(np.float32) for _ in range(count))
    return [re_encoded(np.clip(scene() + grain, 0, 255).astype(np.uint8), 85) for grain in noise]


def with_noise() -> Pictures:
    return cycle(noisy())


def with_people() -> Pictures:
    index = 0
    while True:
        picture = scene().copy()
        x = 40 * index % 600
        picture[200:280, x : x + 30] = 40
        index += 1
        yield picture


def night_with_a_lamp() -> Pictures:
    rng = np.random.default_rng(4)
    nights = [np.clip(rng.normal(6, 2, (360, 640, 3)), 0, 255).astype(np.uint8) for _ in range(9)]
    for picture in nights:
        cv2.circle(picture, (320, 180), 40, (200, 220, 255), -1)
    return cycle(nights)


@pytest.mark.parametrize("pictures", [the_same, the_same_encoded_again, with_a_clock])
def test_the_same_picture_is_frozen_after_a_while(pictures: type[Pictures]) -> None:
    told = verdicts(pictures(), 60)
    assert told[:30] == [None] * 30
    assert told[31:] == ["frozen"] * 29


@pytest.mark.parametrize("pictures", [with_noise, with_people, night_with_a_lamp])
def test_a_living_picture_is_never_anything_else(pictures: type[Pictures]) -> None:
    assert verdicts(pictures(), 120) == [None] * 120


def test_one_change_ends_the_frost() -> None:
    def changing() -> Pictures:
        for index in range(100):
            picture = scene().copy()
            if index >= 45:
                picture[100:300, 100:400] = 90
            yield picture

    told = verdicts(changing(), 60)
    assert told[44] == "frozen"
    assert told[45:60] == [None] * 15


def test_black_is_dark_and_not_frozen() -> None:
    told = verdicts((np.full((360, 640, 3), 4, np.uint8) for _ in range(50)), 50)
    assert told[:20] == [None] * 20
    assert told[20:] == ["dark"] * 30


def test_a_flat_picture_is_covered() -> None:
    told = verdicts((np.full((360, 640, 3), 120, np.uint8) for _ in range(50)), 50)
    assert told[20:] == ["covered"] * 30


def test_a_hand_before_the_lens_is_covered() -> None:
    clear = noisy()
    hidden = [cv2.GaussianBlur(picture, (0, 0), 40) for picture in clear[:3]]
    told = verdicts(chain(islice(cycle(clear), 100), islice(cycle(hidden), 50)), 150)
    assert told[:119] == [None] * 119
    assert told[121:] == ["covered"] * 29


def test_a_change_of_format_is_a_change() -> None:
    sizes = [(640, 360)] * 20 + [(640, 480)] * 29
    told = verdicts((cv2.resize(scene(), size) for size in sizes), 49)
    assert told == [None] * 49


def test_a_clock_set_back_is_survived() -> None:
    sight = Sight.of(GRAB)
    look = look_at(scene())
    assert [sight.judge(look, ms) for ms in (100_000, 0, 10_000)] == [None, None, None]
    assert sight.judge(look, 40_000) == "frozen"
