"""The shipped flood model and rules: frozen pictures, streets that never flood, rain, and a drawn rise of water.

Bounds stand in `figures.yaml`. The rise is synthetic (`scripts.flood.water`): there is no video of a flood in the data,
and training drew water in the same way, on other streets.
"""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.detect.runtime import Detector
from pipeline.ops.sections import DetectSection
from pipeline.tune.flood import evaluate_flood
from scripts.detector.augment import rain
from scripts.flood.water import wet_road
from tests.accuracy.streets import EVERY_MS, T0, pictures, rise, watched
from tests.accuracy.test_gate import BOUNDS, check
from tests.shared import REPO

MODEL = REPO / "models" / "flood"
DRY_MINUTES = 10


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector(MODEL, DetectSection())


def quiet_clips(data: Path) -> list[Path]:
    """Normal clips of streets that training did not see."""
    rows = csv.DictReader((data / "brawl" / "manifest.csv").open(encoding="utf-8"))
    return [data / "brawl" / row["file"] for row in rows if row["label"] == "normal" and row["split"] == "val"]


@pytest.mark.parametrize("split", sorted(BOUNDS["flood"]))
def test_pictures(split: str, tmp_path: Path, shared_data: Path) -> None:
    out = tmp_path / "flood.json"
    evaluate_flood(shared_data / "data" / "flood", split, MODEL, out)
    figures = json.loads(out.read_text())
    assert set(figures) == {
        "n", "auc", "threshold", "accuracy", "recall", "fpr", "recall_at_fpr_5pct", "per_camera", "mask_iou", "depth",
        "ms_per_frame",
    }  # fmt: skip
    assert check(figures, BOUNDS["flood"][split]) == []
    assert out.with_suffix(".html").stat().st_size > 10_000


def test_time_lapses_without_a_flood_raise_nothing(detector: Detector, shared_data: Path) -> None:
    for clip in sorted((shared_data / "data" / "flood" / "clips").glob("*.mp4")):
        shown = pictures(clip, 300)
        assert len(shown) > 50, clip.name
        assert watched(detector, shown) == [], clip.name


def test_rain_alone_raises_nothing(detector: Detector, shared_data: Path) -> None:
    for number, clip in enumerate(quiet_clips(shared_data / "data")[:16]):
        rng, shown = np.random.default_rng(number), pictures(clip, 6)
        dry = [shown[k % len(shown)] for k in range(36)]
        wet = [rain(wet_road(shown[k % len(shown)], rng), rng) for k in range(60)]
        assert watched(detector, [*dry, *wet]) == [], clip.name


def test_a_rise_of_water_is_raised_within_three_minutes(detector: Detector, shared_data: Path) -> None:
    late = {}
    for number, clip in enumerate(quiet_clips(shared_data / "data")[:16]):
        incidents = watched(detector, rise(pictures(clip, 6), DRY_MINUTES, 5, number))
        opened = [incident.opened_ms for incident, _ in incidents if incident.state == "opened"]
        first_ms = T0 + DRY_MINUTES * 6 * EVERY_MS
        delay_s = (opened[0] - first_ms) / 1000 if len(opened) == 1 else None
        if delay_s is None or not 0 <= delay_s <= 180:
            late[clip.name] = opened
    assert late == {}
