"""The detect stage: `siaga.frames` -> `siaga.observations`, at least once, in the order of each camera."""

import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import cv2
import structlog

from pipeline.bus.client import instance_name
from pipeline.bus.commits import LEAVE_S, TimedCommits
from pipeline.bus.consumer import Consumer, Place, Received
from pipeline.bus.topics import FRAMES
from pipeline.city.registry import Registry
from pipeline.detect.metrics import FRAMES as SEEN
from pipeline.detect.metrics import LAG, OVERLOAD, SHED, WAITED
from pipeline.detect.outlet import STAGE, Outlet
from pipeline.detect.rounds import Rounds, batched
from pipeline.detect.runtime import Detector
from pipeline.detect.schedule import Schedule, cause_of
from pipeline.ops.clock import Clock, now_ms
from pipeline.ops.errors import BusError
from pipeline.ops.health import Progress, Report, no_report
from pipeline.ops.settings import Settings

log = structlog.get_logger(__name__)

GROUP = "siaga-detect"
POLL_S = 0.2
GATHER_S = 0.1
"""Frames come together for so long: one request and one round for several cameras."""
ROUND_FRAMES = 32
"""Most frames between two commits (more where batches are larger): what a killed worker may have to see again."""
COMMIT_S = 10.0
MOST_DECODERS = 8
OVERLOADED = "overloaded: the oldest frame waited {} s, {} activity and burst frames left out; floor frames go on"


def next_offsets(records: Sequence[Received]) -> dict[Place, int]:
    """Return the offset to read next of each place, once these records are done."""
    offsets: dict[Place, int] = {}
    for record in records:
        offsets[record.place] = max(offsets.get(record.place, 0), record.offset + 1)
    return offsets


class Worker:
    """Polls, works, waits for the acknowledgement, commits; tells its health while it does.

    Args:
        settings: The configuration.
        registry: Cameras and what each is watched for.
        detectors: The models.
        stop: Set it to end the worker.
        report: Where its health goes, about every 2 s.
        clock: Time now, epoch ms.
    """

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        detectors: Sequence[Detector],
        stop: threading.Event,
        report: Report = no_report,
        clock: Clock = now_ms,
    ) -> None:
        self._settings, self._stop, self._report = settings, stop, report
        self._progress = Progress(STAGE, instance_name(STAGE), settings.ops.stale_after_s, clock)
        self._progress.detail["models"] = ", ".join(f"{d.manifest.name} {d.manifest.version}" for d in detectors)
        self._batch = max(detector.batch for detector in detectors)
        self._troubled = False
        self._stack = ExitStack()
        pool = None
        if self._batch > 1:
            decoders = min(MOST_DECODERS, os.cpu_count() or 1)
            pool = self._stack.enter_context(ThreadPoolExecutor(decoders, thread_name_prefix="decode"))
        self._outlet = Outlet(settings.bus, stop, self._trouble)
        self._stack.callback(self._outlet.close)
        self._consumer = Consumer(settings.bus, STAGE, [FRAMES], GROUP, gather_s=GATHER_S, stop=stop)
        self._stack.callback(self._consumer.close)
        self._commits = TimedCommits(self._consumer)
        self._done: dict[Place, int] = {}
        self._failed = self._pending = 0
        self._most = max(ROUND_FRAMES, 2 * self._batch)
        self._waiting = Schedule(settings.detect.overload_after_s, clock)
        self._rounds = Rounds(detectors, registry, settings.detect, self._outlet, clock, pool)

    def loop(self) -> None:
        """Work until stopped. Trouble with the bus is waited out, however long it takes."""
        with self._stack:
            while not self._stop.is_set():
                try:
                    wait_s = 0 if self._waiting else POLL_S
                    self._round(self._consumer.poll(wait_s, max(1, self._waiting.room)))
                except (BusError, OSError) as error:
                    log.warning("detect.bus_trouble", error=str(error))
                    self._trouble(str(error))
                    self._stop.wait(1)
                except InterruptedError:
                    break
                else:
                    self._recovered()
                self._progress.tell(self._report)
            self._leave()

    def _round(self, records: Sequence[Received]) -> None:
        """Observe the oldest of what waits; now and then wait for the acknowledgements and commit."""
        self._waiting.add(records)
        self._waiting.keep(self._consumer.places())
        turn = self._waiting.take(self._most - self._pending)
        self._say(turn.shed)
        done = list(turn.shed)
        for batch in batched(turn.work, self._batch):
            if self._stop.is_set():
                break
            self._failed += self._rounds.work(batch)
            done += batch
            self._progress.tell(self._report)
        self._done.update(next_offsets(done))
        self._pending += len(done)
        if self._commits.due or self._pending >= self._most:
            self._settle()

    def _settle(self) -> None:
        """Wait until what was observed is acknowledged, then commit it."""
        done, failed = self._done, self._failed
        if self._outlet.settle() or (done and not failed):
            self._progress.moved()
        self._done, self._failed, self._pending = {}, 0, 0
        self._commits.note(done)
        if not self._commits.commit(LEAVE_S if self._stop.is_set() else COMMIT_S):
            log.info("detect.partitions_moved", places=len(done))
        self._measure_lag()

    def _measure_lag(self) -> None:
        lag = self._consumer.lag() + len(self._waiting)
        LAG.set(lag)
        self._progress.waiting(lag)

    def _say(self, shed: Sequence[Received]) -> None:
        """Count what is left out, and tell of the overload while it lasts."""
        for record in shed:
            SEEN.labels("shed").inc()
            SHED.labels(f"{cause_of(record).decode()}_overload").inc()
        now = self._waiting
        if now.level != self._progress.detail.get("overload", 0):
            log.warning("detect.overload", degree=now.level, oldest_s=now.oldest_ms // 1000, shed=now.shed)
        OVERLOAD.set(now.level)
        WAITED.set(now.oldest_ms / 1000)
        self._progress.detail |= {"overload": now.level, "shed": now.shed}
        self._progress.note = OVERLOADED.format(now.oldest_ms // 1000, now.shed) if now.level else ""

    def _leave(self) -> None:
        """Commit what is done before going; what cannot be committed now is read again by whoever comes."""
        with suppress(BusError, OSError, InterruptedError):
            self._settle()

    def _recovered(self) -> None:
        """A round without trouble ends the trouble, even when there was nothing to do."""
        if self._troubled:
            self._troubled = False
            self._progress.moved()

    def _trouble(self, reason: str) -> None:
        self._troubled = True
        self._progress.trouble(reason)
        self._progress.tell(self._report)


def load_detectors(settings: Settings) -> list[Detector]:
    """Load every configured model, warmed up.

    Raises:
        ModelError: A model or its manifest cannot be used, or two carry one name.
    """
    return [Detector(settings.model_path(name), settings.detect) for name in settings.detect.models]


def run(
    settings: Settings,
    registry: Registry,
    stop: threading.Event,
    report: Report = no_report,
    clock: Clock = now_ms,
) -> None:
    """Run the detect stage until `stop` is set.

    Raises:
        ModelError: A model cannot be used.
    """
    cv2.setNumThreads(1)
    detectors = load_detectors(settings)
    try:
        worker = Worker(settings, registry, detectors, stop, report, clock)
    except InterruptedError:
        return
    worker.loop()
