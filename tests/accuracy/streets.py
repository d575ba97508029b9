"""Pictures of one street, ten seconds apart, through the flood model and the rules as they are shipped."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np

from pipeline.bus.records import Frame, FrameRef, Incident
from pipeline.city.registry import Camera, Registry
from pipeline.confirm.machine import new_city, step
from pipeline.confirm.rules import Rulebook
from pipeline.detect.letterbox import Image
from pipeline.detect.observe import observe
from pipeline.detect.runtime import Detector
from pipeline.ops.settings import Settings
from scripts.flood.water import Street

T0 = 1_760_000_000_000
EVERY_MS = 10_000


def pictures(clip: Path, most: int) -> list[Image]:
    """At most so many pictures of a clip, evenly spread."""
    video = cv2.VideoCapture(str(clip))
    total = int(video.get(cv2.CAP_PROP_FRAME_COUNT))
    step_frames, found = max(1, total // most), list[Image]()
    for number in range(total):
        if not video.grab():
            break
        if number % step_frames == 0 and len(found) < most:
            good, picture = video.retrieve()
            if good:
                found.append(np.asarray(picture, np.uint8))
    video.release()
    return found


def watched(detector: Detector, shown: Iterable[Image]) -> list[tuple[Incident, float]]:
    """The incidents that a camera raises which sees these pictures, each with its highest score so far."""
    settings = Settings()
    camera = Camera("street", "street", "", "", 0.0, 0.0, kinds=("flood",))
    city = new_city(Rulebook(settings, Registry({camera.id: camera}, {})))
    incidents, highest = [], 0.0
    for number, picture in enumerate(shown):
        ms = T0 + number * EVERY_MS
        height, width = picture.shape[:2]
        frame = Frame(
            camera="street", trace=f"t-{number}", seq=number, captured_ms=ms, width=width, height=height,
            cause="floor", jpeg=b"",
        )  # fmt: skip
        seen = detector.detect([picture])[0]
        ref = FrameRef(partition=0, offset=number)
        observation = observe(frame, ref, ("flood",), detector.manifest, seen, 1.0, settings.detect)
        highest = max(highest, observation.scores["flood"])
        incidents += [(incident, highest) for incident in step(city, observation, ms).incidents]
    return incidents


def rise(dry: list[Image], dry_minutes: float, rise_minutes: float, seed: int) -> Iterator[Image]:
    """A street that is dry for some minutes, then flooded more and more: drawn water (`scripts.flood.water`)."""
    rng = np.random.default_rng(seed)
    street, rising = Street(rng), int(rise_minutes * 6)
    before = int(dry_minutes * 6)
    for number in range(before + rising):
        picture = dry[number % len(dry)]
        if number < before:
            yield picture
        else:
            level = 0.3 + 0.7 * min(1.0, (number - before) / rising)
            yield street.draw(picture, level, rng)[0]
