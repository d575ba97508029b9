"""The command line: good configuration passes, every mistake is one clear line and exit code 2."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.shared import REPO


def siaga(*arguments: str, cwd: Path = REPO) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "pipeline.cli", *arguments], cwd=cwd, capture_output=True, text=True, timeout=120
    )


def test_help_names_every_command() -> None:
    text = siaga("--help").stdout
    for command in ("run", "grab", "detect", "confirm", "alert", "desk", "bus", "watch", "eval", "config", "cameras"):
        assert command in text


def test_the_shipped_configuration_is_good() -> None:
    done = siaga("config", "check")
    assert done.returncode == 0
    assert "267 kelurahan" in done.stdout


def test_the_example_is_the_shipped_file() -> None:
    assert siaga("config", "example").stdout == (REPO / "configs" / "siaga.yaml").read_text()


@pytest.mark.parametrize(
    ("yaml", "cameras", "expected"),
    [
        ("grab: {speed: 1}\n", None, "siaga.yaml:1: grab.speed: unknown key"),
        ("", "id,name\n", "cameras.csv:1: missing column url"),
        ("city: {cameras: none.csv}\n", None, "none.csv: cannot be read"),
    ],
)
def test_mistakes_are_one_line_without_traceback(tmp_path: Path, yaml: str, cameras: str | None, expected: str) -> None:
    (tmp_path / "siaga.yaml").write_text(yaml)
    (tmp_path / "kelurahan.csv").write_bytes((REPO / "configs" / "kelurahan.csv").read_bytes())
    if cameras is not None:
        (tmp_path / "cameras.csv").write_text(cameras)
    done = siaga("config", "check", "--config", str(tmp_path / "siaga.yaml"))
    assert done.returncode == 2
    assert expected in done.stderr
    assert "Traceback" not in done.stderr


def test_a_camera_that_cannot_be_opened_is_told_without_its_password(tmp_path: Path) -> None:
    (tmp_path / "siaga.yaml").write_text("grab: {open_timeout_s: 2}\n")
    (tmp_path / "kelurahan.csv").write_bytes((REPO / "configs" / "kelurahan.csv").read_bytes())
    (tmp_path / "cameras.csv").write_text(
        "id,name,url,kelurahan,lat,lng,categories,owner,kinds,masks\n"
        "c1,,rtsp://admin:hunter22@127.0.0.1:9/x,31.74.01.1007,-6.2,106.85,,,,\n"
    )
    done = siaga("cameras", "check", "--config", str(tmp_path / "siaga.yaml"))
    assert done.returncode == 1
    assert "c1" in done.stdout
    assert "hunter22" not in done.stdout + done.stderr
