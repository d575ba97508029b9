"""Clips: playable in browsers, of the right length, with what came before the opening."""

import io
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from pipeline.bus.records import Frame
from pipeline.grab.clip import Clip, can_remux, clip_from_frames, clip_from_ring
from pipeline.grab.pictures import open_source
from pipeline.grab.ring import PacketRing
from pipeline.ops.errors import SourceError
from pipeline.ops.sections import GrabSection
from tests.grab.video import street, write_video

GRAB = GrabSection()
EPOCH = 1_700_000_000_000


def fill(ring: PacketRing, path: Path, start_ms: int = EPOCH) -> None:
    """Put a file into a ring as if it had been captured from `start_ms` on."""
    source = open_source(str(path), GRAB)
    for unit in source.units():
        unit.captured_ms = start_ms + round(unit.t_s * 1000)
        ring.add(source.info, unit)
    source.close()


def check(clip: Clip, width: int, height: int) -> list[float]:
    """Assert that browsers play it; return the seconds of its pictures."""
    assert clip.data.find(b"moov") < clip.data.find(b"mdat")
    with av.open(io.BytesIO(clip.data)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        assert (context.name, context.codec_tag) == ("h264", "avc1")
        assert context.pix_fmt in ("yuv420p", "yuvj420p")
        assert (context.width, context.height) == (width, height)
        times = [float(frame.pts * frame.time_base) for frame in container.decode(stream)]
    assert all(b > a for a, b in pairwise(times))
    return times


@pytest.mark.parametrize("name", ["h264", "bframes", "long"])
def test_remuxed_without_re_encoding(videos: dict[str, Path], name: str) -> None:
    ring = PacketRing(60, 1 << 24)
    fill(ring, videos[name])
    cut = ring.cut(EPOCH + 4200, EPOCH + 8000)
    assert cut is not None
    assert can_remux(cut.parts[0][0])
    clip = clip_from_ring(cut, EPOCH + 6000)
    times = check(clip, 320, 192)
    assert clip.made_from == "ring"
    assert EPOCH + 3900 - 4000 * (name == "long") <= clip.start_ms <= EPOCH + 4200
    assert EPOCH + 7900 <= clip.end_ms <= EPOCH + 8000
    assert times[-1] - times[0] == pytest.approx((clip.end_ms - clip.start_ms) / 1000, abs=0.1)
    copied = sum(unit.size for _, units in cut.parts for unit in units)
    assert abs(len(clip.data) - copied) < 10_000


@pytest.mark.parametrize(
    ("codec", "suffix", "pix_fmt"),
    [("libx265", "mp4", "yuv420p"), ("mjpeg", "avi", "yuvj420p"), ("libx264", "mp4", "yuv444p")],
)
def test_what_browsers_do_not_play_is_encoded_once(tmp_path: Path, codec: str, suffix: str, pix_fmt: str) -> None:
    ring = PacketRing(60, 1 << 24)
    fill(ring, write_video(tmp_path / f"x.{suffix}", 100, codec=codec, pix_fmt=pix_fmt))
    cut = ring.cut(EPOCH + 1000, EPOCH + 3000)
    assert cut is not None
    assert not can_remux(cut.parts[0][0])
    clip = clip_from_ring(cut, EPOCH + 2000)
    times = check(clip, 320, 192)
    assert len(times) == pytest.approx(50, abs=2)
    assert times[-1] == pytest.approx(2, abs=0.1)


def test_a_clip_goes_on_over_a_reconnection(videos: dict[str, Path]) -> None:
    ring = PacketRing(60, 1 << 24)
    fill(ring, videos["h264"])
    fill(ring, videos["h264"], EPOCH + 15_000)
    cut = ring.cut(EPOCH + 5000, EPOCH + 20_000)
    assert cut is not None
    times = check(clip_from_ring(cut, EPOCH + 16_000), 320, 192)
    assert times[-1] == pytest.approx(15, abs=0.1)
    assert max(b - a for a, b in pairwise(times)) == pytest.approx(5, abs=0.1)


def test_a_change_of_format_keeps_the_moments_own(videos: dict[str, Path], tmp_path: Path) -> None:
    ring = PacketRing(60, 1 << 24)
    fill(ring, videos["h264"])
    fill(ring, write_video(tmp_path / "w.mp4", 100, draw=lambda i: street(640, 384, i // 25)), EPOCH + 11_000)
    cut = ring.cut(EPOCH + 5000, EPOCH + 20_000)
    assert cut is not None
    check(clip_from_ring(cut, EPOCH + 12_000), 640, 384)
    check(clip_from_ring(cut, EPOCH + 8_000), 320, 192)


def test_the_ring_stays_as_it_was(videos: dict[str, Path]) -> None:
    ring = PacketRing(60, 1 << 24)
    fill(ring, videos["bframes"])
    cut = ring.cut(EPOCH, EPOCH + 5000)
    assert cut is not None
    assert clip_from_ring(cut, EPOCH).data == clip_from_ring(cut, EPOCH).data


def frame(ms: int, jpeg: bytes | None = None, size: tuple[int, int] = (320, 192)) -> Frame:
    data = jpeg or cv2.imencode(".jpg", street(*size, seed=ms % 7))[1].tobytes()
    return Frame(
        camera="a", trace="t", seq=ms, captured_ms=EPOCH + ms, width=size[0], height=size[1], cause="floor", jpeg=data
    )  # fmt: skip


def test_made_of_sampled_frames_at_their_times() -> None:
    frames = [frame(ms) for ms in (3000, 0, 1000, 1000, 2500, 9000)] + [frame(5000, b"\xff\xd8bukan")]
    clip = clip_from_frames(frames)
    times = check(clip, 320, 192)
    assert times == pytest.approx([0, 1, 2.5, 3, 9, 9.5], abs=0.01)
    assert (clip.made_from, clip.start_ms, clip.end_ms) == ("frames", EPOCH, EPOCH + 9000)


def test_odd_sizes_become_even() -> None:
    assert len(check(clip_from_frames([frame(0, size=(321, 193)), frame(500)]), 320, 192)) == 3


def test_without_frames_there_is_no_clip() -> None:
    for frames in ([], [frame(0, b"\xff\xd8bukan")]):
        with pytest.raises(SourceError):
            clip_from_frames(frames)


def test_a_ring_of_damaged_packets_is_an_error(tmp_path: Path) -> None:
    ring = PacketRing(60, 1 << 24)
    source = open_source(str(write_video(tmp_path / "x.mp4", 20, codec="libx265")), GRAB)
    for unit in source.units():
        unit.packet = av.Packet(np.zeros(50, np.uint8).tobytes())
        ring.add(source.info, unit)
    cut = ring.cut(0, 1 << 60)
    assert cut is not None
    with pytest.raises(SourceError):
        clip_from_ring(cut, cut.start_ms)
    source.close()
