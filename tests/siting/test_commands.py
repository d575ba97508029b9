"""The commands `siaga siting ...`: from files to figures, with clear answers."""

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

import pipeline.cli  # noqa: F401 - its parts add the commands
from pipeline.cli.options import app
from pipeline.ops.errors import ConfigError
from tests.shared import REPO
from tests.siting.world import write

NEEDS = ["lat,lng,category,asked_by_kind,asked_by,reason", "-6.22,106.86,rt_rw,RT/RW,RT 05,gelap"]
HOTSPOTS = ["source,category,lat,lng,at", "BPBD,rawan_banjir,-6.22,106.86,2026-01-05T20:15"]


def siaga(tmp_path: Path, *words: str) -> Any:
    """Run a command with an empty data folder."""
    settings = ["--config", str(REPO / "configs" / "siaga.yaml"), "--data", str(tmp_path / "var")]
    return CliRunner().invoke(app, [*words, *settings])


def test_files_are_imported_and_counted_as_coverage(tmp_path: Path) -> None:
    needs, hotspots = write(tmp_path, "n.csv", NEEDS), write(tmp_path, "h.csv", HOTSPOTS)
    assert "1 permintaan diterima" in siaga(tmp_path, "siting", "import", "needs", str(needs)).output
    assert "1 titik rawan diterima" in siaga(tmp_path, "siting", "import", "hotspots", str(hotspots)).output
    out = tmp_path / "coverage.json"
    assert "1 kelurahan buta" in siaga(tmp_path, "siting", "coverage", "--json", str(out)).output
    (hour,) = [row for row in json.loads(out.read_text())["by_hour"] if row["hotspots"]]
    assert (hour["name"], hour["hotspots"], hour["hotspots_seen"]) == ("20", 1, 0)
    plan = siaga(tmp_path, "plan-sites", "--budget", "1 kamera", "--out", str(tmp_path / "plan"))
    assert plan.exit_code == 0, plan.output
    told = json.loads((tmp_path / "plan" / "rencana.json").read_text())
    assert [site["requests"] for site in told["sites"]] == [["1"]]


def test_a_bad_row_stops_the_import_with_its_place(tmp_path: Path) -> None:
    bad = write(tmp_path, "n.csv", [*NEEDS, "-6.22,106.86,rt_rw,RT/RW,,gelap"])
    done = siaga(tmp_path, "siting", "import", "needs", str(bad))
    assert isinstance(done.exception, ConfigError)
    assert str(done.exception).endswith("n.csv:3: asked_by: kosong")
