"""What `siaga watch --json` must say of the clips that everybody can check: the command as it is run from outside."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.shared import REPO


def watch(clip: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The incidents and the summary of one clip."""
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.cli", "watch", str(clip), "--json"],
        cwd=REPO,
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    *incidents, summary = [json.loads(line) for line in done.stdout.splitlines()]
    assert set(summary) == {"summary"}
    assert set(summary["summary"]) == {"frames", "video_s", "wall_s", "incidents"}
    assert summary["summary"]["incidents"] == len(incidents)
    for incident in incidents:
        assert set(incident) == {"kind", "opened_s", "first_seen_s", "score", "reason"}
    return incidents, summary["summary"]


@pytest.mark.parametrize("name", ["fire_cctv_carpark", "fire_street_night"])
def test_one_fire(name: str, shared_data: Path) -> None:
    incidents, _ = watch(shared_data / "data" / "fire_smoke" / "clips" / f"{name}.mp4")
    assert [incident["kind"] for incident in incidents] == ["fire"]


def test_a_column_of_smoke(shared_data: Path) -> None:
    incidents, _ = watch(shared_data / "data" / "fire_smoke" / "clips" / "smoke_city_column.mp4")
    assert incidents
    assert {incident["kind"] for incident in incidents} <= {"fire", "smoke"}


@pytest.mark.timeout(1500)
def test_nothing_where_there_is_nothing(shared_data: Path) -> None:
    data = shared_data / "data"
    clips = sorted((data / "fire_smoke" / "clips").glob("*none_*.mp4"))
    clips += sorted((data / "brawl" / "hard_negatives_long").glob("*.mp4"))
    assert len(clips) > 10
    raised = {clip.name: watch(clip)[0] for clip in clips}
    assert {name: found for name, found in raised.items() if found} == {}
