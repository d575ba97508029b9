"""How costs grow: through what was measured, beyond it by what one more camera costs; and drawn."""

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.bench.growth import CAMERAS, STAGES, by_stage, measure_growth, reckon, series
from pipeline.bench.page import write_page
from pipeline.bench.plan import QUICK
from pipeline.bench.plot import Series, plot
from tests.bench.sample import RESULT, SIZE

TWO = [
    {**SIZE, "cameras": 10, "cpu_s_per_s": {"grab": 0.2, "detect-0": 0.1, "detect-1": 0.05, "supervisor": 9.0}},
    {**SIZE, "cameras": 30, "cpu_s_per_s": {"grab": 0.5, "detect-0": 0.4, "detect-1": 0.05, "supervisor": 9.0}},
]


def test_beyond_what_was_measured_each_camera_costs_what_one_more_did() -> None:
    costs = [by_stage(size) for size in TWO]
    assert costs[0]["detect"] == pytest.approx(0.15)
    assert reckon("grab", 30, TWO, costs) == pytest.approx(0.5)
    assert reckon("grab", 130, TWO, costs) == pytest.approx(0.5 + 100 * 0.3 / 20)
    assert reckon("alert", 1500, TWO, costs) == 0
    assert reckon("grab", 60, TWO[1:], costs[1:]) == pytest.approx(1.0)  # one size alone: its average


def test_confirm_is_measured_with_every_number_and_the_page_shows_it(tmp_path: Path) -> None:
    growth = measure_growth(replace(QUICK, observations=1500), {"sizes": TWO}, RESULT["grab"]["one_process"])
    assert [row["cameras"] for row in growth["rows"]] == list(CAMERAS)
    assert [row["measured"] for row in growth["rows"]] == [True, True, False, False, False, False]
    assert all(row["confirm_observations_per_s_per_core"] > 0 for row in growth["rows"])
    page = tmp_path / "performance.md"
    write_page(page, {**RESULT, "line": {**RESULT["line"], "growth": growth}})
    assert "1500 (reckoned)" in page.read_text()
    drawing = ET.fromstring((tmp_path / "performance.svg").read_text())
    assert len(drawing.findall("{*}circle")) == len(CAMERAS) * (len(STAGES) + 1)
    assert [one.name for one in series(growth)][-1] == "all"


def test_a_plot_keeps_its_points_inside() -> None:
    drawing = ET.fromstring(plot([Series("a & b", [(10, 0.0, True), (1500, 42.0, False)])], "x", "y"))
    for circle in drawing.findall("{*}circle"):
        assert 70 <= float(circle.get("cx", 0)) <= 610
        assert 20 <= float(circle.get("cy", 0)) <= 370
    assert "a & b" in "".join(drawing.itertext())
