"""What the bench writes: the keys that others read, and a page that keeps what people wrote in it."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.bench import run as bench
from pipeline.bench.measure import children, cpu_s, in_turns, memory_mb, own_cpu_s, ratio
from pipeline.bench.page import BEGIN, END, write_page
from pipeline.bench.plan import FULL, QUICK
from pipeline.bench.site import quantile, total
from pipeline.ops.settings import Settings
from tests.bench.sample import RESULT

HISTOGRAM = "\n".join(
    f'siaga_camera_to_alert_seconds_bucket{{kind="{kind}",le="{bound}"}} {count}'
    for kind in ("fire", "smoke")
    for bound, count in (("1", 0), ("2", 2), ("4", 10), ("+Inf", 10))
)


def test_a_quantile_lies_within_its_bucket() -> None:
    assert quantile(HISTOGRAM, 0.95) == pytest.approx(2 + 2 * (19 - 4) / 16, abs=0.01)
    assert quantile(HISTOGRAM.replace(" 10\n", " 2\n", 1), 0.99) is not None
    assert quantile("", 0.95) is None


def test_what_is_slower_than_every_bucket_counts_as_the_last() -> None:
    assert (
        quantile(
            'siaga_camera_to_alert_seconds_bucket{le="4"} 0\nsiaga_camera_to_alert_seconds_bucket{le="+Inf"} 3', 0.95
        )
        == 4
    )


def test_metrics_are_summed_over_labels() -> None:
    text = 'a_total{x="1"} 2.0\na_total{x="2"} 3.0\nb 1\na_total_more 7'
    assert total(text, "a_total") == 5
    assert total(text, "a_total", 'x="2"') == 3
    assert total(text, "b") == 1


def test_ways_are_measured_in_turns() -> None:
    order: list[str] = []
    found = in_turns({name: lambda name=name: order.append(name) or float(len(order)) for name in ("a", "b")}, 2)
    assert order == ["a", "b", "a", "b"]
    assert found == {"a": [1.0, 3.0], "b": [2.0, 4.0]}
    assert ratio(found["b"], found["a"]) == pytest.approx((2 + 4 / 3) / 2, abs=0.001)
    assert ratio([1.0], [0.0]) == 0


def test_cpu_and_memory_of_processes() -> None:
    import os

    assert own_cpu_s() > 0
    assert cpu_s(os.getpid()) > 0
    assert memory_mb(os.getpid()) > 10
    assert cpu_s(2**22 + 1) == memory_mb(2**22 + 1) == 0
    assert children(2**22 + 1, "PATH") == {}


def test_the_page_is_renewed_between_its_marks_alone(tmp_path: Path) -> None:
    page = tmp_path / "docs" / "performance.md"
    write_page(page, RESULT)
    assert "# Performance" in page.read_text()
    page.write_text(f"# Kinerja\n\nOurs above.\n\n{BEGIN}\nold figures\n{END}\n\nOurs below.\n")
    write_page(page, RESULT)
    text = page.read_text()
    assert "old figures" not in text
    assert text.startswith("# Kinerja\n\nOurs above.")
    assert text.endswith("Ours below.\n")
    assert "left out: java" in text


def test_the_keys_that_others_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for section in ("grab", "detect", "line", "confirm", "bus"):
        monkeypatch.setattr(bench, f"measure_{section}", lambda *_, section=section: {**RESULT[section]})
    monkeypatch.setattr(bench, "measure_units", lambda *_: {"stream_mbit": 2.0})
    out = tmp_path / "out" / "bench.json"
    bench.run_bench(Settings(), replace(QUICK, observations=7500), out, tmp_path / "performance.md")
    result = json.loads(out.read_text())
    assert result.keys() == {"grab", "detect", "line", "confirm", "bus", "machine"}
    assert {"ratio_vs_opencv", "units"} <= result["grab"].keys()
    assert result["line"]["growth"]["rows"]
    assert "ratio_vs_bare" in result["detect"]
    assert {"cameras_per_core", "ratio_vs_loop", "camera_to_alert_p95_s"} <= result["line"].keys()
    assert "observations_per_s_per_core" in result["confirm"]
    assert {"cpu", "cores", "memory_gb", "python", "quick", "wall_s"} <= result["machine"].keys()


def test_a_part_can_be_measured_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "measure_confirm", lambda _: RESULT["confirm"])
    found = bench.run_bench(Settings(), replace(QUICK, sections=("confirm",)), tmp_path / "b.json")
    assert found.keys() == {"machine", "confirm"}


def test_the_full_plan_covers_what_is_asked_for() -> None:
    films = {(film.codec, film.size, film.gop_s) for film in (FULL.headline, *FULL.grid)}
    assert len(films) == 10
    assert {size for _, size, _ in films} == {"480p", "720p", "1080p"}
    assert FULL.crowd == (1, 20, 100)
    assert math.isclose(max(gop for _, _, gop in films), 4)
