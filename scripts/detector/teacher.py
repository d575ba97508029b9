"""Person boxes by the COCO network as teacher, so that one pass counts people too."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort

from scripts.detector.geometry import Floats, Image, decode, letterbox, to_tensor

SIZE = 416
FLOOR = 0.2


class Teacher:
    """YOLOX-nano with its 80 COCO classes at 416 px (raw output, class 0 = person)."""

    def __init__(self, path: Path) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name

    def people(self, image: Image) -> Floats:
        """Boxes `[K, 5]`: x1, y1, x2, y2 in pixels of `image` and the score, all above .2."""
        canvas, ratio = letterbox(image, SIZE)
        output = self._session.run(None, {self._input: to_tensor(canvas)})[0][0]
        boxes, scores, _ = decode(output[:, :6], SIZE, ratio, image.shape[:2], floor=FLOOR, overlap=0.6, most=60)
        return np.concatenate((boxes, scores[:, None]), 1).astype(np.float32)


def read(path: Path) -> Image:
    """A picture as BGR; raises ValueError naming the file if it cannot be read."""
    image = cv2.imread(str(path))
    if image is None:
        raise ValueError(f"{path}: not a readable picture")
    return np.asarray(image, np.uint8)
