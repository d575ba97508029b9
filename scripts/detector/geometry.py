"""Letterbox, decoding and suppression exactly as trained. numpy and OpenCV only: no torch here.

The runtime's tests compare the product's detector with these functions.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Image = NDArray[np.uint8]

PAD = 114
STRIDES = (8, 16, 32)
MAX_LOG_SIZE = 8.0
CLASSES = ("fire", "smoke", "person")


def letterbox(image: Image, size: int) -> tuple[Image, float]:
    """Fit `image` (H, W, 3, BGR uint8) into the top left of a `size` x `size` canvas filled with 114.

    Returns the canvas and the ratio canvas pixels / picture pixels.
    """
    height, width = image.shape[:2]
    ratio = min(size / height, size / width)
    new = (max(1, round(width * ratio)), max(1, round(height * ratio)))
    canvas = np.full((size, size, 3), PAD, np.uint8)
    canvas[: new[1], : new[0]] = cv2.resize(image, new)
    return canvas, ratio


def to_tensor(canvas: Image) -> Floats:
    """`[S, S, 3]` uint8 -> `[1, 3, S, S]` float32 0..255, BGR."""
    return np.ascontiguousarray(canvas.transpose(2, 0, 1)[None], dtype=np.float32)


@lru_cache(maxsize=8)
def anchors(size: int) -> tuple[Floats, Floats]:
    """Grid cells `[A, 2]` (x, y) and strides `[A, 1]` of a square input of `size` px, stride 8 first, row by row."""
    cells, strides = [], []
    for stride in STRIDES:
        count = size // stride
        y, x = np.mgrid[:count, :count]
        cells.append(np.stack((x, y), -1).reshape(-1, 2))
        strides.append(np.full((count * count, 1), stride))
    return np.concatenate(cells).astype(np.float32), np.concatenate(strides).astype(np.float32)


def boxes_of(output: Floats, size: int) -> Floats:
    """Raw rows `[A, 5 + C]` -> boxes `[A, 4]` x1, y1, x2, y2 in canvas pixels."""
    cells, strides = anchors(size)
    centre = (output[:, :2] + cells) * strides
    half = np.exp(np.minimum(output[:, 2:4], MAX_LOG_SIZE)) * strides / 2
    return np.concatenate((centre - half, centre + half), 1)


def nms(boxes: Floats, scores: Floats, limit: float) -> NDArray[np.intp]:
    """Greedy suppression: indices kept, best first; a box overlapping a better one by more than `limit` IoU goes."""
    order = np.argsort(-scores, kind="stable")
    area = np.clip(boxes[:, 2] - boxes[:, 0], 0, None) * np.clip(boxes[:, 3] - boxes[:, 1], 0, None)
    kept = []
    while len(order):
        best, rest = order[0], order[1:]
        kept.append(best)
        low = np.maximum(boxes[best, :2], boxes[rest, :2])
        high = np.minimum(boxes[best, 2:], boxes[rest, 2:])
        common = np.prod(np.clip(high - low, 0, None), 1)
        order = rest[common / (area[best] + area[rest] - common + 1e-9) <= limit]
    return np.array(kept, np.intp)


def decode(
    output: Floats,
    size: int,
    ratio: float,
    shape: tuple[int, int],
    floor: float = 0.01,
    overlap: float = 0.6,
    most: int = 100,
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Rows of one picture `[A, 5 + C]` (objectness and classes after sigmoid) -> boxes, scores, classes.

    `shape` is the picture's (height, width); boxes `[K, 4]` are x1, y1, x2, y2 in its pixels, clipped to it. The score
    is objectness x class; each class is suppressed on its own with `overlap`; at most `most` boxes with a score above
    `floor`.
    """
    boxes = boxes_of(output, size) / ratio
    boxes[:, 0::2] = boxes[:, 0::2].clip(0, shape[1])
    boxes[:, 1::2] = boxes[:, 1::2].clip(0, shape[0])
    scores = output[:, 4:5] * output[:, 5:]
    found = []
    for kind in range(scores.shape[1]):
        index = np.flatnonzero(scores[:, kind] > floor)
        index = index[np.argsort(-scores[index, kind], kind="stable")[:400]]
        kept = index[nms(boxes[index], scores[index, kind], overlap)] if len(index) else index
        found.append((boxes[kept], scores[kept, kind], np.full(len(kept), kind, np.int64)))
    joined = [np.concatenate(part) for part in zip(*found, strict=True)]
    best = np.argsort(-joined[1], kind="stable")[:most]
    return joined[0][best], joined[1][best], joined[2][best]


def iou(first: Floats, second: Floats) -> Floats:
    """IoU of every box of `first` `[N, 4]` with every box of `second` `[M, 4]` -> `[N, M]`."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    common = np.prod(np.clip(high - low, 0, None), 2)
    sizes = [np.prod(np.clip(b[:, 2:] - b[:, :2], 0, None), 1) for b in (first, second)]
    result: Floats = common / (sizes[0][:, None] + sizes[1][None] - common + 1e-9)
    return result
