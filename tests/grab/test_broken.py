"""Broken files and streams: one clear error or fewer pictures, never another exception, never a hang."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.grab.sampler import sample_source
from pipeline.ops.errors import SourceError
from pipeline.ops.sections import GrabSection
from tests.grab.video import street, write_video

GRAB = GrabSection()
KINDS = {"mp4": "libx264", "ts": "libx264", "mkv": "libx265", "avi": "mjpeg", "h264": "libx264"}


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("originals")

    def small(index: int) -> np.ndarray:
        picture = street(96, 64)
        picture[:, index : index + 8] = 255
        return picture

    made = {}
    for name, codec in KINDS.items():
        pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        path = write_video(folder / f"x.{name}", 30, gop=10, codec=codec, draw=small, pix_fmt=pix_fmt)
        made[name] = path.read_bytes()
    return made


def pictures(path: Path) -> int:
    """Read all of it, ask for bursts in between; -1 when it cannot be read."""
    try:
        sampling = sample_source(str(path), GRAB)
        count = 0
        for sample in sampling:
            assert sample.t_s >= 0
            assert sample.image.shape[2] == 3
            sampling.request_burst("uji")
            count += 1
            if count > 5000:
                raise AssertionError("a file of a second gave thousands of pictures")
    except SourceError as error:
        assert str(path) not in str(error)
        return -1
    return count


MUTATIONS = st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=24)), min_size=1, max_size=12)


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(sorted(KINDS)), MUTATIONS, st.floats(0.02, 1))
def test_damaged_bytes(
    originals: dict[str, bytes], tmp_path: Path, kind: str, changes: list[tuple[float, bytes]], keep: float
) -> None:
    data = bytearray(originals[kind])
    for place, new in changes:
        at = int(place * len(data))
        data[at : at + len(new)] = new
    path = tmp_path / f"x.{kind}"
    path.write_bytes(bytes(data[: int(keep * len(data))]))
    assert pictures(path) >= -1


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["mp4", "ts", "mkv", "jpg", "h264"]), st.binary(max_size=2000))
def test_any_bytes(tmp_path: Path, kind: str, data: bytes) -> None:
    path = tmp_path / f"x.{kind}"
    path.write_bytes(data)
    assert pictures(path) >= -1


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([".jpg", ".png", ".bmp", ".webp"]), MUTATIONS, st.floats(0.02, 1))
def test_damaged_pictures_in_a_folder(
    tmp_path: Path, suffix: str, changes: list[tuple[float, bytes]], keep: float
) -> None:
    import cv2

    data = bytearray(cv2.imencode(suffix, street(96, 64))[1].tobytes())
    whole = bytes(data)
    for place, new in changes:
        at = int(place * len(data))
        data[at : at + len(new)] = new
    (tmp_path / f"1{suffix}").write_bytes(bytes(data[: int(keep * len(data))]))
    (tmp_path / f"2{suffix}").write_bytes(whole)
    assert pictures(tmp_path) >= 1


@pytest.mark.parametrize("size", [(16_000, 16_000), (60_000, 8)])
def test_absurd_sizes_are_refused(tmp_path: Path, size: tuple[int, int]) -> None:
    import struct
    import zlib

    width, height = size
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    picture = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    idat = b"IDAT" + zlib.compress(b"\0" * 1000)
    picture += struct.pack(">I", len(idat) - 4) + idat + struct.pack(">I", zlib.crc32(idat))
    folder = tmp_path / "f"
    folder.mkdir()
    (folder / "1.png").write_bytes(picture)
    single = tmp_path / "x.png"
    single.write_bytes(picture)
    assert pictures(single) <= 0
    if width * height > 100_000_000:
        assert pictures(folder) <= 0


def test_a_truncated_file_gives_what_is_there(originals: dict[str, bytes], tmp_path: Path) -> None:
    for kind in ("ts", "h264", "avi"):
        path = tmp_path / f"x.{kind}"
        path.write_bytes(originals[kind][: len(originals[kind]) // 2])
        assert pictures(path) >= 1
