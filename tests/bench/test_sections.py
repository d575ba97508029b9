"""Each section measures something, in miniature: the figures mean nothing here, their names and signs do."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.bench.bus import measure_bus
from pipeline.bench.confirm import measure_confirm
from pipeline.bench.detect import measure_detect
from pipeline.bench.films import Film, encode, quiet_film, street
from pipeline.bench.grab import measure_grab
from pipeline.bench.line import measure_line
from pipeline.bench.plan import QUICK
from pipeline.grab.sampler import sample_source
from pipeline.ops.sections import GrabSection
from tests.shared import REPO

MODEL = REPO / "models" / "fire_smoke"
TINY = replace(
    QUICK,
    headline=Film("480p", 1.0, seconds=1.0),
    grab_s=1.0,
    grab_rounds=1,
    detect_rounds=1,
    detect_pictures=4,
    line_cameras=(2,),
    burning=0,
    line_s=2.0,
    settle_s=0.5,
    loops=1,
    bus_records=20,
    bus_rounds=1,
    observations=3000,
)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a short film under the names that the sections look for."""
    folder = tmp_path_factory.mktemp("films")
    for name in (Film().name, TINY.headline.name):
        encode(street(1.0, (320, 180)), folder / f"{name}.mp4", 25, 25, "h264", 300)
    return folder


def test_grab(films: Path) -> None:
    section = measure_grab(TINY, films)
    row = section["streams"][0]
    assert row["cpu_s_per_stream_s"].keys() == {"siaga", "opencv", "pyav"}
    assert section["ratio_vs_opencv"] > 0
    assert row["memory_mb"]["siaga"] > 0


def test_detect(tmp_path: Path) -> None:
    section = measure_detect(replace(TINY, quick=False, network_rounds=1), MODEL, tmp_path)
    assert section["ratio_vs_bare"] > 0
    networks = section["networks"]
    assert {"fp32, batch 1", "fp32, batch 16", "int8, batch 1", "cuda", "tensorrt"} <= networks.keys()
    assert all("left_out" in row or row["cpu_ms_per_picture"] > 0 for row in networks.values())
    assert "cpu_ms_per_picture" in networks["int8, batch 1"]
    assert {"bare", "decode_jpeg", "preprocess", "worker", "worker_with_jpeg"} <= section["cpu_ms_per_frame"].keys()


def test_confirm() -> None:
    section = measure_confirm(TINY)
    assert section["observations_per_s_per_core"] > section["both_per_s_per_core"] > 0


def test_bus(tmp_path: Path) -> None:
    section = measure_bus(TINY, tmp_path)
    assert section.keys() == {"embedded"}
    for name in ("produce", "produce_plain", "consume", "consume_plain"):
        assert section["embedded"][name]["records_per_s"] > 0


@pytest.mark.timeout(120)
def test_line(films: Path, tmp_path: Path) -> None:
    shutil.copy(films / f"{Film().name}.mp4", tmp_path)
    section = measure_line(TINY, tmp_path, MODEL)
    assert {"cameras_per_core", "ratio_vs_loop", "camera_to_alert_p95_s"} <= section.keys()
    size = section["sizes"][0]
    assert size["pictures_per_camera_s"] > 0
    assert {"bus", "grab", "detect-0", "confirm", "archive", "alert", "desk", "supervisor"} == size[
        "cpu_s_per_s"
    ].keys()


def test_a_film_has_the_keyframes_that_were_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    encode(street(2.0, (320, 180)), path, 25, 25, "h265", 300)
    samples = list(sample_source(str(path), GrabSection(activity_fps=1)))
    assert [round(sample.t_s) for sample in samples] == [0, 1]


def test_what_comes_before_the_fire_plays_on_without_a_gap(tmp_path: Path) -> None:
    samples = list(sample_source(str(quiet_film(tmp_path, 6)), GrabSection(activity_fps=1)))
    assert [round(sample.t_s) for sample in samples] == [0, 1, 2, 3, 4, 5]


def test_a_reader_that_finds_no_camera_says_so(tmp_path: Path) -> None:
    code = "from pipeline.bench.readers import finish, read_cameras; finish(read_cameras('nothing', [], 1, 0))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=REPO)
    assert "BenchError" in done.stderr
