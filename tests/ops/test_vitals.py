import os
import urllib.request

import pytest

from pipeline.ops.errors import ConfigError
from pipeline.ops.health import StageHealth
from pipeline.ops.metrics import serve_metrics
from pipeline.ops.probe import probe
from pipeline.ops.secrets import read_secrets
from pipeline.ops.vitals import DiskCollector, ProcessCollector, Vitals

INSTANCE = "detect-vitals"


def spoken(at_ms: int, ok: bool = True, reason: str = "working") -> StageHealth:
    return StageHealth("detect", INSTANCE, at_ms, ok, reason, {"waiting": 7})


def test_a_stage_is_well_by_its_own_fresh_word_only():
    now = [1_000_000]
    vitals = Vitals(lambda: now[0])
    assert vitals.alive() == (True, "has not reported yet")
    assert not vitals.well()[0]
    handed_on: list[StageHealth] = []
    report = vitals.listening(handed_on.append)
    report(spoken(now[0]))
    assert len(handed_on) == 1
    assert vitals.well() == (True, "working")
    report(spoken(now[0], ok=False, reason="bus away"))
    assert vitals.alive()[0]
    assert vitals.well() == (False, "bus away")
    report(spoken(now[0]))
    now[0] += 61_000
    assert vitals.alive() == (False, "reported 61 s ago")
    assert not vitals.well()[0]


def test_health_is_served_beside_the_metrics(tmp_path):
    vitals = Vitals(lambda: 5_000)
    itself = [("detect", INSTANCE, os.getpid()), ("detect", "gone", 2**30)]
    collectors = (DiskCollector(tmp_path), ProcessCollector(lambda: itself))
    port, stop = serve_metrics("127.0.0.1", 0, vitals=vitals, collectors=collectors)
    where = f"http://127.0.0.1:{port}"
    try:
        assert probe(f"{where}/livez") == (True, "has not reported yet")
        assert probe(f"{where}/healthz") == (False, "has not reported yet")
        vitals.take(spoken(5_000))
        assert probe(f"{where}/healthz") == (True, "working")
        text = urllib.request.urlopen(f"{where}/metrics").read().decode()
    finally:
        stop()
    assert f'siaga_stage_ok{{instance="{INSTANCE}",stage="detect"}} 1.0' in text
    assert f'siaga_stage_waiting_records{{instance="{INSTANCE}",stage="detect"}} 7.0' in text
    assert "siaga_disk_free_bytes" in text
    assert f'siaga_process_resident_bytes{{instance="{INSTANCE}",stage="detect"}}' in text
    assert 'instance="gone"' not in text
    assert not probe(where)[0]


def test_secrets_are_files_named_as_variables(tmp_path):
    (tmp_path / "PGPASSWORD").write_text("from-the-file\n")
    (tmp_path / "AWS_REGION").write_text("file")
    (tmp_path / "cameras.csv").write_text("id\n")
    environment = {"SIAGA_SECRETS": str(tmp_path), "AWS_REGION": "given"}
    assert read_secrets(environment) == ["PGPASSWORD"]
    assert environment["PGPASSWORD"] == "from-the-file"
    assert environment["AWS_REGION"] == "given"
    assert read_secrets({}) == []


@pytest.mark.parametrize("name", ["PATH", "LD_PRELOAD", "PYTHONPATH"])
def test_a_secret_never_changes_how_programs_start(tmp_path, name):
    (tmp_path / name).write_text("/tmp")
    with pytest.raises(ConfigError, match=name):
        read_secrets({"SIAGA_SECRETS": str(tmp_path)})


def test_a_missing_folder_of_secrets_is_told(tmp_path):
    with pytest.raises(ConfigError, match="SIAGA_SECRETS"):
        read_secrets({"SIAGA_SECRETS": str(tmp_path / "none")})
