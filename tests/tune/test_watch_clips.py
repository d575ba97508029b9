"""The shipped model, sampler and rules on real clips: what must be raised, and what must not."""

from collections import Counter
from pathlib import Path

import pytest

from pipeline.detect.runtime import Detector
from pipeline.ops.settings import Settings, load_settings
from pipeline.tune.watching import Watching
from tests.shared import REPO

FIRE_ONCE = ("fire_cctv_carpark.mp4", "fire_street_night.mp4")
EITHER = "smoke_city_column.mp4"


@pytest.fixture(scope="module")
def watching() -> Watching:
    settings: Settings = load_settings(REPO / "configs" / "siaga.yaml")
    detectors = [Detector(settings.model_path(name), settings.detect) for name in settings.detect.models]
    return Watching(settings, detectors)


@pytest.fixture
def clips(shared_data: Path) -> Path:
    return shared_data / "data" / "fire_smoke" / "clips"


def kinds(watching: Watching, clip: Path) -> Counter[str]:
    return Counter(found.kind for found in watching.watch(str(clip)).incidents)


@pytest.mark.parametrize("name", FIRE_ONCE)
def test_a_fire_is_raised_exactly_once(watching, clips, name):
    assert kinds(watching, clips / name)["fire"] == 1


def test_a_smoke_column_is_raised(watching, clips):
    found = kinds(watching, clips / EITHER)
    assert found["smoke"] + found["fire"] >= 1


def test_nothing_is_raised_on_normal_clips(watching, clips):
    names = sorted(clips.glob("none_*.mp4"))
    assert names
    found = {clip.name: kinds(watching, clip) for clip in names}
    assert {name: raised for name, raised in found.items() if raised} == {}


def test_nothing_is_raised_on_long_normal_videos(watching, shared_data):
    names = sorted((shared_data / "data" / "brawl" / "hard_negatives_long").glob("*.mp4"))
    assert names
    found = {clip.name: kinds(watching, clip) for clip in names}
    assert {name: raised for name, raised in found.items() if raised["fire"] or raised["smoke"]} == {}


def test_watching_twice_gives_the_same(watching, clips):
    clip = str(clips / FIRE_ONCE[0])
    assert watching.watch(clip).incidents == watching.watch(clip).incidents
