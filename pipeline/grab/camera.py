"""One camera, for ever: open it, read it, sample it; when it fails, say why, wait and open it again."""

import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import replace

import structlog

from pipeline.bus.records import Frame
from pipeline.city.registry import Camera
from pipeline.grab.backoff import Backoff
from pipeline.grab.bursts import BurstBudget
from pipeline.grab.faults import SourceFaultError
from pipeline.grab.metrics import BYTES, CHANGES, OPENINGS, PACKETS, TROUBLE
from pipeline.grab.pictures import open_source
from pipeline.grab.ring import PacketRing
from pipeline.grab.rules import floor_for
from pipeline.grab.sampler import Sample, Sampler
from pipeline.grab.source import Source, Unit
from pipeline.grab.state import CameraMachine, CameraState
from pipeline.grab.times import ArrivalClock
from pipeline.ops.clock import Clock, now_ms
from pipeline.ops.sections import GrabSection

log = structlog.get_logger(__name__)

STEADY_S = 10.0
"""A camera that gave pictures for so long begins its backoff anew."""
TELL_EVERY_MS = 5000
MAX_ASKED = 4
STUCK_MS = 120_000
"""A thread that has not come back from PyAV for so long is stuck (a name server that does not answer, a dead mount)."""


class CameraLoop:
    """Reads one camera in a thread of its own.

    Args:
        camera: The camera; its URL may hold a password and is given to PyAV alone.
        grab: Rates, sizes, timeouts.
        offer: Takes the sampled frames; must not block.
        on_state: Takes the camera's state, at each change and about every 5 s.
        budget: Grants bursts, shared by all cameras of the process.
        stop: Ends the loop.
        clock: Time now, UTC epoch ms.
    """

    def __init__(
        self,
        camera: Camera,
        grab: GrabSection,
        offer: Callable[[Frame], None],
        on_state: Callable[[CameraState], None],
        budget: BurstBudget,
        stop: threading.Event,
        clock: Clock = now_ms,
    ) -> None:
        grab = floor_for(camera.kinds, grab)
        self.camera, self._grab, self._clock, self._stop = camera, grab, clock, stop
        self._offer, self._on_state, self._budget = offer, on_state, budget
        self.ring = PacketRing(grab.ring_s, int(grab.ring_mb * 1_000_000))
        self._machine = CameraMachine(camera.id, grab, clock)
        self._backoff = Backoff.of(grab.backoff_min_s, grab.backoff_max_s, camera.id)
        self._asked: deque[tuple[str, str]] = deque(maxlen=MAX_ASKED)
        self._seq = clock()  # later than any number of an earlier process: frames of a camera are told apart by it
        self._told_ms = 0
        self._alive_ms = clock()
        self._told: CameraState | None = None
        self.thread = threading.Thread(target=self.run, name=f"camera-{camera.id}", daemon=True)

    @property
    def state(self) -> CameraState:
        """What is said of the camera now."""
        return self._machine.state

    def watch(self) -> CameraState:
        """Return the state, as seen from outside: a camera whose thread is stuck is lost, whatever it said last.

        Called by the worker's own thread; what differs from what was told is told.
        """
        state, now = self._machine.state, self._clock()
        if now - self._alive_ms <= STUCK_MS or state.state == "lost":
            return state
        stuck = replace(
            state, state="lost", since_ms=self._alive_ms, reason="stuck", detail={"text": "no answer at all"}
        )
        if now - self._told_ms >= TELL_EVERY_MS:
            self._told, self._told_ms = stuck, now
            self._on_state(stuck)
        return stuck

    def ask_burst(self, reason: str, burst_id: str) -> None:
        """Ask for a burst; it begins with the next packet, or is refused there and counted."""
        self._asked.append((reason, burst_id))

    def run(self) -> None:
        """Read until stopped."""
        self._tell()
        while not self._stop.is_set():
            started = time.monotonic()
            self._alive_ms = self._clock()
            try:
                self._connection()
            except SourceFaultError as fault:
                self._fell(fault.reason, str(fault))
            except Exception as error:
                TROUBLE.labels("camera").inc()
                log.exception("grab.camera_trouble", camera=self.camera.id, error=type(error).__name__)
                self._fell("internal", type(error).__name__)
            if time.monotonic() - started > STEADY_S + self._grab.open_timeout_s:
                self._backoff.reset()
            self._stop.wait(self._backoff.next_s())

    def _fell(self, reason: str, text: str) -> None:
        if self._stop.is_set():
            return
        self._machine.lost(reason, text)
        self._tell()

    def _connection(self) -> None:
        """Open the camera and read it until it ends.

        Raises:
            SourceFaultError: It cannot be opened, fell silent, broke off or ended.
        """
        try:
            source = open_source(self.camera.url, self._grab, self._clock)
        except SourceFaultError as fault:
            OPENINGS.labels(fault.reason).inc()
            raise
        OPENINGS.labels("opened").inc()
        try:
            self._read(source)
        finally:
            source.close()
        if not self._stop.is_set():
            raise SourceFaultError("ended")

    def _read(self, source: Source) -> None:
        sampler = Sampler(source.info, self._grab, self._budget)
        wall = ArrivalClock()
        began_ms: int | None = None
        for unit in source.units():
            if began_ms is None:
                began_ms = self._clock() - round(unit.t_s * 1000)
            if not source.info.live and not self._pace(unit, began_ms):
                return
            if self._stop.is_set():
                return
            self._alive_ms = unit.arrived_ms
            unit.captured_ms = wall.at(unit.t_s, unit.arrived_ms)
            PACKETS.inc()
            BYTES.inc(unit.size)
            self.ring.add(source.info, unit)
            while self._asked:
                sampler.request_burst(*self._asked.popleft())
            for sample in sampler.feed(unit):
                self._publish(sample, sampler, source)

    def _pace(self, unit: Unit, began_ms: int) -> bool:
        """Hold a file back to the speed at which it plays; False when stopped meanwhile."""
        ahead_s = (began_ms + unit.t_s * 1000 - self._clock()) / 1000
        if ahead_s > 0 and self._stop.wait(min(ahead_s, 60)):
            return False
        unit.arrived_ms = self._clock()
        return True

    def _publish(self, sample: Sample, sampler: Sampler, source: Source) -> None:
        if sample.cause == "floor":
            self._machine.looked(sample.look, sample.captured_ms, _described(source, sampler))
            self._tell()
        else:
            self._machine.seen(sample.captured_ms)
        blind = self._machine.state.state != "live"
        self._seq += 1
        height, width = sample.image.shape[:2]
        self._offer(
            Frame(
                camera=self.camera.id,
                trace=uuid.uuid4().hex,
                seq=self._seq,
                captured_ms=sample.captured_ms,
                width=width,
                height=height,
                cause=sample.cause,
                jpeg=sample.jpeg(),
                quality=0.0 if blind else sample.quality,
                burst=sample.burst,
            )
        )

    def _tell(self) -> None:
        """Pass the state on when it changed, and now and then."""
        state, now = self._machine.state, self._clock()
        changed = self._told is None or (state.state, state.reason) != (self._told.state, self._told.reason)
        if changed:
            CHANGES.labels(state.state, state.reason).inc()
            log.info("grab.camera", camera=state.camera, state=state.state, reason=state.reason, **state.detail)
        if changed or now - self._told_ms >= TELL_EVERY_MS:
            self._told, self._told_ms = state, now
            self._on_state(state)


def _described(source: Source, sampler: Sampler) -> dict[str, float | int | str]:
    """Describe the stream for a person."""
    info, interval = source.info, sampler.key_interval_s
    detail: dict[str, float | int | str] = {"codec": info.codec, "size": f"{info.width}x{info.height}"}
    if info.fps:
        detail["fps"] = round(info.fps, 2)
    if interval:
        detail["keyframe_s"] = round(interval, 2)
    detail["decode"] = "full" if sampler.full_decode else "keyframes"
    return detail
