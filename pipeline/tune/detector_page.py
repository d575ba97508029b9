"""The page of a detector's worst errors: what it saw where nothing burns, and what it missed."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2

from pipeline.detect.letterbox import Image
from pipeline.tune.detector_data import EVALUATED
from pipeline.tune.detector_scores import Seen
from pipeline.tune.error_page import WORST, Section, Shown, reduced, write

SHOWN_BOXES = 5
TRUTH_COLOUR = (80, 200, 80)
COLOURS = {"fire": (40, 40, 240), "smoke": (230, 160, 40), "person": (160, 160, 160)}
"""BGR of the boxes drawn; labelled ones are green."""
NAMES = {"fire": "api", "smoke": "asap"}


def write_page(file: Path, figures: dict[str, Any], seen: Sequence[Seen]) -> None:
    """Write the figures, the worst false alarms (nothing there, high score) and the worst misses (low score).

    Raises:
        ConfigError: The file cannot be written.
    """
    alarms = sorted((one for one in seen if not one.sample.positive), key=lambda one: -one.score)[:WORST]
    misses = sorted((one for one in seen if one.sample.positive), key=lambda one: one.score)[:WORST]
    write(
        file,
        str(figures["model"]),
        "Hijau: label; merah: api menurut model; biru: asap menurut model.",
        _rows(figures),
        (
            Section("Alarm palsu terburuk", "Tidak ada api atau asap, tetapi skornya tinggi.", [*map(_shown, alarms)]),
            Section("Yang paling terlewat", "Ada api atau asap, tetapi skornya rendah.", [*map(_shown, misses)]),
        ),
    )


def _rows(figures: dict[str, Any]) -> Iterator[tuple[str, object]]:
    """Yield the figures as rows of a small table."""
    yield from (("gambar", figures["n"]), ("mAP50", figures["map50"]), ("mAP50-95", figures["map50_95"]))
    for label, values in figures["classes"].items():
        yield from ((f"{NAMES.get(label, label)} {key}", value) for key, value in values.items())
    yield from figures["image"].items()
    yield "ms per gambar", figures["ms_per_frame"]


def _shown(one: Seen) -> Shown:
    """Return one picture with its boxes."""
    return Shown(one.sample.file, f"skor {one.score:.3f}, isi: {one.sample.content}", _drawn(one))


def _drawn(one: Seen) -> Image:
    """Return the picture, reduced, with its boxes."""
    read: Any = cv2.imread(str(one.sample.image), cv2.IMREAD_COLOR)
    image = reduced(read)
    height, width = image.shape[:2]
    boxes = [(truth.box, TRUTH_COLOUR) for truth in one.sample.truths]
    evaluated = [detection for detection in one.detections if detection.label in EVALUATED]
    boxes += [(detection.box, COLOURS[detection.label]) for detection in evaluated[:SHOWN_BOXES]]
    for (x1, y1, x2, y2), colour in boxes:
        corners = (round(x1 * width), round(y1 * height)), (round(x2 * width), round(y2 * height))
        cv2.rectangle(image, *corners, colour, 2)
    return image
