"""Real processes: started, restarted when they end, stopped together, never orphaned."""

import os
import signal
import subprocess
import sys
import threading
from itertools import pairwise
from pathlib import Path

import pytest

from pipeline.ops import machine
from pipeline.ops.errors import ConfigError
from pipeline.ops.metrics import clear_metrics_dir, serve_metrics
from pipeline.ops.settings import Settings
from pipeline.ops.supervisor import Program, Supervisor, end_with_parent
from tests.waiting import wait_for


def sleeper(name: str) -> Program:
    return Program(name, [sys.executable, "-c", "import time\nwhile True: time.sleep(1)"], name)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z" if Path("/proc").exists() else True


def test_a_killed_program_runs_again_and_all_stop_together(tmp_path: Path) -> None:
    clear_metrics_dir(tmp_path / "metrics")
    supervisor = Supervisor(tmp_path / "metrics")
    supervisor.start(sleeper("a"))
    supervisor.start(sleeper("b"))
    first = supervisor.pids()
    os.kill(first["a"], signal.SIGKILL)

    def back() -> bool:
        supervisor.tick()
        return supervisor.pids().get("a", first["a"]) != first["a"]

    wait_for(back, 20, what="restart of a")
    now = supervisor.pids()
    assert now["b"] == first["b"]
    supervisor.stop()
    assert not any(alive(pid) for pid in now.values())


def test_a_program_that_keeps_ending_waits_longer_each_time(tmp_path: Path) -> None:
    clear_metrics_dir(tmp_path / "metrics")
    now = [0]
    starts: list[int] = []
    supervisor = Supervisor(tmp_path / "metrics", lambda: now[0])
    supervisor.start(Program("x", [sys.executable, "-c", "raise SystemExit(3)"]))
    for _ in range(400):
        before = dict(supervisor.pids())
        supervisor.tick()
        if supervisor.pids().keys() != before.keys():
            starts.append(now[0])
            wait_for(lambda: not supervisor.pids(), 20)
        now[0] += 100
        if len(starts) > 4:
            break
        wait_for(lambda: not supervisor.pids(), 20)
    gaps = [later - earlier for earlier, later in pairwise(starts)]
    assert gaps == sorted(gaps)
    assert gaps[-1] > gaps[0]
    supervisor.stop()


def test_a_stalled_program_is_started_again(tmp_path: Path) -> None:
    clear_metrics_dir(tmp_path / "metrics")
    now = [0]
    supervisor = Supervisor(tmp_path / "metrics", lambda: now[0], lambda: {"a": "no report for 60 s"})
    supervisor.start(sleeper("a"))
    pid = supervisor.pids()["a"]
    now[0] = 120_000
    supervisor.tick()
    wait_for(lambda: supervisor.pids().get("a") != pid, 20)

    def back() -> bool:
        supervisor.tick()
        return "a" in supervisor.pids()

    wait_for(back, 20)
    supervisor.stop()


def test_metrics_of_all_processes_are_served_together(tmp_path: Path) -> None:
    import httpx

    folder = tmp_path / "metrics"
    clear_metrics_dir(folder)
    program = "from prometheus_client import Counter\nCounter('siaga_test_things_total', 'x').inc(2)"
    for _ in range(2):
        subprocess.run(
            [sys.executable, "-c", program], env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)}, check=True
        )
    port, stop = serve_metrics("127.0.0.1", 0, folder)
    try:
        assert "siaga_test_things_total 4.0" in httpx.get(f"http://127.0.0.1:{port}/metrics").text
    finally:
        stop()


def test_a_stage_whose_parent_is_another_process_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    stop = threading.Event()
    monkeypatch.setenv("SIAGA_PARENT", str(os.getppid() + 1))
    end_with_parent(stop, 0.01)
    assert stop.wait(10)


def test_the_data_folder_is_held_by_one_run(tmp_path: Path) -> None:
    with (
        machine.only_one(tmp_path),
        pytest.raises(ConfigError, match="another `siaga run`"),
        machine.only_one(tmp_path),
    ):
        pass


def test_a_taken_port_is_named() -> None:
    import socket

    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        settings = Settings.model_validate({"desk": {"port": port}, "bus": {"embedded": {"enabled": False}}})
        with pytest.raises(ConfigError, match=f"desk.port: 127.0.0.1:{port}"):
            machine.check_ports(settings)


def test_the_plan_has_one_program_a_stage_and_detector() -> None:
    plan = machine.plan_machine(Settings.model_validate({"detect": {"workers": 2}}), ["--config", "x"], ["--port", "1"])
    assert [program.name for program in plan.stages] == [
        "desk",
        "alert",
        "confirm",
        "archive",
        "detect-0",
        "detect-1",
        "grab",
    ]
    assert plan.bus is not None
    assert plan.demo is not None
    assert list(plan.demo.command[-3:]) == ["demo", "--port", "1"]
    assert [program.name for program in plan.stages if "--public" in program.command] == ["desk"]
    clips = machine.plan_machine(Settings(), [], ["--videos", "x"])
    assert not any("--public" in program.command for program in clips.stages)  # people in clips have not agreed to it
    assert machine.plan_machine(Settings.model_validate({"bus": {"embedded": {"enabled": False}}}), []).bus is None
