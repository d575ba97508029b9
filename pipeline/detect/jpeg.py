"""JPEG bytes -> picture, without trust: the size is read before a pixel is decoded, a torn file is refused."""

import struct
from typing import Any

import cv2
import numpy as np

from pipeline.detect.letterbox import Image
from pipeline.ops.errors import RecordError

MAX_SIDE = 8192
MAX_PIXELS = 4096 * 4096
"""50 MB as BGR; a city camera gives 0.2-8 million pixels."""

_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})


def jpeg_size(data: bytes) -> tuple[int, int]:
    """Return (width, height) px from the frame header (ITU-T T.81, B.2.2) without decoding.

    Raises:
        RecordError: The bytes are no JPEG, or the header is missing, torn or says zero.
    """
    if data[:2] != bytes((0xFF, _SOI)):
        raise RecordError("picture: not a JPEG")
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            raise RecordError(f"picture: no marker at byte {at} of the JPEG header")
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in _WITHOUT_LENGTH:
            at += 2
        elif marker in (_SOS, _EOI):
            break
        elif marker in _FRAME_HEADERS:
            return _frame_header(data[at + 4 : at + 10])
        else:
            at += 2 + max(2, struct.unpack_from(">H", data, at + 2)[0])
    raise RecordError("picture: the JPEG has no frame header")


def _frame_header(header: bytes) -> tuple[int, int]:
    """Read precision, height, width and number of components."""
    if len(header) < 6:
        raise RecordError("picture: the JPEG's frame header is torn")
    precision, height, width, components = struct.unpack(">BHHB", header)
    if precision != 8 or components not in (1, 3):
        raise RecordError(f"picture: JPEG of {precision} bits and {components} components")
    if not width or not height:
        raise RecordError(f"picture: the JPEG says {width}x{height}")
    return width, height


def decode_jpeg(data: bytes, width: int, height: int) -> Image:
    """Decode to `[height, width, 3]` BGR. Rotation in Exif is ignored: boxes belong to the pixels as they are stored.

    Args:
        data: The JPEG.
        width: What the frame's header says, px.
        height: The same.

    Raises:
        RecordError: Not a JPEG, another size than the header says, absurdly large, torn, or not decodable.
    """
    size = jpeg_size(data)
    if max(size) > MAX_SIDE or size[0] * size[1] > MAX_PIXELS:
        raise RecordError(f"picture: {size[0]}x{size[1]} is too large")
    if size != (width, height):
        raise RecordError(f"picture: the JPEG is {size[0]}x{size[1]}, its header says {width}x{height}")
    if not data.rstrip(b"\x00").endswith(bytes((0xFF, _EOI))):
        raise RecordError("picture: the JPEG is torn (no end marker)")
    try:
        image: Any = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise RecordError(f"picture: the JPEG cannot be decoded: {error.err}") from error
    if image is None or image.shape != (height, width, 3):
        raise RecordError("picture: the JPEG cannot be decoded")
    picture: Image = image
    return picture
