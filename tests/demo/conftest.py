from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.demo.rtsp import ServerThread, Stream, serve_in_thread
from tests.demo.clips import make_clip


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("clips")
    return {
        "h264": make_clip(folder / "h264.mp4"),
        "hevc": make_clip(folder / "hevc.mp4", codec="libx265"),
        "bframes": make_clip(folder / "bframes.mp4", bf=2),
        "mkv": make_clip(folder / "inside.mkv"),
        "ts": make_clip(folder / "inside.ts"),
        "bright": make_clip(folder / "bright.mp4", frames=30, level=180),
    }


@pytest.fixture
def served(clips: dict[str, Path]) -> Iterator[ServerThread]:
    streams = {name: Stream(path) for name, path in clips.items()}
    streams["once"] = Stream(clips["bright"], loop=False, clock="client")
    streams["over"] = Stream(clips["bright"], loop=False, clock="client")
    streams["locked"] = Stream(clips["h264"], user="siaga", password="ra:ha sia")
    streams["nama jalan"] = Stream(clips["h264"])
    streams["dua"] = Stream(clips["h264"], intro=clips["bright"], clock="client")
    with serve_in_thread(streams) as server:
        yield server
