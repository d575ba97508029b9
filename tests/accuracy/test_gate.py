"""The shipped model and rules on frozen pictures and clips: recall may not fall, false alarms may not rise.

The bounds stand in `figures.yaml` beside this file and are changed on purpose only, with the reason in the commit.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.ops.settings import Settings
from pipeline.tune.detector import evaluate_detector
from pipeline.tune.incidents import evaluate_incidents
from tests.shared import REPO

BOUNDS: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "figures.yaml").read_text())


def reach(figures: dict[str, Any], path: str) -> float:
    """The figure at a dotted path."""
    value: Any = figures
    for part in path.split("."):
        value = value[part]
    return float(value)


def check(figures: dict[str, Any], bounds: dict[str, dict[str, float]]) -> list[str]:
    """Every figure that breaks its bound, in words."""
    broken = []
    for path, bound in bounds.items():
        value = reach(figures, path)
        if value < bound.get("at_least", float("-inf")) or value > bound.get("at_most", float("inf")):
            broken.append(f"{path} is {value:.4f}, bound {bound}")
    return broken


@pytest.mark.parametrize("split", sorted(BOUNDS["detector"]))
def test_pictures(split: str, tmp_path: Path, shared_data: Path) -> None:
    out = tmp_path / "detector.json"
    evaluate_detector(shared_data / "data" / "fire_smoke", split, REPO / "models" / "fire_smoke", out)
    assert check(json.loads(out.read_text()), BOUNDS["detector"][split]) == []


@pytest.mark.timeout(900)
def test_clips(tmp_path: Path, shared_data: Path) -> None:
    out = tmp_path / "incidents.json"
    evaluate_incidents(shared_data / "data" / "incidents.csv", out, Settings())
    print(out.read_text())
    assert check(json.loads(out.read_text()), BOUNDS["incidents"]) == []


def test_the_gate_can_fail() -> None:
    assert check({"a": {"b": 0.5}}, {"a.b": {"at_least": 0.6}}) == ["a.b is 0.5000, bound {'at_least': 0.6}"]
    assert check({"a": {"b": 3}}, {"a.b": {"at_most": 2}}) != []
    assert check({"a": {"b": 3}}, {"a.b": {"at_most": 3, "at_least": 3}}) == []
