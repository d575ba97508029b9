"""The benchmark of the siting solvers, on a tiny city: what it tells is there and holds together."""

import json
from pathlib import Path

import pytest

from pipeline.bench.siting import generated_city, measure, run_siting_bench

TINY = {"cameras": 30, "candidates": 250, "points": 1500, "budget": 400_000_000}


def test_the_figures_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.bench.siting.QUICK", TINY)
    run_siting_bench(tmp_path / "out.json", quick=True)
    told = json.loads((tmp_path / "out.json").read_text())
    assert told["size"] == TINY
    for method in ("greedy", "exact"):
        assert told[method]["points"] == 1500
        assert 0 < told[method]["value"] <= told[method]["bound"]
        assert told[method]["peak_mb"] > 0
    assert told["greedy"]["value"] <= told["exact"]["bound"]


def test_the_city_is_the_same_each_time_and_keeps_its_floors() -> None:
    one, two = (generated_city(TINY)[0].inputs.spots for _ in range(2))
    assert one == two
    assert len({spot.kelurahan[:5] for spot in one}) == 4
    assert measure(TINY, "greedy")["sites"] >= 8
