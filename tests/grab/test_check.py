import socket
from pathlib import Path

import numpy as np

from pipeline.city.registry import Camera, Registry
from pipeline.demo.rtsp import ServerThread
from pipeline.grab.check import check_camera, check_cameras
from pipeline.ops.sections import GrabSection
from tests.grab.conftest import SECRET
from tests.grab.video import write_video

GRAB = GrabSection(open_timeout_s=3, read_timeout_s=2)


def camera(id_: str, url: str) -> Camera:
    return Camera(id_, id_, url, "31.71.01.1001", -6.17, 106.82)


def test_a_good_camera_is_described(served: ServerThread) -> None:
    report = check_camera(camera("a", served.url("h264")), GRAB)
    assert report.ok
    assert "h264, 320x192, 25 fps, keyframes every 1.0 s" in report.message
    assert "rarer" not in report.message


def test_rare_keyframes_are_said(videos: dict[str, Path]) -> None:
    report = check_camera(camera("a", str(videos["long"])), GRAB)
    assert report.ok
    assert "keyframes every 4.0 s" in report.message
    assert "everything is decoded" in report.message


def test_what_is_wrong_is_said_in_one_line(served: ServerThread, tmp_path: Path) -> None:
    black = write_video(tmp_path / "black.mp4", 60, draw=lambda i: np.full((96, 160, 3), 2, np.uint8))
    flat = write_video(tmp_path / "flat.mp4", 60, draw=lambda i: np.full((96, 160, 3), 130, np.uint8))
    (tmp_path / "text.mp4").write_text("bukan video")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        wrong = served.url("locked").replace("rtsp://", f"rtsp://siaga:{SECRET}x@")
        cases = {
            "refused": (f"rtsp://a:{SECRET}@127.0.0.1:{taken.getsockname()[1]}/x", "connection refused"),
            "auth": (wrong, "401"),
            "lost": (served.url("tidak-ada"), "404"),
            "black": (str(black), "black"),
            "flat": (str(flat), "covered"),
            "text": (str(tmp_path / "text.mp4"), "not a readable video"),
        }
        registry = Registry({name: camera(name, url) for name, (url, _) in cases.items()}, {})
        reports = list(check_cameras(registry, GRAB))
    assert [report.camera for report in reports] == list(cases)
    for report in reports:
        assert not report.ok
        assert cases[report.camera][1] in report.message, report
        assert "\n" not in report.message
        assert SECRET not in report.message


def test_pictures_that_cannot_be_decoded(tmp_path: Path) -> None:
    (tmp_path / "1.jpg").write_bytes(b"\xff\xd8bukan")
    report = check_camera(camera("a", str(tmp_path)), GRAB)
    assert not report.ok
    assert "no picture can be decoded" in report.message
