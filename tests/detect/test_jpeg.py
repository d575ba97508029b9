"""Pictures that lie: torn, of another size than they say, absurdly large, or no pictures at all."""

import random
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.detect.jpeg import decode_jpeg, jpeg_size
from pipeline.ops.errors import RecordError
from tests.detect.frames import jpeg, picture

GOOD = jpeg(picture(120, 80))


def with_size(width: int, height: int) -> bytes:
    """A good JPEG whose frame header says another size."""
    at = GOOD.index(b"\xff\xc0")
    return GOOD[: at + 5] + struct.pack(">HH", height, width) + GOOD[at + 9 :]


def test_a_good_picture() -> None:
    assert jpeg_size(GOOD) == (120, 80)
    image = decode_jpeg(GOOD, 120, 80)
    assert image.shape == (80, 120, 3)
    assert abs(int(image.mean()) - 200) < 5


def test_grey_pictures_become_three_channels() -> None:
    assert decode_jpeg(jpeg(picture(64, 64)[:, :, 0]), 64, 64).shape == (64, 64, 3)


def test_zeros_after_the_end_do_no_harm() -> None:
    assert decode_jpeg(GOOD + b"\x00" * 10, 120, 80).shape == (80, 120, 3)


def test_a_thousand_torn_pictures() -> None:
    rng = random.Random(1)
    pictures = [jpeg(picture(120, 80, level=level, seed=level), quality) for level in (30, 120) for quality in (40, 95)]
    for _ in range(1000):
        data = rng.choice(pictures)
        with pytest.raises(RecordError, match="picture:"):
            decode_jpeg(data[: rng.randrange(len(data) - 1)], 120, 80)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_random_bytes(data: bytes) -> None:
    for candidate in (data, b"\xff\xd8" + data, b"\xff\xd8" + data + b"\xff\xd9"):
        with pytest.raises(RecordError, match="picture:"):
            decode_jpeg(candidate, 120, 80)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(2, len(GOOD) - 3), st.integers(0, 255)), min_size=1, max_size=8))
def test_flipped_bytes_are_decoded_or_refused(changes: list[tuple[int, int]]) -> None:
    data = bytearray(GOOD)
    for at, value in changes:
        data[at] = value
    try:
        assert decode_jpeg(bytes(data), 120, 80).shape == (80, 120, 3)
    except RecordError as error:
        assert str(error).startswith("picture:")


@pytest.mark.parametrize(("width", "height"), [(65535, 65535), (8193, 10), (5000, 5000), (121, 80), (80, 120)])
def test_sizes_that_are_absurd_or_not_the_headers(width: int, height: int) -> None:
    with pytest.raises(RecordError, match=r"too large|its header says"):
        decode_jpeg(with_size(width, height), 120, 80)


def test_an_absurd_size_is_refused_even_when_the_header_agrees() -> None:
    with pytest.raises(RecordError, match="too large"):
        decode_jpeg(with_size(8000, 8000), 8000, 8000)


@pytest.mark.parametrize(("width", "height"), [(0, 80), (120, 0)])
def test_a_side_of_zero(width: int, height: int) -> None:
    with pytest.raises(RecordError, match="says"):
        jpeg_size(with_size(width, height))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not a JPEG"),
        (b"\x89PNG", "not a JPEG"),
        (b"\xff\xd8\x00\x00\x00\x00", "no marker"),
        (b"\xff\xd8\xff\xd9\xff\xd9", "no frame header"),
        (b"\xff\xd8\xff\xff\xff\xff\xff\xff", "no frame header"),
        (b"\xff\xd8\xff\xd0\xff\x01\xff\xe0\x00\x00\xff\xe0\x00\x02", "no frame header"),
        (b"\xff\xd8\xff\xc0\x00\x11\x08", "torn"),
        (b"\xff\xd8\xff\xc0\x00\x11\x0c\x00\x10\x00\x10\x03", "12 bits"),
        (b"\xff\xd8\xff\xc2\x00\x11\x08\x00\x10\x00\x10\x04", "4 components"),
    ],
)
def test_headers_that_are_no_good(data: bytes, said: str) -> None:
    with pytest.raises(RecordError, match=said):
        jpeg_size(data)


def test_a_header_without_a_picture() -> None:
    at = GOOD.index(b"\xff\xda")
    with pytest.raises(RecordError, match="cannot be decoded"):
        decode_jpeg(GOOD[:at] + b"\xff\xd9", 120, 80)


def test_rotation_in_exif_is_ignored() -> None:
    exif = (
        b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00\x00"
    )
    data = GOOD[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + GOOD[2:]
    np.testing.assert_array_equal(decode_jpeg(data, 120, 80), decode_jpeg(GOOD, 120, 80))
