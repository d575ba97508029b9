"""The temporal model at work: sixteen pictures in, scores and the place of the motion out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import structlog

from pipeline.bus.records import Box
from pipeline.detect.brawl.crops import choose, cut
from pipeline.detect.brawl.flow import flow_figures, motion_figures
from pipeline.detect.brawl.motion import Floats, Image, measure
from pipeline.detect.manifest import load_manifest, read_weights
from pipeline.detect.metrics import SECONDS
from pipeline.detect.session import ONNXRUNTIME_ERRORS, open_session
from pipeline.ops.errors import ModelError
from pipeline.ops.sections import DetectSection

log = structlog.get_logger(__name__)

PICTURES = 16
LONGEST_SIDE = 320
"""The training clips have this longest side; finer pictures are reduced to it, px."""


@dataclass(frozen=True)
class Scored:
    """P(fight) and P(group brawl) 0..1, where the motion lay (shares of the picture), logits' scores by fold."""

    fight: float
    group: float
    box: Box
    folds: tuple[float, ...] = ()


class TemporalModel:
    """One model folder with head `temporal`, ready. Not shared between threads.

    Args:
        folder: The model folder.
        detect: Providers and threads.

    Raises:
        ModelError: The manifest is wrong or of another head, or the file cannot be used.
    """

    def __init__(self, folder: Path, detect: DetectSection) -> None:
        self.manifest = load_manifest(folder)
        if self.manifest.head != "temporal":
            raise ModelError(f"model {self.manifest.name}: head is {self.manifest.head}, a burst needs temporal")
        self._session = open_session(self.manifest.name, read_weights(folder, self.manifest), detect)
        names = [given.name for given in self._session.get_inputs()]
        if names != ["crops", "figures"]:
            raise ModelError(f"model {self.manifest.name}: inputs are {names}, not crops and figures")
        self.score([np.full((72, 128, 3), 114, np.uint8)] * PICTURES)
        log.info("detect.model_ready", model=self.manifest.name, version=self.manifest.version)

    def score(self, pictures: Sequence[Image]) -> Scored:
        """Score a burst of pictures `[H, W, 3]` BGR of one size, oldest first; other lengths are stretched to 16.

        Raises:
            ModelError: The model failed, or the pictures differ in size.
        """
        if len({picture.shape for picture in pictures}) != 1:
            raise ModelError(f"model {self.manifest.name}: a burst's pictures must be of one size")
        with SECONDS.labels("burst_preprocess").time():
            sized = [_reduced(pictures[i]) for i in _spread(len(pictures))]
            height, width = sized[0].shape[:2]
            motion = measure(sized)
            squares = choose(motion, height, width)
            crops = np.stack([cut(sized, square, self.manifest.input.width) for square in squares])
            figures = np.concatenate([motion_figures(motion), *(flow_figures(crop) for crop in crops)])
            tensor = crops.transpose(0, 1, 4, 2, 3).astype(np.float32)[None]
        scores, folds = self._run(tensor, figures[None])
        wide = squares[0]
        half = wide.side / 2
        box = (
            _share(wide.x - half, width),
            _share(wide.y - half, height),
            _share(wide.x + half, width),
            _share(wide.y + half, height),
        )
        return Scored(float(scores[0, 0]), float(scores[0, 1]), box, tuple(float(value) for value in folds[0]))

    def _run(self, crops: Floats, figures: Floats) -> tuple[Floats, Floats]:
        try:
            with SECONDS.labels("burst_infer").time():
                scores, folds = self._session.run(["scores", "folds"], {"crops": crops, "figures": figures})
        except ONNXRUNTIME_ERRORS as error:
            raise ModelError(f"model {self.manifest.name} failed: {error}") from error
        if scores.shape != (1, 2) or not np.isfinite(scores).all():
            raise ModelError(f"model {self.manifest.name}: scores of shape {scores.shape} or not finite")
        return scores, folds


def _spread(count: int) -> list[int]:
    """Return 16 indices over `count` pictures, evenly."""
    return [round(k * (count - 1) / (PICTURES - 1)) for k in range(PICTURES)]


def _reduced(picture: Image) -> Image:
    scale = LONGEST_SIDE / max(picture.shape[:2])
    if scale >= 1:
        return picture
    size = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _share(value: float, whole: int) -> float:
    return round(min(1.0, max(0.0, value / whole)), 4)
