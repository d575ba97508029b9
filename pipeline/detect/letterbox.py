"""A picture into the network's input, and boxes back. Exactly as in training: a pixel's difference moves scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.detect.manifest import InputSpec

Floats = NDArray[np.float32]
Image = NDArray[np.uint8]
"""`[H, W, 3]` BGR, 0..255."""


@dataclass(frozen=True)
class Fit:
    """Where the picture lies: picture px x `ratio` + `offset` = canvas px (x, y). `width`, `height`: picture px."""

    ratio: tuple[float, float]
    offset: tuple[int, int]
    width: int
    height: int

    def to_picture(self, boxes: Floats) -> Floats:
        """Boxes `[K, 4]` x1, y1, x2, y2 in canvas px -> picture px; they may reach beyond the picture."""
        shift = np.array(self.offset * 2, np.float32)
        return np.asarray((boxes - shift) / np.array(self.ratio * 2, np.float32), np.float32)

    def cut(self, boxes: Floats) -> Floats:
        """Boxes `[K, 4]` in picture px, cut at the picture's edges."""
        edges = np.array((self.width, self.height) * 2, np.float32)
        return np.asarray(np.clip(boxes, 0, edges), np.float32)


def letterbox(image: Image, spec: InputSpec) -> tuple[Image, Fit]:
    """Fit a picture `[H, W, 3]` onto the canvas `[spec.height, spec.width, 3]`, smaller where `spec.cut` allows.

    `top_left` is YOLOX's way (Ge et al. 2021), `centre` that of `ultralytics` (margins and ratios rounded as there).
    """
    height, width = image.shape[:2]
    if spec.letterbox == "stretch":
        ratio = (spec.width / width, spec.height / height)
        return _resize(image, spec.width, spec.height), Fit(ratio, (0, 0), width, height)
    scale = min(spec.height / height, spec.width / width)
    new_width, new_height = max(1, round(width * scale)), max(1, round(height * scale))
    left, top, ratio = 0, 0, (scale, scale)
    if spec.letterbox == "centre":
        ratio = (new_width / width, new_height / height)
        left = round((spec.width - new_width) / 2 - 0.1)
        top = round((spec.height - new_height) / 2 - 0.1)
    canvas = np.full(
        (_needed(new_height, spec.height, spec.cut), _needed(new_width, spec.width, spec.cut), 3), spec.pad, np.uint8
    )
    canvas[top : top + new_height, left : left + new_width] = _resize(image, new_width, new_height)
    return canvas, Fit(ratio, (left, top), width, height)


def _needed(used: int, most: int, cut: int) -> int:
    """Return the side of a canvas on which `used` px are covered, px."""
    return min(most, -(-used // cut) * cut) if cut else most


def grown(canvases: Sequence[Image], spec: InputSpec) -> list[Image]:
    """Bring canvases to one size, that of the largest in each direction: a batch is one block of numbers."""
    height, width = (max(canvas.shape[side] for canvas in canvases) for side in (0, 1))
    out = []
    for canvas in canvases:
        if canvas.shape[:2] != (height, width):
            small, canvas = canvas, np.full((height, width, 3), spec.pad, np.uint8)
            canvas[: small.shape[0], : small.shape[1]] = small
        out.append(canvas)
    return out


def _resize(image: Image, width: int, height: int) -> Image:
    """Bilinear, as trained."""
    resized: Any = cv2.resize(image, (width, height))
    picture: Image = resized
    return picture


def to_tensor(canvas: Image, spec: InputSpec) -> Floats:
    """Canvas `[H, W, 3]` BGR -> `[3, H, W]` float32 in the order, scale and normalisation of the manifest."""
    ordered = canvas[:, :, ::-1] if spec.colour == "rgb" else canvas
    tensor: Floats = np.ascontiguousarray(ordered.transpose(2, 0, 1), dtype=np.float32)
    if spec.scale != 1.0:
        tensor *= np.float32(spec.scale)
    if spec.mean is not None:
        tensor -= np.array(spec.mean, np.float32)[:, None, None]
    if spec.std is not None:
        tensor /= np.array(spec.std, np.float32)[:, None, None]
    return tensor
