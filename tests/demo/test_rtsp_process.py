"""The server as a process of its own: ready line, SIGTERM, SIGSTOP, kill -9, restart on the same port."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import av
import pytest

from tests.demo.reading import opened, packets


def start(*arguments: str) -> tuple["subprocess.Popen[str]", int]:
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline.demo.rtsp", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    match = re.fullmatch(r"ready port=(\d+) streams=\S+\n", line)
    if match is None:
        raise AssertionError(process.communicate()[1] or line)
    return process, int(match.group(1))


def end(process: "subprocess.Popen[str]", number: int = signal.SIGKILL) -> int:
    process.send_signal(number)
    process.communicate(timeout=10)
    return process.returncode


@pytest.fixture
def process(clips: dict[str, Path]) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    running, port = start("--port", "0", str(clips["h264"]))
    yield running, port
    if running.poll() is None:
        end(running)


def test_ends_on_sigterm_although_a_client_is_connected(process: tuple["subprocess.Popen[str]", int]) -> None:
    running, port = process
    with opened(f"rtsp://127.0.0.1:{port}/h264") as container:
        packets(container, 3)
        assert end(running, signal.SIGTERM) == 0


def test_serves_a_folder(clips: dict[str, Path]) -> None:
    running, port = start("--dir", str(clips["h264"].parent), "--clock", "client")
    try:
        with opened(f"rtsp://127.0.0.1:{port}/bright") as container:
            assert len(packets(container, 3)) == 3
    finally:
        assert end(running, signal.SIGTERM) == 0


def test_stopped_server_lets_the_reader_time_out_and_goes_on_in_the_present(
    process: tuple["subprocess.Popen[str]", int],
) -> None:
    running, port = process
    with opened(f"rtsp://127.0.0.1:{port}/h264", timeout_s=1) as container:
        assert len(packets(container, 5)) == 5
        os.kill(running.pid, signal.SIGSTOP)
        stopped = time.monotonic()
        with pytest.raises(av.error.FFmpegError):
            packets(container, 1000)
    stopped_s = time.monotonic() - stopped
    os.kill(running.pid, signal.SIGCONT)
    assert stopped_s < 10
    with opened(f"rtsp://127.0.0.1:{port}/h264") as container:
        assert len(packets(container, 5)) == 5


def test_after_a_stop_a_patient_reader_sees_a_gap_in_time_and_no_backlog(
    process: tuple["subprocess.Popen[str]", int],
) -> None:
    running, port = process
    with opened(f"rtsp://127.0.0.1:{port}/h264", timeout_s=20) as container:
        last = packets(container, 10)[-1].pts
        os.kill(running.pid, signal.SIGSTOP)
        # The length of the stop is what is tested; there is no event to wait for.
        signal.sigtimedwait([], 3.5)
        os.kill(running.pid, signal.SIGCONT)
        times = [packet.pts for packet in packets(container, 40)]
    assert last is not None
    known = [time for time in times if time is not None]
    steps = [after - before for before, after in zip([last, *known], known, strict=False)]
    assert min(steps) > 0
    assert max(steps) > 90_000


def test_killed_server_ends_the_stream_and_serves_again_on_its_port(
    process: tuple["subprocess.Popen[str]", int], clips: dict[str, Path]
) -> None:
    running, port = process
    with opened(f"rtsp://127.0.0.1:{port}/h264", timeout_s=2) as container:
        packets(container, 3)
        end(running)
        taken = 0
        with contextlib.suppress(av.error.FFmpegError):
            taken = len(packets(container, 1000))
    assert taken < 1000
    again, same = start("--port", str(port), str(clips["h264"]))
    try:
        assert same == port
        with opened(f"rtsp://127.0.0.1:{port}/h264") as container:
            assert len(packets(container, 3)) == 3
    finally:
        end(again)


@pytest.mark.parametrize("what", ["missing", "port"])
def test_what_cannot_be_served_is_told_in_one_line(what: str, tmp_path: Path, clips: dict[str, Path]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        path = tmp_path / "tidak-ada.mp4" if what == "missing" else clips["h264"]
        port = taken.getsockname()[1] if what == "port" else 0
        result = subprocess.run(
            [sys.executable, "-m", "pipeline.demo.rtsp", "--port", str(port), str(path)],
            capture_output=True,
            text=True,
            timeout=30,
        )
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert ("tidak-ada.mp4" if what == "missing" else str(port)) in result.stderr
