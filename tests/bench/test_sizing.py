"""The plan: its formulas, the tables of docs/scale.md, and its costs against the same work measured here and now."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipeline.bench.confirm import measure_confirm
from pipeline.bench.detect import measure_detect
from pipeline.bench.plan import QUICK
from pipeline.bench.profile import COSTS, Profile, load_profile, write_profile
from pipeline.bench.sizing import as_table, size
from pipeline.bench.units import measure_picture
from pipeline.ops.errors import ConfigError
from tests.bench.sample import RESULT, SIZE
from tests.shared import REPO

FILE = REPO / "configs" / "scale" / "profile.yaml"
PAGE = REPO / "docs" / "scale.md"
PROFILE = load_profile(FILE)
WITHIN = 0.20
BLOCK = re.compile(r"^```\n(siaga plan [^\n]+)\n```\n\n((?:\|[^\n]*\n)+)", re.MULTILINE)


def said(command: str) -> str:
    """What a command line prints."""
    words = [sys.executable, "-m", "pipeline.cli", *command.split()[1:]]
    return subprocess.run(words, cwd=REPO, capture_output=True, text=True, check=True).stdout


def test_the_tables_of_the_page_are_what_the_command_says() -> None:
    blocks = BLOCK.findall(PAGE.read_text())
    assert blocks
    cameras = [count for command, _ in blocks for count in re.findall(r"--cameras (\d+)", command)]
    assert {"1500", "10000", "100000"} <= set(cameras)
    for command, table in blocks:
        assert said(command) == table, command


def test_the_plan_of_a_line_that_was_measured_is_within_a_fifth_of_it() -> None:
    line = PROFILE.line
    one_a_second = PROFILE.choices["frames_per_camera_s"].model_copy(update={"value": line.pictures_per_camera_s})
    profile = PROFILE.model_copy(update={"choices": {**PROFILE.choices, "frames_per_camera_s": one_a_second}})
    planned = size(profile, line.cameras)
    # One copy and one broker there, and no database of its own.
    work = planned.grab_cores + planned.detect_cores + planned.confirm_cores
    work += planned.bus_cores / profile.choice("replication") + profile.cost("alert") + profile.cost("desk")
    assert work == pytest.approx(line.cpu_s_per_s, rel=WITHIN)


@contextmanager
def untraced() -> Iterator[None]:
    """Measure what is measured: tracing for coverage makes Python dearer, and native code not."""
    tracer = sys.gettrace()
    sys.settrace(None)
    try:
        yield
    finally:
        sys.settrace(tracer)


def ratio(profile: Profile, name: str) -> float:
    """How much dearer a unit is in the profile than the plain way of the same work."""
    unit = profile.units[name]
    assert unit.reference is not None
    return unit.value / unit.reference


def test_the_costs_are_within_a_fifth_of_the_same_work_measured_now(tmp_path: Path) -> None:
    """Each beside its plain way, in turns: a busy or another machine makes both dearer, and the ratio stays."""
    plan = replace(QUICK, detect_rounds=9, observations=100_000)  # as many as the profile was made with
    with untraced():
        picture = measure_picture(plan, tmp_path)
        detect = measure_detect(plan, REPO / "models" / "fire_smoke", tmp_path)
        confirm = measure_confirm(plan)
    now = {
        "grab_picture": picture["ratio"],
        "detect_look": 1 / detect["ratio_with_jpeg"],
        "confirm_rules": confirm["observations_read_per_s_per_core"] / confirm["both_per_s_per_core"],
    }
    print(now)
    for name, found in now.items():
        assert found == pytest.approx(ratio(PROFILE, name), rel=WITHIN), name


def test_every_cost_names_the_command_that_measured_it() -> None:
    for name, unit in PROFILE.units.items():
        assert unit.command.startswith("siaga bench"), name
        assert unit.unit == COSTS[name], name
    assert PROFILE.line.command.startswith("siaga bench")


@given(st.integers(1, 200_000), st.integers(1, 200_000))
def test_more_cameras_never_need_less(a: int, b: int) -> None:
    few, many = size(PROFILE, min(a, b)), size(PROFILE, max(a, b))
    for name in (
        "cores",
        "servers",
        "brokers",
        "partitions",
        "areas",
        "detect_workers",
        "memory_gb",
        "disk_gb",
        "money",
    ):
        assert getattr(few, name) <= getattr(many, name), name
    assert many.partitions >= many.detect_workers


def test_with_gpus_the_network_leaves_the_cores() -> None:
    plain, gpu = size(PROFILE, 10_000), size(PROFILE, 10_000, 4000.0)
    saved = plain.frames_per_s * PROFILE.cost("detect_network")
    assert plain.gpus is None
    assert gpu.detect_cores == pytest.approx(plain.detect_cores - saved)
    assert gpu.gpus == -(-plain.frames_per_s // (4000 * PROFILE.choice("utilisation")))
    assert "GPUs" in as_table([plain, gpu])


def test_a_profile_is_renewed_from_what_was_measured(tmp_path: Path) -> None:
    bench = json.loads(json.dumps(RESULT))
    memory = {"grab": 300, "detect-0": 150, "confirm": 90, "alert": 90, "desk": 90}
    costs = {"grab": 0.4, "detect-0": 0.4, "alert": 0.01, "desk": 0.01}
    bench["line"]["sizes"] = [{**SIZE, "cpu_s_per_s": costs, "memory_mb": memory}]
    bench["grab"]["units"] = {
        "grab_picture": {"cpu_s": 0.012, "reference_cpu_s": 0.009},
        "grab_camera_mb": 6.0,
        "stream_mbit": 2.0,
    }
    city = {
        "rates": {"observations_per_s": 1000.0, "mb_per_s": 10.0, "observation_bytes": 400},
        "cpu_s_per_s": {"confirm": 0.1, "broker": 0.05, "alert": 0.03, "desk": 0.02},
        "memory_mb": {stage: {"max": 120.0} for stage in ("confirm", "alert", "desk")},
    }
    out = tmp_path / "profile.yaml"
    write_profile(out, PROFILE, bench, city, date(2026, 1, 2))
    found = load_profile(out)
    assert found.measured == date(2026, 1, 2)
    assert found.choices == PROFILE.choices
    assert found.cost("grab_camera") == pytest.approx(0.4 / 20)
    assert found.cost("detect_frame") == pytest.approx(0.4 / 20)
    assert found.cost("confirm_observation") == pytest.approx(0.0001)
    assert found.cost("bus_mb") == pytest.approx(0.005)
    assert found.cost("broker_mb_per_s") == 100.0
    assert ratio(found, "grab_picture") == pytest.approx(0.012 / 0.009)
    assert found.line.cpu_s_per_s == pytest.approx(0.82)


def test_a_profile_that_lacks_something_is_refused_by_name(tmp_path: Path) -> None:
    values = yaml.safe_load(FILE.read_text())
    del values["units"]["bus_mb"]
    (tmp_path / "p.yaml").write_text(yaml.safe_dump(values))
    with pytest.raises(ConfigError, match=r"p\.yaml.*bus_mb"):
        load_profile(tmp_path / "p.yaml")
    with pytest.raises(ConfigError, match=r"cannot be read"):
        load_profile(tmp_path / "none.yaml")
