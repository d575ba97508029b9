from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.grab.faults import SourceFaultError
from pipeline.grab.sampler import Sample, sample_source
from pipeline.ops.errors import SourceError
from pipeline.ops.sections import GrabSection
from tests.grab.video import moving, street, write_video

GRAB = GrabSection(activity_fps=1.0)


def floor_times(path: Path, grab: GrabSection = GRAB, start_s: float = 0.0) -> list[float]:
    return [round(s.t_s, 2) for s in sample_source(str(path), grab, start_s=start_s) if s.cause == "floor"]


def numbered(digits: int = 256) -> Callable[[int], np.ndarray]:
    """Pictures whose grey says which they are."""

    def draw(index: int) -> np.ndarray:
        picture = np.full((96, 160, 3), 20 + index % digits, np.uint8)
        picture[::8] = 250
        return picture

    return draw


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.avi", "a.h264"])
@pytest.mark.parametrize("gop", [25, 12, 250])
def test_one_floor_picture_a_second_in_every_container(tmp_path: Path, name: str, gop: int) -> None:
    times = floor_times(write_video(tmp_path / name, 130, gop=gop))
    assert len(times) == 6
    assert times[0] <= 0.04
    assert all(0.9 <= b - a <= 1.04 for a, b in pairwise(times)), times


@pytest.mark.parametrize(
    ("codec", "name"), [("libx265", "a.mp4"), ("mpeg4", "a.mp4"), ("mjpeg", "a.avi"), ("libx265", "a.ts")]
)
def test_other_codecs(tmp_path: Path, codec: str, name: str) -> None:
    pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    times = floor_times(write_video(tmp_path / name, 80, codec=codec, pix_fmt=pix_fmt))
    assert len(times) == 4
    assert all(abs(t - i) <= 0.1 for i, t in enumerate(times)), times


def test_b_frames_come_in_order_and_on_time(tmp_path: Path) -> None:
    for gop in (25, 250):
        times = floor_times(write_video(tmp_path / "b.mp4", 130, gop=gop, options={"preset": "medium", "bf": "3"}))
        assert times == [0, 1, 2, 3, 4, 5]


def test_odd_frame_rates(tmp_path: Path) -> None:
    assert floor_times(write_video(tmp_path / "a.mp4", 90, fps=Fraction(30000, 1001), gop=30))[:3] == [0, 1.0, 2.0]
    slow = floor_times(write_video(tmp_path / "b.mp4", 20, fps=2, gop=20))
    assert slow == list(range(10))
    very_slow = floor_times(write_video(tmp_path / "c.mkv", 4, times=[0, 2.5, 5.0, 30.0], gop=2))
    assert very_slow == [0, 2.5, 5.0, 30.0]


def test_the_picture_is_the_one_of_its_second(tmp_path: Path) -> None:
    for options in ({}, {"preset": "medium", "bf": "2"}):
        path = write_video(tmp_path / "n.mp4", 100, gop=100, draw=numbered(), options=options)
        for sample in sample_source(str(path), GRAB):
            shown = float(np.median(sample.image)) - 20
            assert abs(shown - sample.t_s * 25) < 5


def test_a_file_whose_stamps_begin_late_counts_from_zero(tmp_path: Path) -> None:
    path = write_video(tmp_path / "late.ts", 60, first_pts=25_000)
    assert floor_times(path) == [0, 1, 2]


def test_start_keeps_the_files_own_seconds(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", 200, gop=50)
    assert floor_times(path, start_s=3.4)[0] == pytest.approx(3.4, abs=1.0)
    assert min(floor_times(path, start_s=3.4)) >= 3.4
    assert floor_times(path, start_s=99) == []


def test_two_runs_are_the_same(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", 150, gop=40)

    def once() -> list[tuple[float, str, bytes]]:
        return [(s.t_s, s.cause, s.jpeg()) for s in sample_source(str(path), GrabSection())]

    assert once() == once()


def test_pictures_are_scaled_down_and_never_up(tmp_path: Path) -> None:
    wide = write_video(tmp_path / "w.mp4", 3, draw=lambda i: street(1280, 720))
    tall = write_video(tmp_path / "t.mp4", 3, draw=lambda i: street(96, 640))
    assert next(sample_source(str(wide), GRAB)).image.shape == (360, 640, 3)
    assert next(sample_source(str(tall), GrabSection(longest_side=320))).image.shape == (320, 48, 3)
    small = next(sample_source(str(write_video(tmp_path / "s.mp4", 3)), GRAB))
    assert small.image.shape == (192, 320, 3)
    assert small.image.dtype == np.uint8
    assert cv2.imdecode(np.frombuffer(small.jpeg(), np.uint8), cv2.IMREAD_COLOR).shape == (192, 320, 3)
    assert small.jpeg() is small.jpeg()


def test_a_folder_of_pictures_is_one_a_second_in_natural_order(tmp_path: Path) -> None:
    for index, name in enumerate(["1.jpg", "2.png", "10.jpeg", "11.bmp", "12.webp"]):
        picture = street(320, 192, index)
        picture[:20] = index * 40
        cv2.imwrite(str(tmp_path / name), picture)
    (tmp_path / "3.jpg").write_bytes(b"bukan gambar")
    (tmp_path / "4.jpg").touch()
    (tmp_path / "notes.txt").write_text("x")
    samples = list(sample_source(str(tmp_path), GRAB))
    assert [s.t_s for s in samples] == [0, 1, 4, 5, 6]
    assert [round(float(s.image[5].mean()) / 40) for s in samples] == [0, 1, 2, 3, 4]
    assert [s.t_s for s in sample_source(str(tmp_path), GRAB, start_s=5)] == [5, 6]


def test_activity_adds_pictures_where_something_moves(tmp_path: Path) -> None:
    still, bar = street(), moving()

    def draw(index: int) -> np.ndarray:
        return bar(index * 4) if 700 <= index < 800 else still

    samples = list(sample_source(str(write_video(tmp_path / "a.mp4", 1000, draw=draw)), GrabSection(activity_fps=4)))
    active = [s.t_s for s in samples if s.cause == "activity"]
    assert active
    assert min(active) >= 27.5
    assert max(active) <= 37
    floors = [s.t_s for s in samples if s.cause == "floor"]
    assert all(b - a <= 1.15 for a, b in pairwise(floors))


def burst_of(samples: list[Sample]) -> list[float]:
    return [s.t_s for s in samples if s.cause == "burst"]


@pytest.mark.parametrize("options", [{}, {"preset": "medium", "bf": "2"}])
def test_a_burst_begins_before_it_was_asked_for(tmp_path: Path, options: dict[str, str]) -> None:
    sampling = sample_source(str(write_video(tmp_path / "a.mp4", 250, gop=75, options=options)), GRAB)
    samples, asked = [], None
    for sample in sampling:
        samples.append(sample)
        if asked is None and sample.t_s >= 5:
            asked = sampling.request_burst("uji")
    burst = burst_of(samples)
    assert asked
    assert {s.burst for s in samples if s.cause == "burst"} == {asked}
    assert 4.0 <= burst[0] <= 5.0
    assert 1.7 <= burst[-1] - burst[0] <= 2.0
    assert 14 <= len(burst) <= 17
    assert burst == sorted(burst)
    assert len([s for s in samples if s.cause == "floor"]) == 10


def test_bursts_are_refused_with_a_reason(tmp_path: Path) -> None:
    sampling = sample_source(str(write_video(tmp_path / "a.mp4", 250)), GrabSection(bursts_per_minute=2, burst_s=0.5))
    assert sampling.request_burst("before anything") is None
    granted = 0
    for _ in sampling:
        granted += sampling.request_burst("uji") is not None
    assert granted == 2


def test_a_burst_at_the_end_ends(tmp_path: Path) -> None:
    sampling = sample_source(str(write_video(tmp_path / "a.mp4", 60)), GRAB)
    samples = []
    for sample in sampling:
        samples.append(sample)
        if sample.t_s >= 2:
            sampling.request_burst("uji")
    assert burst_of(samples)


def test_an_intra_refresh_stream_without_keyframe_flags_is_read_all_the_same(tmp_path: Path) -> None:
    options = {"x264-params": "intra-refresh=1:keyint=10000", "preset": "ultrafast"}
    times = floor_times(write_video(tmp_path / "r.ts", 200, gop=10_000, options=options))
    assert len(times) >= 7


@pytest.mark.parametrize("make", [lambda p: p.touch(), lambda p: p.write_text("bukan video"), lambda p: None])
def test_what_is_no_video_says_so(tmp_path: Path, make: Callable[[Path], object]) -> None:
    path = tmp_path / "x.mp4"
    make(path)
    with pytest.raises(SourceError) as error:
        list(sample_source(str(path), GRAB))
    assert str(tmp_path) not in str(error.value)


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    import av

    path = tmp_path / "a.wav"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), "s16", "mono")
        frame.rate = 8000
        out.mux(stream.encode(frame))
    with pytest.raises(SourceFaultError) as error:
        sample_source(str(path), GRAB)
    assert error.value.reason == "no_video"


def test_an_empty_folder_and_a_strange_scheme(tmp_path: Path) -> None:
    for url, reason in ((str(tmp_path), "no_video"), ("ftp://x/y", "unsupported"), ("concat:/etc/passwd", "not_found")):
        with pytest.raises(SourceFaultError) as error:
            sample_source(url, GRAB)
        assert error.value.reason == reason


def test_closing_half_way(tmp_path: Path) -> None:
    sampling = sample_source(str(write_video(tmp_path / "a.mp4", 100)), GRAB)
    next(sampling)
    sampling.close()
    assert list(sampling) == []
