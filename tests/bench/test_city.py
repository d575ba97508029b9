"""The city's load in miniature, on whatever broker and database are here: what comes out is counted, not how fast."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.bench.city import City, growth_mb_per_h, measure_city
from pipeline.bench.serving import BenchError
from tests.shared import REPO


def test_growth_is_the_slope_after_the_warm_up() -> None:
    at = [60.0 * n for n in range(40)]
    assert growth_mb_per_h(at, [100 + second / 3600 * 12 for second in at]) == pytest.approx(12, abs=0.01)
    assert growth_mb_per_h(at, [min(100.0, 20.0 * n) for n in range(40)]) == pytest.approx(0, abs=0.01)
    assert growth_mb_per_h(at[:2], [1.0, 2.0]) == 0


@pytest.mark.timeout(240)
def test_a_small_city(tmp_path: Path) -> None:
    result = measure_city(City(cameras=60, minutes=0.5, embedded=True, sqlite=True))
    assert result["broker"] == "embedded"
    assert result["store"] == "sqlite"
    assert result["rates"]["observations_per_s"] > 0
    assert result["rates"]["frames_per_s"] > 0
    assert result["memory_mb"].keys() == result["cpu_s_per_s"].keys() == {"broker", "confirm", "alert", "desk"}
    for memory in result["memory_mb"].values():
        assert memory["max"] >= memory["start"] > 0
        assert "growth_mb_per_h" in memory
    assert result["lag_records"].keys() == {"confirm", "alert"}
    delays = result["camera_to_alert_s"]
    assert delays["alerted"] == delays["incidents"] >= 1
    assert 0 < delays["from_deciding_frame"]["p50"] <= delays["p50"] <= delays["p95"]
    assert result["drained_s"] is not None


def test_the_command_writes_what_it_measured(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pipeline.cli", "bench", "city", "--help"]
    done = subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=True)
    for option in ("--minutes", "--cameras", "--json"):
        assert option in done.stdout


def test_an_embedded_broker_that_is_not_there_is_an_error() -> None:
    from pipeline.bench import city

    with pytest.raises(BenchError, match="no embedded broker"):
        city._listener("127.0.0.1:1")
    assert json.dumps(City().__dict__)
