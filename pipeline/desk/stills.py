"""Live stills: the newest picture of a camera, read from the bus only while somebody looks.

One thread reads the end of `siaga.observations` (small records that say where a frame lies) and fetches the frames that
are asked for. It ends `LINGER_MS` after the last look. Requests wait for it for a moment and never for the bus.
"""

import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import structlog
from kafka.errors import KafkaError
from prometheus_client import Counter

from pipeline.bus.consumer import Consumer
from pipeline.bus.frames import FrameReader
from pipeline.bus.records import Frame, Observation, decode
from pipeline.bus.topics import OBSERVATIONS
from pipeline.city.registry import Camera
from pipeline.desk.publicview.blur import masked_jpeg
from pipeline.ops.clock import Clock
from pipeline.ops.errors import BusError, RecordError
from pipeline.ops.sections import BusSection

log = structlog.get_logger(__name__)
STILLS = Counter("siaga_desk_stills_total", "Looks for a live still, by outcome", ["outcome"])

LINGER_MS = 30_000
"""So long after the last look the bus is still read."""
BEHIND_MS = 10_000
"""Reading begins this far back, so that the first look finds a picture."""
FRESH_MS = 1_000
"""A picture is shared by all who look within this time."""
WAIT_S = 1.0
WAITING = 12
"""Most requests that wait at once: the desk's other pages keep their threads."""
PATIENCE_S = 2.0
AGAIN_S = 2.0


@dataclass(frozen=True)
class Still:
    """A camera's picture with masks burned in; when it was captured and fetched, epoch ms."""

    captured_ms: int
    fetched_ms: int
    jpeg: bytes = field(repr=False)


class LiveStills:
    """Keeps the place of each camera's newest frame while somebody looks, and the pictures fetched last.

    Args:
        bus: Where the brokers are.
        cameras: By id; masks are looked up anew for every picture.
        clock: Time now, epoch ms.
    """

    def __init__(self, bus: BusSection, cameras: Mapping[str, Camera], clock: Clock) -> None:
        self._bus, self._cameras, self._clock = bus, cameras, clock
        self._changed = threading.Condition()
        self._slots = threading.BoundedSemaphore(WAITING)
        self._newest: dict[str, Observation] = {}
        self._stills: dict[str, Still] = {}
        self._wanted: set[str] = set()
        self._looked_ms = 0
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    @property
    def reading(self) -> bool:
        """Whether the bus is read now."""
        return self._thread is not None

    def look(self, camera: str) -> Still | None:
        """Return the newest picture of a camera, or None when none came in time. Waits `WAIT_S` at most."""
        with self._changed:
            self._begin()
            still = self._fresh(camera)
        if still is None and self._slots.acquire(blocking=False):
            try:
                still = self._await(camera)
            finally:
                self._slots.release()
        STILLS.labels("none" if still is None else "shown").inc()
        return still

    def _await(self, camera: str) -> Still | None:
        with self._changed:
            self._wanted.add(camera)
            self._changed.wait_for(lambda: self._fresh(camera) is not None or self._stop.is_set(), WAIT_S)
            return self._fresh(camera)

    def _fresh(self, camera: str) -> Still | None:
        still = self._stills.get(camera)
        return still if still is not None and self._clock() - still.fetched_ms < FRESH_MS else None

    def _begin(self) -> None:
        """Remember the look, and start reading where nobody looked before. Holds the lock."""
        self._looked_ms = self._clock()
        if self._thread is None and not self._stop.is_set():
            self._thread = threading.Thread(target=self._run, name="desk-stills", daemon=True)
            self._thread.start()

    def _over(self) -> bool:
        """End reading when nobody looks any more; what was known is old by the next look, and is forgotten."""
        with self._changed:
            if not self._stop.is_set() and self._clock() - self._looked_ms < LINGER_MS:
                return False
            self._thread = None
            for known in (self._newest, self._stills, self._wanted):
                known.clear()
            return True

    def _run(self) -> None:
        while not self._over():
            try:
                self._read()
                return
            except InterruptedError:
                continue
            except (BusError, KafkaError) as error:
                STILLS.labels("no_bus").inc()
                log.warning("stills.no_bus", reason=str(error))
                self._stop.wait(AGAIN_S)

    def _read(self) -> None:
        """Follow the bus until nobody looks.

        Raises:
            BusError: The bus did not answer.
        """
        consumer = Consumer(self._bus, "desk-stills", [OBSERVATIONS], None, latest=True, stop=self._stop)
        frames = FrameReader(self._bus, "desk-stills", patience_s=PATIENCE_S)
        try:
            for place in consumer.places():
                consumer.seek(place, consumer.offset_at(place, self._clock() - BEHIND_MS))
            while not self._over():
                for record in consumer.poll(0.1):
                    self._note((record.key or b"").decode(errors="replace"), record.value)
                self._fetch(frames)
        finally:
            with suppress(BusError, KafkaError):
                frames.close()
            consumer.close()

    def _note(self, camera: str, value: bytes | None) -> None:
        """Keep an observation when it is its camera's newest."""
        if camera not in self._cameras:
            return
        try:
            seen = decode(Observation, value)
        except RecordError:
            STILLS.labels("unreadable").inc()
            return
        before = self._newest.get(camera)
        if seen.camera == camera and (before is None or before.captured_ms <= seen.captured_ms):
            self._newest[camera] = seen

    def _fetch(self, frames: FrameReader) -> None:
        """Read the frames that are waited for."""
        with self._changed:
            wanted = [camera for camera in self._wanted if camera in self._newest]
            self._wanted.difference_update(wanted)
        for camera in wanted:
            still = self._still(frames, self._newest[camera])
            if still is not None:
                with self._changed:
                    self._stills[camera] = still
                    self._changed.notify_all()

    def _still(self, frames: FrameReader, seen: Observation) -> Still | None:
        """Return the picture that was observed; a topic made anew may hold another one at its place."""
        frame: Frame | None = frames.read(seen.frame)
        same = frame is not None and (frame.camera, frame.captured_ms, frame.trace) == (
            seen.camera, seen.captured_ms, seen.trace,
        )  # fmt: skip
        if frame is None or not same:
            STILLS.labels("no_frame").inc()
            return None
        jpeg = masked_jpeg(frame.jpeg, self._cameras[seen.camera].masks)
        return None if jpeg is None else Still(frame.captured_ms, self._clock(), jpeg)

    def close(self) -> None:
        """End reading and let nobody wait."""
        self._stop.set()
        with self._changed:
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(5)
