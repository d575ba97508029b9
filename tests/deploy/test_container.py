"""The image's definition: the linter has nothing to say, nothing floats, and it copies only what is there."""

import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
FILE = ROOT / "Containerfile"
LINES = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", FILE.read_text(), flags=re.MULTILINE)).splitlines()


def instructions(name: str) -> list[str]:
    return [line.split(maxsplit=1)[1] for line in LINES if line.startswith(f"{name} ")]


def hadolint(file: Path) -> subprocess.CompletedProcess[str]:
    tool = Path(sys.executable).with_name("hadolint")
    command = [str(tool), "--no-color", "--failure-threshold", "info", str(file)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_linter_has_nothing_to_say():
    done = hadolint(FILE)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_the_linter_would_speak(tmp_path):
    bad = tmp_path / "Containerfile"
    bad.write_text(FILE.read_text().replace("python:3.11.14-slim-bookworm\n", "python:latest\n"))
    done = hadolint(bad)
    assert done.returncode == 1
    assert "DL3007" in done.stdout


def test_two_stages_from_a_pinned_slim_image():
    bases = [line.split()[0] for line in instructions("FROM")]
    assert len(bases) == 2
    assert all(re.fullmatch(r"python:3\.11\.\d+-slim-\w+", base) for base in bases)


def test_it_runs_as_a_numbered_user_without_a_shell():
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", instructions("USER")[-1])
    assert instructions("ENTRYPOINT") == ['["siaga"]']


def test_the_probe_asks_the_port_of_the_settings():
    ports = yaml.safe_load((ROOT / "configs/siaga.yaml").read_text())
    port = ports["ops"]["metrics_port"]
    assert f"http://127.0.0.1:{port}/healthz" in instructions("HEALTHCHECK")[0]
    assert instructions("EXPOSE") == [f"{ports['desk']['port']} {port}"]


def test_what_is_copied_exists_and_is_in_the_context():
    kept = [line[1:] for line in (ROOT / ".containerignore").read_text().splitlines() if line.startswith("!")]
    for line in instructions("COPY"):
        *sources, _ = line.split()
        for source in sources:
            assert (ROOT / source).exists(), source
            assert any(fnmatch(source, keep) for keep in kept), f"{source} is ignored"


def test_docker_and_podman_leave_the_same_out():
    """Docker reads `.dockerignore` alone, Podman prefers `.containerignore`."""
    assert (ROOT / ".dockerignore").read_text() == (ROOT / ".containerignore").read_text()
