from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from structlog.typing import EventDict

from pipeline.demo.rtsp import ServerThread, Stream, serve_in_thread
from tests.grab.http import http_server
from tests.grab.video import write_video

SECRET = "r4h4s1a"
"""The password in every URL of these tests; it may appear nowhere else."""


@pytest.fixture(scope="session")
def videos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Ten seconds each: `h264` (keyframes every second), `hevc`, `long` (every 4 s), `bframes`."""
    folder = tmp_path_factory.mktemp("videos")
    return {
        "h264": write_video(folder / "h264.mp4", 250),
        "hevc": write_video(folder / "hevc.mp4", 250, codec="libx265"),
        "long": write_video(folder / "long.mp4", 250, gop=100),
        "bframes": write_video(folder / "bframes.mp4", 250, options={"preset": "veryfast", "bf": "2"}),
    }


@pytest.fixture
def served(videos: dict[str, Path]) -> Iterator[ServerThread]:
    """The videos as RTSP cameras; `locked` asks for a password, `once` ends after its video."""
    streams = {name: Stream(path) for name, path in videos.items()}
    streams["locked"] = Stream(videos["h264"], user="siaga", password=SECRET)
    streams["once"] = Stream(write_video(videos["h264"].parent / "once.mp4", 50), loop=False, clock="client")
    with serve_in_thread(streams) as server:
        yield server


@pytest.fixture
def web(videos: dict[str, Path], tmp_path: Path) -> Iterator[str]:
    """An HTTP server (`host:port`) with MJPEG and, under `/hls`, the `h264` video as HLS."""
    import av

    folder = tmp_path / "web" / "hls"
    folder.mkdir(parents=True)
    with (
        av.open(str(videos["h264"])) as source,
        av.open(str(folder / "live.m3u8"), "w", format="hls", options={"hls_time": "2", "hls_list_size": "0"}) as out,
    ):
        stream = out.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    with http_server(tmp_path / "web") as place:
        yield place


@pytest.fixture
def lines() -> Iterator[list[EventDict]]:
    """Everything that is logged meanwhile."""
    with structlog.testing.capture_logs() as captured:
        yield captured
