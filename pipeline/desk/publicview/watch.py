"""Public cameras' pictures from the bus: a frame is shown only when a model that knows people looked at exactly it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog
from kafka.errors import KafkaError
from prometheus_client import Counter

from pipeline.bus.consumer import Consumer, Received
from pipeline.bus.frames import FrameReader
from pipeline.bus.records import Box, Frame, FrameRef, Observation, decode
from pipeline.bus.topics import OBSERVATIONS
from pipeline.city.registry import Registry
from pipeline.desk.publicview.blur import public_jpeg
from pipeline.ops.clock import Clock
from pipeline.ops.errors import BusError, RecordError
from pipeline.ops.sections import DetectSection
from pipeline.ops.settings import Settings

log = structlog.get_logger(__name__)
PERSON = "person"
PATIENCE_S = 2.0
PICTURES = Counter("siaga_public_pictures_total", "Pictures for the public by outcome", ["outcome"])


@dataclass(frozen=True)
class Picture:
    """A public picture: of a camera, what it shows (epoch ms), the JPEG with people blurred."""

    camera: str
    captured_ms: int
    jpeg: bytes = field(repr=False)


@dataclass(frozen=True)
class Looked:
    """A frame that models looked at: where it lies, and all boxes of people (0..1) that any of them saw."""

    ref: FrameRef
    captured_ms: int
    trace: str
    people: tuple[Box, ...]


def refuse(observation: Observation, detect: DetectSection) -> str | None:
    """Return why an observation cannot vouch for its frame, or None. Whatever is in doubt is not shown.

    The model must know people; the list of boxes must not have been cut off; each person counted must have a box.
    """
    if PERSON not in observation.scores:
        return "no_person_class"
    if len(observation.boxes) >= detect.max_boxes:
        return "boxes_cut_off"
    boxes = sum(detection.label == PERSON for detection in observation.boxes)
    if boxes < observation.people or (not boxes and observation.scores[PERSON] >= max(0.1, detect.min_box_score)):
        return "person_without_box"
    return None


def is_frame_of(frame: Frame, camera: str, looked: Looked) -> bool:
    """Say whether a frame read back is the one that was looked at: a topic made anew holds another at that place."""
    return (frame.camera, frame.captured_ms, frame.trace) == (camera, looked.captured_ms, looked.trace)


class Recent:
    """The frames of the public cameras that were looked at and are not yet old enough to be shown."""

    def __init__(self, keep_ms: int) -> None:
        self._keep_ms = keep_ms
        self._by_camera: dict[str, dict[tuple[int, int], Looked | None]] = {}

    def add(self, observation: Observation, refused: str | None) -> None:
        """Remember a frame; several models' people are put together, and one doubt that matters rules it out."""
        kept = self._by_camera.setdefault(observation.camera, {})
        key = observation.frame.partition, observation.frame.offset
        if refused == "no_person_class":
            return
        people = tuple(detection.box for detection in observation.boxes if detection.label == PERSON)
        before = kept.get(key, Looked(observation.frame, observation.captured_ms, observation.trace, ()))
        kept[key] = (
            None
            if refused is not None or before is None
            else Looked(before.ref, before.captured_ms, before.trace, before.people + people)
        )
        horizon = observation.captured_ms - self._keep_ms
        for old in [place for place, looked in kept.items() if looked is not None and looked.captured_ms < horizon]:
            del kept[old]
        while len(kept) > 5000:
            del kept[next(iter(kept))]

    def due(self, camera: str, until_ms: int) -> Looked | None:
        """Return the newest frame captured at or before `until_ms`; it and what is older are forgotten."""
        kept = self._by_camera.get(camera, {})
        found = [looked for looked in kept.values() if looked is not None and looked.captured_ms <= until_ms]
        newest = max(found, key=lambda looked: looked.captured_ms, default=None)
        for looked in found:
            del kept[(looked.ref.partition, looked.ref.offset)]
        return newest


class Watcher:
    """Reads `siaga.observations` and makes the public pictures. Trouble with the bus ends in no picture, never more.

    Args:
        settings: The configuration.
        registry: Cameras; which are public and what is masked is looked up anew for every picture.
        clock: Time now, epoch ms.
        publish: Takes each picture.
    """

    def __init__(
        self, settings: Settings, registry: Registry, clock: Clock, publish: Callable[[Picture], None]
    ) -> None:
        self._settings, self._registry, self._clock, self._publish = settings, registry, clock, publish
        public = settings.public
        self._recent = Recent(int((public.delay_s + 2 * public.picture_every_s) * 1000))
        self._next_ms: dict[str, int] = {}

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; a bus that is away is tried again for ever."""
        while not stop.is_set():
            consumer, frames = None, FrameReader(self._settings.bus, "public", patience_s=PATIENCE_S)
            try:
                consumer = Consumer(self._settings.bus, "public", [OBSERVATIONS], None, latest=True, stop=stop)
                while not stop.is_set():
                    for record in consumer.poll(0.5):
                        self._take(record)
                    self._show(frames)
            except InterruptedError:
                return
            except (BusError, KafkaError, OSError) as error:
                PICTURES.labels("bus").inc()
                log.warning("public.bus", reason=str(error))
                stop.wait(PATIENCE_S)
            finally:
                frames.close()
                if consumer is not None:
                    consumer.close()

    def _take(self, record: Received) -> None:
        """Look at one observation of a public camera."""
        camera = self._registry.cameras.get((record.key or b"").decode(errors="replace"))
        if camera is None or not camera.public:
            return
        try:
            observation = decode(Observation, record.value)
        except RecordError:
            PICTURES.labels("unreadable").inc()
            return
        if observation.camera == camera.id:
            self._recent.add(observation, refuse(observation, self._settings.detect))

    def _show(self, frames: FrameReader) -> None:
        """Make the pictures that are due."""
        now, public = self._clock(), self._settings.public
        for camera in list(self._registry.cameras.values()):
            if not camera.public or now < self._next_ms.get(camera.id, 0):
                continue
            looked = self._recent.due(camera.id, now - int(public.delay_s * 1000))
            if looked is None:
                continue
            frame = frames.read(looked.ref)
            if frame is None or not is_frame_of(frame, camera.id, looked):
                PICTURES.labels("no_frame").inc()
                continue
            jpeg = public_jpeg(frame.jpeg, looked.people, camera.masks, public.enlarge, public.longest_side)
            if jpeg is None:
                PICTURES.labels("broken").inc()
                continue
            self._next_ms[camera.id] = now + int(public.picture_every_s * 1000)
            PICTURES.labels("shown").inc()
            self._publish(Picture(camera.id, looked.captured_ms, jpeg))
