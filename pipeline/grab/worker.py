"""The grab stage: one process reads many cameras, a thread each, and puts their sampled frames on the bus."""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack

import structlog

from pipeline.bus.client import instance_name
from pipeline.bus.dead import DeadLetters
from pipeline.bus.frames import FrameReader
from pipeline.bus.producer import Producer
from pipeline.bus.records import Request
from pipeline.city.registry import Camera, Registry
from pipeline.grab.bursts import BURSTS, BurstBudget
from pipeline.grab.camera import CameraLoop
from pipeline.grab.clips import ClipKeeper
from pipeline.grab.listener import STAGE, Listener
from pipeline.grab.metrics import CAMERA_LIVE, CAMERAS, RING_BYTES
from pipeline.grab.publisher import Publisher
from pipeline.grab.ring import PacketRing
from pipeline.grab.shelf import EvidenceShelf
from pipeline.grab.state import STATES, CameraState
from pipeline.ops.clock import Clock, now_ms
from pipeline.ops.health import Progress, Report, no_report
from pipeline.ops.settings import Settings
from pipeline.store.cameras import save_state
from pipeline.store.database import Database, open_database
from pipeline.store.evidence import EvidenceStore
from pipeline.store.reporting import Reporter

log = structlog.get_logger(__name__)

TICK_S = 0.5
STOP_PATIENCE_S = 5.0
LINGER_S = 0.05
"""Frames of several cameras go to the bus in one request: a twentieth of a second later, for far fewer requests."""
SPREAD_S = 0.01
"""Cameras are opened one after the other, this much apart: a thousand at once would time out."""

OnState = Callable[[CameraState], None]


def share_of(registry: Registry, index: int = 0, count: int = 1) -> list[Camera]:
    """Return the cameras of one of `count` processes (0-based `index`), in order of their ids."""
    ids = sorted(registry.cameras)
    return [registry.cameras[id_] for place, id_ in enumerate(ids) if place % count == index]


class Worker:
    """Runs the cameras of this process until stopped.

    Args:
        settings: The configuration.
        cameras: The cameras of this process.
        database: The store, migrated: camera states and clips go there.
        stop: Ends the worker.
        report: Where its health goes, about every 2 s.
        on_state: Where camera states go.
        clock: Time now, UTC epoch ms.
    """

    def __init__(
        self,
        settings: Settings,
        cameras: list[Camera],
        database: Database,
        stop: threading.Event,
        report: Report,
        on_state: OnState,
        clock: Clock = now_ms,
    ) -> None:
        grab = settings.grab
        self._stop, self._report, self._clock = stop, report, clock
        self._progress = Progress(STAGE, instance_name(STAGE), settings.ops.stale_after_s, clock)
        self._stale_ms = int(settings.ops.stale_after_s * 1000)
        self._stack = ExitStack()
        producer = Producer(settings.bus, STAGE, stop, linger_s=LINGER_S)
        self._stack.callback(producer.close)
        self._publisher = Publisher(producer, grab.queue_frames, int(grab.in_flight_mb * 1_000_000))
        self._stack.callback(self._publisher.close)
        budget = BurstBudget(grab.bursts_per_minute, clock)
        offer = self._publisher.offer
        self._loops = {c.id: CameraLoop(c, grab, offer, on_state, budget, stop, clock) for c in cameras}
        reader = FrameReader(settings.bus, STAGE)
        self._stack.callback(reader.close)
        shelf = EvidenceShelf(database, EvidenceStore(settings), clock)
        self._keeper = ClipKeeper(self._ring, reader, shelf, frozenset(self._loops), grab, clock)
        self._stack.callback(self._keeper.close)
        dead = DeadLetters(producer, STAGE, clock)
        self._listener = Listener(
            settings.bus, dead, self._on_request, self._keeper.take, self._keeper.tick, stop, clock
        )
        self._sent = 0

    def _ring(self, camera: str) -> PacketRing | None:
        loop = self._loops.get(camera)
        return loop.ring if loop else None

    def _on_request(self, request: Request) -> None:
        loop = self._loops.get(request.camera)
        if loop is None:
            return
        if loop.state.state == "lost":
            BURSTS.labels("lost").inc()
            return
        loop.ask_burst(request.reason, request.trace)

    def loop(self) -> None:
        """Work until stopped."""
        with self._stack:
            self._publisher.start()
            self._listener.thread.start()
            for loop in self._loops.values():
                loop.thread.start()
                self._stop.wait(SPREAD_S)
            while not self._stop.wait(TICK_S):
                self._tick()
            deadline = time.monotonic() + STOP_PATIENCE_S
            for thread in (self._listener.thread, *(loop.thread for loop in self._loops.values())):
                thread.join(max(0.0, deadline - time.monotonic()))

    def _tick(self) -> None:
        """Measure, and tell the health: well while pictures go out, or while there is no camera to read."""
        states = [loop.watch() for loop in self._loops.values()]
        counts = {name: sum(state.state == name for state in states) for name in STATES}
        for name, count in counts.items():
            CAMERAS.labels(name).set(count)
        for state in states:
            CAMERA_LIVE.labels(state.camera).set(state.state == "live")
        RING_BYTES.set(sum(loop.ring.bytes for loop in self._loops.values()))
        acknowledged = self._publisher.acknowledged
        if acknowledged > self._sent:
            self._sent = acknowledged
            self._progress.moved()
        elif self._publisher.trouble:
            self._progress.trouble(self._publisher.trouble)
        elif self._loops and not counts["live"]:
            self._progress.trouble("no camera is live")
        self._progress.waiting(self._publisher.waiting)
        detail: dict[str, float | int | str] = {"frames": acknowledged, "clips_waiting": self._keeper.waiting}
        self._progress.detail = detail | counts
        self._progress.tell(self._report)


def run(
    settings: Settings,
    registry: Registry,
    stop: threading.Event,
    report: Report = no_report,
    on_state: OnState | None = None,
    *,
    index: int = 0,
    count: int = 1,
) -> None:
    """Run the grab stage until `stop` is set.

    Args:
        settings: The configuration.
        registry: The cameras.
        stop: Ends it.
        report: Where its health goes.
        on_state: Where camera states go; by default into the database.
        index: Which share of the cameras this process reads, from 0.
        count: How many processes share the cameras.
    """
    database = open_database(settings)
    states = None if on_state else Reporter("camera states", database, save_state, lambda state: state.camera)
    try:
        cameras = share_of(registry, index, count)
        log.info("grab.begins", cameras=len(cameras), share=f"{index}/{count}")
        Worker(settings, cameras, database, stop, report, on_state or states or _ignore).loop()
    except InterruptedError:
        log.info("grab.stopped_while_starting")
    finally:
        if states is not None:
            states.close()
        database.close()


def _ignore(_state: CameraState) -> None:
    """Where nobody keeps camera states."""
