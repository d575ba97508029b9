"""Making a picture fit for the public: privacy masks burned in, people unrecognisable. Pure; pictures are BGR uint8."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.bus.records import Box
from pipeline.city.registry import Mask

Image = NDArray[np.uint8]
CELLS = 4
"""A person is left as this many averages along the shorter side of the box: too few to tell one from another."""
LEAST_PAD_PX = 4
JPEG_QUALITY = 75


def burn_masks(image: Image, masks: Sequence[Mask]) -> Image:
    """Return the picture (H, W, 3) with the polygons of the masks (0..1) painted black."""
    height, width = image.shape[:2]
    burned = image.copy()
    for mask in masks:
        points = np.array([[round(x * width), round(y * height)] for x, y in mask], np.int32)
        cv2.fillPoly(burned, [points], (0, 0, 0))
    return burned


def enlarged(box: Box, share: float, width: int, height: int) -> tuple[int, int, int, int]:
    """Return a box (0..1) in px with `share` of its size around it, within the picture."""
    x1, y1, x2, y2 = box
    dx = (x2 - x1) * width * share + LEAST_PAD_PX
    dy = (y2 - y1) * height * share + LEAST_PAD_PX
    left, top = int(max(0, np.floor(x1 * width - dx))), int(max(0, np.floor(y1 * height - dy)))
    right, bottom = int(min(width, np.ceil(x2 * width + dx))), int(min(height, np.ceil(y2 * height + dy)))
    return left, top, right, bottom


def blur_people(image: Image, boxes: Sequence[Box], share: float) -> Image:
    """Return the picture (H, W, 3) with every enlarged box reduced to a few averages, and those smoothed.

    Averaging throws the detail away, so nothing can bring it back; smoothing only takes the edges of the cells.
    """
    height, width = image.shape[:2]
    blurred = image.copy()
    for box in boxes:
        left, top, right, bottom = enlarged(box, share, width, height)
        if right <= left or bottom <= top:
            continue
        here = blurred[top:bottom, left:right]
        cell = max(4, min(right - left, bottom - top) // CELLS)
        grid = max(1, (right - left) // cell), max(1, (bottom - top) // cell)
        averages = cv2.resize(here, grid, interpolation=cv2.INTER_AREA)
        blocks = cv2.resize(averages, (right - left, bottom - top), interpolation=cv2.INTER_NEAREST)
        blurred[top:bottom, left:right] = cv2.GaussianBlur(blocks, (0, 0), cell / 2)
    return blurred


def public_jpeg(
    jpeg: bytes, boxes: Sequence[Box], masks: Sequence[Mask], share: float, longest_side: int
) -> bytes | None:
    """Return a new JPEG of a frame for the public, without the old one's metadata; None when it cannot be read."""
    masked = _masked(jpeg, masks)
    if masked is None:
        return None
    image = blur_people(masked, boxes, share)
    scale = longest_side / max(image.shape[:2])
    if scale < 1:
        size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    return _encoded(image)


def masked_jpeg(jpeg: bytes, masks: Sequence[Mask]) -> bytes | None:
    """Return a JPEG with its masks burned in, or the same where there are none; None when it cannot be read."""
    if not masks:
        return jpeg
    image = _masked(jpeg, masks)
    return None if image is None else _encoded(image)


def _masked(jpeg: bytes, masks: Sequence[Mask]) -> Image | None:
    decoded = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    return None if decoded is None else burn_masks(decoded.astype(np.uint8), masks)


def _encoded(image: Image) -> bytes | None:
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return data.tobytes() if done else None
