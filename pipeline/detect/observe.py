"""What a model saw in one frame, as the record that goes on the bus. `siaga watch` uses it without one."""

from collections.abc import Collection, Iterable, Mapping
from typing import get_args

from pipeline.bus.records import Detection, Frame, FrameRef, Observation, best_scores
from pipeline.detect.manifest import Manifest
from pipeline.detect.suppress import Seen
from pipeline.ops.sections import DetectSection, Kind

PERSON = "person"
KINDS: frozenset[str] = frozenset(get_args(Kind))


def watches(manifest: Manifest, frame: Frame, kinds: Collection[str]) -> bool:
    """Whether a model has something to say on a frame: it takes its cause, and knows people or a kind watched for."""
    labels = set(manifest.classes)
    return frame.cause in manifest.causes and (PERSON in labels or bool(labels & set(kinds)) or not labels & KINDS)


class Pace:
    """Holds back models that need not look at every frame of a camera (`every_s` of the manifest).

    Time is cut into stretches of `every_s`; the first frame of a camera in each is looked at. A frame that the bus
    delivers again is looked at again.
    """

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], int] = {}

    def due(self, manifest: Manifest, frame: Frame) -> bool:
        """Say whether a model is to look at a frame, and take note that it does."""
        if manifest.every_s <= 0:
            return True
        key, stretch_ms = (manifest.name, frame.camera), int(manifest.every_s * 1000)
        last = self._last.get(key)
        if last is not None and frame.captured_ms != last and frame.captured_ms // stretch_ms == last // stretch_ms:
            return False
        self._last[key] = frame.captured_ms
        return True


def count_people(detections: Iterable[Detection], threshold: float) -> int:
    """Return how many persons score `threshold` or more."""
    return sum(d.label == PERSON and d.score >= threshold for d in detections)


def observe(
    frame: Frame,
    ref: FrameRef,
    kinds: Collection[str],
    manifest: Manifest,
    detections: tuple[Detection, ...],
    quality: float,
    detect: DetectSection,
) -> Observation:
    """Return the observation of one frame by one model.

    Every class of the model has a score (0 where nothing was seen), except kinds that are not enabled for the camera:
    those are left out entirely. People are always counted.

    Args:
        frame: The frame.
        ref: Where it lies on the bus.
        kinds: Kinds enabled for its camera.
        manifest: The model that looked.
        detections: What it saw, best first.
        quality: Picture quality 0..1; the lower of this and the grabber's word is kept.
        detect: Lowest score of a box that is kept, and how many are.
    """
    told = [label for label in manifest.classes if label not in KINDS or label in kinds]
    seen = [detection for detection in detections if detection.label in told]
    boxes = [detection for detection in seen if detection.score >= detect.min_box_score]
    return Observation(
        camera=frame.camera,
        trace=frame.trace,
        captured_ms=frame.captured_ms,
        frame=ref,
        cause=frame.cause,
        model=manifest.ref,
        scores=_rounded({**dict.fromkeys(told, 0.0), **best_scores(seen)}),
        boxes=tuple(_short(detection) for detection in boxes[: detect.max_boxes]),
        people=count_people(seen, manifest.threshold(PERSON)),
        quality=min(quality, frame.quality),
        burst=frame.burst,
        water=detections.water if isinstance(detections, Seen) and told else None,
    )


def _rounded(scores: Mapping[str, float]) -> dict[str, float]:
    return {label: round(score, 4) for label, score in scores.items()}


def _short(detection: Detection) -> Detection:
    """Four digits are finer than a pixel and halve the record."""
    x1, y1, x2, y2 = (round(value, 4) for value in detection.box)
    return Detection(label=detection.label, score=round(detection.score, 4), box=(x1, y1, x2, y2))
