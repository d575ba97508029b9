"""The simulated cameras: the same every time, moving, without a seam, seen by the shipped model as they should be."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from pipeline.demo.scenes.catalog import CAMERAS, FIRE_CAMERA, FIRE_END_S, FIRE_START_S, OUTBREAK, PROGRAMME_S
from pipeline.demo.scenes.film import camera_named
from pipeline.demo.scenes.optics import HEIGHT, WIDTH, Image
from pipeline.demo.scenes.scene import FPS, Scene
from pipeline.demo.scenes.traffic import LOOP_S
from pipeline.detect.runtime import Detector
from pipeline.ops.sections import DetectSection
from tests.shared import REPO, skip_or_fail

NAMES = [camera.name for camera in CAMERAS]
MODEL = REPO / "models" / "fire_smoke"
Score = Callable[[Image], dict[str, float]]


@cache
def scene(name: str, fire: bool = False) -> Scene:
    return camera_named(name).build(OUTBREAK if fire else None)


@pytest.fixture(scope="module")
def score() -> Score:
    """Best score of fire and of smoke in a picture."""
    if not (MODEL / "model.onnx").exists():
        skip_or_fail("models/fire_smoke/model.onnx is not there")
    detector = Detector(MODEL, DetectSection())

    def best(picture: Image) -> dict[str, float]:
        found = {"fire": 0.0, "smoke": 0.0}
        for detection in detector.detect([picture])[0]:
            if detection.label in found:
                found[detection.label] = max(found[detection.label], detection.score)
        return found

    return best


FULL_S = tuple(FIRE_START_S + after for after in (15.0, 20.0, 25.0, 30.0, 35.0))
LATE_S = PROGRAMME_S - 0.5


@pytest.fixture(scope="module")
def burning() -> dict[float, Image]:
    """Frames of the event by second; the fire is stepped through all frames before them."""
    event = scene(FIRE_CAMERA, fire=True)
    effects = event.make_effects()
    wanted = {round(second * FPS): second for second in (*FULL_S, LATE_S)}
    scratch = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    frames = {}
    for index in range(round(FIRE_START_S * FPS), max(wanted) + 1):
        if index in wanted:
            frames[wanted[index]] = event.frame(index / FPS, effects)
        else:
            for effect in effects:
                effect.step(scratch, index / FPS)
    return frames


@pytest.mark.parametrize("name", NAMES)
def test_a_scene_is_drawn_the_same_again(name: str) -> None:
    again = camera_named(name).build(None)
    for second in (0.0, 7.5):
        first = scene(name).frame(second, scene(name).make_effects())
        assert first.shape == (HEIGHT, WIDTH, 3)
        assert np.array_equal(first, again.frame(second, again.make_effects()))


@pytest.mark.parametrize("name", NAMES)
def test_a_scene_moves_and_has_contrast(name: str) -> None:
    early, late = (scene(name).frame(second, []).astype(int) for second in (3.0, 9.0))
    assert (np.abs(early - late).max(axis=2) > 40).mean() > 0.002
    assert early.std() > 18


@pytest.mark.parametrize("name", NAMES)
def test_traffic_is_where_it_was_after_a_loop(name: str) -> None:
    for actor in scene(name).actors:
        for second in (0.4, 12.3, 29.0):
            before, after = actor.path(second), actor.path(second + LOOP_S)
            assert (before is None) == (after is None)
            if before is not None and after is not None:
                assert (after.x, after.z) == pytest.approx((before.x, before.z), abs=1e-6)


def test_the_event_is_the_quiet_programme_until_it_burns_and_after() -> None:
    event, quiet = scene(FIRE_CAMERA, fire=True), scene(FIRE_CAMERA)
    effects = event.make_effects()
    for second in (0.0, FIRE_START_S - 0.1):
        assert np.array_equal(event.frame(second, effects), quiet.frame(second, []))
    assert OUTBREAK.strength(FIRE_START_S - 0.01) == 0
    assert OUTBREAK.strength((FIRE_START_S + FIRE_END_S) / 2) == 1
    assert OUTBREAK.strength(FIRE_END_S) == 0
    assert FIRE_END_S < PROGRAMME_S
    assert PROGRAMME_S % LOOP_S == 0


@pytest.mark.parametrize("name", NAMES)
def test_the_model_sees_no_fire_where_none_is(name: str, score: Score) -> None:
    quiet = scene(name)
    effects = quiet.make_effects()
    for second in np.arange(0.0, LOOP_S, 1.5):
        found = score(quiet.frame(float(second), effects))
        assert max(found.values()) < 0.25, f"second {second}: {found}"


def test_the_model_sees_the_fire_while_it_burns(score: Score, burning: dict[float, Image]) -> None:
    found = [score(burning[second])["fire"] for second in FULL_S]
    assert min(found) > 0.4, found
    assert float(np.median(found)) > 0.5, found


def test_when_the_fire_is_out_the_street_is_clear_again(burning: dict[float, Image]) -> None:
    quiet = scene(FIRE_CAMERA)

    def gap(second: float) -> float:
        return float(np.abs(burning[second].astype(int) - quiet.frame(second, [])).mean())

    assert gap(FULL_S[-1]) > 5
    assert gap(LATE_S) < gap(FULL_S[-1]) / 3
