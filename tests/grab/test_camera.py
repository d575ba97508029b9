"""One camera loop against a real RTSP server that is killed, stopped and started again."""

import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.typing import EventDict

from pipeline.bus.records import Frame
from pipeline.city.registry import Camera
from pipeline.demo.rtsp import ServerThread
from pipeline.grab.bursts import BurstBudget
from pipeline.grab.camera import STUCK_MS, CameraLoop
from pipeline.grab.state import CameraState
from pipeline.ops.clock import now_ms
from pipeline.ops.sections import GrabSection
from tests.grab.conftest import SECRET
from tests.grab.test_state import Now
from tests.grab.video import street, write_video
from tests.waiting import wait_for

GRAB = GrabSection(open_timeout_s=3, read_timeout_s=2)


class Running:
    """A camera loop with what it gave."""

    def __init__(self, url: str, grab: GrabSection = GRAB) -> None:
        self.frames: list[Frame] = []
        self.states: list[CameraState] = []
        self.stop = threading.Event()
        camera = Camera("pasar", "Pasar", url, "31.71.01.1001", -6.17, 106.82)
        budget = BurstBudget(grab.bursts_per_minute, now_ms)
        self.loop = CameraLoop(camera, grab, self.frames.append, self.states.append, budget, self.stop)
        self.loop.thread.start()

    @property
    def now(self) -> str:
        return self.loop.state.state

    @property
    def reasons(self) -> list[tuple[str, str]]:
        """States in order, repetitions left out."""
        told = [(state.state, state.reason) for state in self.states]
        return [pair for index, pair in enumerate(told) if index == 0 or pair != told[index - 1]]

    def more_frames(self, within_s: float = 30) -> None:
        """Wait for new frames."""
        have = len(self.frames)
        wait_for(lambda: len(self.frames) > have + 1, within_s, what="new frames")

    def end(self) -> None:
        self.stop.set()
        self.loop.thread.join(20)
        assert not self.loop.thread.is_alive()


@pytest.fixture
def running(request: pytest.FixtureRequest) -> Iterator[list[Running]]:
    started: list[Running] = []
    yield started
    for item in started:
        item.end()


class Server:
    """The RTSP server as a process, to be killed."""

    def __init__(self, video: Path) -> None:
        self.video, self.port = video, 0
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "pipeline.demo.rtsp", "--port", str(self.port), str(self.video)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        match = re.search(r"port=(\d+)", self.process.stdout.readline())
        assert match
        self.port = int(match.group(1))

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()

    @property
    def url(self) -> str:
        return f"rtsp://admin:{SECRET}@127.0.0.1:{self.port}/{self.video.stem}"


@pytest.fixture
def server(videos: dict[str, Path]) -> Iterator[Server]:
    process = Server(videos["h264"])
    yield process
    process.kill()


def test_killed_refused_and_back(server: Server, running: list[Running], lines: list[EventDict]) -> None:
    camera = Running(server.url)
    running.append(camera)
    wait_for(lambda: camera.now == "live")
    camera.more_frames()
    server.kill()
    wait_for(lambda: camera.now == "lost")
    wait_for(lambda: camera.loop.state.reason == "refused")
    assert camera.reasons[2][1] in ("ended", "refused")
    server.start()
    camera.more_frames(within_s=10)
    assert camera.now == "live"
    assert SECRET not in repr(lines) + repr(camera.states) + repr(camera.loop.camera)


def test_hung_and_back(server: Server, running: list[Running]) -> None:
    camera = Running(server.url)
    running.append(camera)
    wait_for(lambda: camera.now == "live")
    server.signal(signal.SIGSTOP)
    wait_for(lambda: camera.now == "lost")
    assert camera.loop.state.reason == "timeout"
    server.signal(signal.SIGCONT)
    camera.more_frames(within_s=10)
    assert camera.now == "live"


def test_a_clean_end_is_an_outage(served: ServerThread, running: list[Running]) -> None:
    camera = Running(served.url("once"))
    running.append(camera)
    wait_for(lambda: ("lost", "ended") in camera.reasons)
    assert camera.reasons[:3] == [("connecting", "opening"), ("live", "ok"), ("lost", "ended")]


def test_frames_carry_what_the_contract_asks(served: ServerThread, running: list[Running]) -> None:
    camera = Running(served.url("h264"), GrabSection(activity_fps=1.0))
    running.append(camera)
    wait_for(lambda: len(camera.frames) >= 4)
    now = now_ms()
    frames = camera.frames[:4]
    assert {(f.camera, f.width, f.height) for f in frames} == {("pasar", 320, 192)}
    assert all(now - 60_000 < f.captured_ms <= now for f in frames)
    assert len({f.trace for f in frames}) == 4
    assert [f.seq for f in frames] == sorted({f.seq for f in frames})
    assert 900 <= frames[3].captured_ms - frames[2].captured_ms <= 1100
    assert camera.loop.state.last_frame_ms is not None


def test_a_burst_on_request(served: ServerThread, running: list[Running]) -> None:
    camera = Running(served.url("long"))
    running.append(camera)
    wait_for(lambda: len(camera.frames) >= 3)
    camera.loop.ask_burst("orang berkumpul", "b1")
    wait_for(lambda: sum(f.burst == "b1" for f in camera.frames) >= 14)
    wait_for(lambda: camera.loop.state.detail.get("decode") == "full")
    assert camera.loop.ring.bytes > 0


def test_a_file_plays_at_its_own_speed_and_again(running: list[Running], tmp_path: Path) -> None:
    camera = Running(str(write_video(tmp_path / "a.mp4", 50)), GrabSection(activity_fps=1))
    running.append(camera)
    wait_for(lambda: camera.reasons.count(("live", "ok")) >= 2)
    first, second = camera.frames[0], camera.frames[1]
    assert 900 <= second.captured_ms - first.captured_ms <= 1200
    assert ("lost", "ended") in camera.reasons


def test_a_still_picture_is_frozen_and_sampled_all_the_same(running: list[Running], tmp_path: Path) -> None:
    path = write_video(tmp_path / "still.mp4", 400, fps=5, gop=5, draw=lambda i: street())
    camera = Running(str(path), GrabSection(frozen_after_s=3))
    running.append(camera)
    wait_for(lambda: camera.now == "frozen")
    assert camera.loop.state.reason == "same_picture"
    camera.more_frames()
    assert camera.frames[-1].quality == 0


def test_a_broken_camera_says_why_and_costs_nothing(running: list[Running], tmp_path: Path) -> None:
    (tmp_path / "x.mp4").write_text("bukan video")
    camera = Running(str(tmp_path / "x.mp4"))
    running.append(camera)
    wait_for(lambda: camera.now == "lost")
    assert camera.loop.state.reason == "broken"
    assert str(tmp_path) not in repr(camera.loop.state)


def test_an_unforeseen_error_is_an_outage_and_is_survived(
    running: list[Running], videos: dict[str, Path], monkeypatch: pytest.MonkeyPatch, lines: list[EventDict]
) -> None:
    import pipeline.grab.camera as module

    times = iter([True])
    original = module.CameraLoop._read

    def read(self: CameraLoop, source: object) -> None:
        if next(times, False):
            raise ZeroDivisionError(f"rtsp://a:{SECRET}@x")
        original(self, source)  # type: ignore[arg-type]

    monkeypatch.setattr(module.CameraLoop, "_read", read)
    camera = Running(str(videos["h264"]))
    running.append(camera)
    wait_for(lambda: camera.now == "live")
    assert ("lost", "internal") in camera.reasons
    assert SECRET not in repr(camera.states)


def test_a_stuck_thread_is_seen_from_outside(videos: dict[str, Path]) -> None:
    states: list[CameraState] = []
    now = Now()
    camera = Camera("pasar", "Pasar", str(videos["h264"]), "31.71.01.1001", -6.17, 106.82)
    loop = CameraLoop(
        camera, GRAB, lambda _: None, states.append, BurstBudget(1, now), threading.Event(), now
    )  # fmt: skip
    assert loop.watch().state == "connecting"
    now.ms += STUCK_MS + 1
    assert [loop.watch().reason for _ in range(3)] == ["stuck"] * 3
    assert [(state.state, state.reason, state.since_ms) for state in states] == [("lost", "stuck", 1_000_000)]
