"""Every kind of source over the wire, its ways of failing, and passwords that stay inside."""

import os
import socket
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from pipeline.demo.rtsp import ServerThread
from pipeline.grab.faults import SourceFaultError
from pipeline.grab.pictures import open_source
from pipeline.grab.sampler import sample_source
from pipeline.grab.source import Unit
from pipeline.ops.sections import GrabSection
from tests.grab.conftest import SECRET
from tests.grab.test_state import Now

GRAB = GrabSection(open_timeout_s=3, read_timeout_s=2)


def read(url: str, count: int) -> list[Unit]:
    source = open_source(url, GRAB)
    try:
        return list(islice(source.units(), count))
    finally:
        source.close()


def fault(url: str) -> SourceFaultError:
    with pytest.raises(SourceFaultError) as caught:
        read(url, 10_000)
    return caught.value


@pytest.fixture
def mute() -> Iterator[int]:
    """A port that accepts and says nothing."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(5)
        yield listener.getsockname()[1]


@pytest.mark.parametrize(("name", "codec"), [("h264", "h264"), ("hevc", "hevc"), ("bframes", "h264")])
def test_rtsp(served: ServerThread, name: str, codec: str) -> None:
    source = open_source(served.url(name), GRAB)
    units = list(islice(source.units(), 60))
    source.close()
    assert (source.info.codec, source.info.width, source.info.height, source.info.live) == (codec, 320, 192, True)
    assert any(unit.key for unit in units)
    assert 1.9 <= max(u.t_s for u in units) - min(u.t_s for u in units) <= 2.7


def test_rtsp_with_a_password(served: ServerThread) -> None:
    url = served.url("locked").replace("rtsp://", f"rtsp://siaga:{SECRET}@")
    assert len(read(url, 3)) == 3
    wrong = fault(served.url("locked").replace("rtsp://", f"rtsp://siaga:{SECRET}x@"))
    assert wrong.reason == "unauthorised"
    assert SECRET not in str(wrong)


def test_mjpeg_over_http_runs_by_arrival(web: str) -> None:
    source = open_source(f"http://u:{SECRET}@{web}/mjpeg", GRAB)
    units = list(islice(source.units(), 12))
    source.close()
    assert source.info.codec == "mjpeg"
    assert source.info.live
    assert all(unit.key for unit in units)
    seconds = (units[-1].arrived_ms - units[1].arrived_ms) / 1000
    assert units[-1].t_s - units[1].t_s == pytest.approx(seconds, abs=0.05)


def test_mjpeg_samples(web: str) -> None:
    sampling = sample_source(f"http://{web}/mjpeg", GrabSection(floor_fps=5))
    times = [sample.t_s for sample in islice(sampling, 5)]
    sampling.close()
    assert times == sorted(times)


def test_hls(web: str) -> None:
    samples = list(sample_source(f"http://{web}/hls/live.m3u8", GrabSection(activity_fps=1)))
    assert [round(s.t_s) for s in samples] == list(range(10))
    assert samples[0].image.shape == (192, 320, 3)


@pytest.mark.parametrize("name", ["live.m3u8", "kamera"])
def test_hls_under_way_is_waited_for_between_segments(web: str, name: str) -> None:
    source = open_source(f"http://{web}/{name}", GrabSection(read_timeout_s=1))
    assert source.info.live
    seconds = [unit.t_s for unit in islice(source.units(), 130)]
    source.close()
    assert max(seconds) >= 5


def test_hls_from_a_folder(web: str, tmp_path: Path) -> None:
    assert len(list(sample_source(str(tmp_path / "web" / "hls" / "live.m3u8"), GrabSection(activity_fps=1)))) == 10


def test_a_stream_that_ends_cleanly_just_ends(served: ServerThread, web: str) -> None:
    assert len(read(served.url("once"), 10_000)) == 50
    assert fault(f"http://{web}/once").reason == "ended"
    assert len(read(f"http://{web}/hls/live.m3u8", 10_000)) == 250


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
def test_refused(scheme: str, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        error = fault(f"{scheme}://admin:{SECRET}@127.0.0.1:{taken.getsockname()[1]}/x")
    assert error.reason == "refused"
    assert SECRET not in str(error)
    assert error.__cause__ is None
    assert SECRET not in "".join(capfd.readouterr())
    assert error.__suppress_context__


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
def test_a_server_that_says_nothing(mute: int, scheme: str) -> None:
    error = fault(f"{scheme}://admin:{SECRET}@127.0.0.1:{mute}/x")
    assert error.reason == "timeout"
    assert SECRET not in str(error)


def test_a_stream_that_falls_silent(served: ServerThread) -> None:
    source = open_source(served.url("h264"), GRAB)
    units = source.units()
    next(units)
    served.stall("h264")
    with pytest.raises(SourceFaultError) as caught:
        for _ in units:
            pass
    source.close()
    assert caught.value.reason == "timeout"


def test_mjpeg_that_falls_silent(web: str) -> None:
    assert fault(f"http://{web}/stall").reason == "timeout"


def test_not_found_and_forbidden(served: ServerThread, web: str, tmp_path: Path) -> None:
    assert fault(served.url("tidak-ada")).reason == "not_found"
    assert fault(f"http://{web}/none.mp4").reason == "not_found"
    assert fault(f"http://a:{SECRET}@{web}/401").reason == "unauthorised"
    assert fault(str(tmp_path / "none.mp4")).reason == "not_found"
    assert fault("rtsp://tidak-ada.invalid/x").reason in ("unreachable", "timeout")


def test_file_urls_and_things_that_are_no_files(videos: dict[str, Path], tmp_path: Path) -> None:
    assert len(read(f"file://{videos['h264']}", 5)) == 5
    os.mkfifo(tmp_path / "pipe")
    assert fault(str(tmp_path / "pipe")).reason == "unsupported"


def test_arrivals_are_stamped_by_the_clock_given(videos: dict[str, Path]) -> None:
    source = open_source(str(videos["h264"]), GRAB, Now())
    assert {unit.arrived_ms for unit in islice(source.units(), 5)} == {1_000_000}
    source.close()
    source.close()


def test_hangs_end(mute: int) -> None:
    """Not a timing test: without the timeout this would wait for ever."""
    started = time.monotonic()
    fault(f"http://127.0.0.1:{mute}/x")
    assert time.monotonic() - started < 60
