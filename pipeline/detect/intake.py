"""From a record on the bus to a picture worth looking at, or the reason why not."""

from dataclasses import dataclass

import structlog

from pipeline.bus.consumer import Received
from pipeline.bus.records import Cause, Frame, FrameRef, decode_frame
from pipeline.city.registry import Camera, Registry
from pipeline.detect.jpeg import decode_jpeg
from pipeline.detect.letterbox import Image
from pipeline.detect.metrics import SECONDS
from pipeline.detect.quality import picture_quality
from pipeline.ops.errors import RecordError

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Picture:
    """A decoded frame with its camera and its quality 0..1."""

    received: Received
    frame: Frame
    camera: Camera
    image: Image
    quality: float

    @property
    def ref(self) -> FrameRef:
        """Where the frame lies on the bus."""
        return FrameRef(partition=self.received.partition, offset=self.received.offset)


@dataclass(frozen=True)
class Refused:
    """A record that is not looked at. `outcome` is the counter's label; with a `reason` it goes to `siaga.dead`."""

    received: Received
    outcome: str
    reason: str = ""


def too_old(cause: Cause, captured_ms: int, now_ms: int, max_age_s: float) -> bool:
    """Whether a frame is skipped for its age. Floor frames never are: slow smoke must not be missed."""
    return cause != "floor" and now_ms - captured_ms > max_age_s * 1000


def admit_safely(received: Received, registry: Registry, now_ms: int, max_age_s: float) -> Picture | Refused:
    """As `admit`; what fails in a way nobody thought of is refused too, or it would stop the stage for ever."""
    try:
        return admit(received, registry, now_ms, max_age_s)
    except Exception as error:
        log.exception("detect.unforeseen", partition=received.partition, offset=received.offset)
        return Refused(received, "unforeseen", f"{type(error).__name__}: {error}"[:300])


def admit(received: Received, registry: Registry, now_ms: int, max_age_s: float) -> Picture | Refused:
    """Read one record of `siaga.frames`; what cannot be read is refused with its reason, never raised."""
    try:
        frame = decode_frame(received.key, received.value, received.headers)
    except RecordError as error:
        return Refused(received, "unreadable_record", str(error))
    camera = registry.cameras.get(frame.camera)
    if camera is None:
        return Refused(received, "unknown_camera")
    if too_old(frame.cause, frame.captured_ms, now_ms, max_age_s):
        return Refused(received, "too_old")
    try:
        with SECONDS.labels("decode").time():
            image = decode_jpeg(frame.jpeg, frame.width, frame.height)
    except RecordError as error:
        return Refused(received, "unreadable_picture", str(error))
    return Picture(received, frame, camera, image, picture_quality(image))
