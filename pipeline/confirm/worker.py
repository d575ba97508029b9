"""The confirm stage: `siaga.observations` -> `siaga.incidents`, one worker for the whole city.

An incident is acknowledged by the bus before the offset of the observation that decided it is committed.
"""

import threading
from collections.abc import Sequence
from contextlib import ExitStack, suppress

import structlog

from pipeline.bus.client import instance_name
from pipeline.bus.commits import LEAVE_S, TimedCommits
from pipeline.bus.consumer import Consumer, Place, Received
from pipeline.bus.records import Observation, decode
from pipeline.bus.topics import OBSERVATIONS
from pipeline.city.registry import Registry
from pipeline.confirm import snapshot
from pipeline.confirm.machine import adopt, new_city, step, tick
from pipeline.confirm.metrics import LAG, OBSERVATIONS_READ, OPEN, PLACES, count
from pipeline.confirm.outlet import STAGE, Outlet
from pipeline.confirm.replay import Start, find_starts, latest_incidents
from pipeline.confirm.rules import Rulebook
from pipeline.confirm.state import Outcome
from pipeline.ops.clock import Clock, now_ms
from pipeline.ops.errors import BusError, RecordError
from pipeline.ops.health import Progress, Report, no_report
from pipeline.ops.settings import Settings

log = structlog.get_logger(__name__)

GROUP = "siaga-confirm"
POLL_S = 0.2
GATHER_S = 0.1
"""Observations come together for so long: one request and one round for several cameras."""
ROUND_RECORDS = 500
CAUGHT_UP = 50
"""With fewer records waiting than this, the worker knows what the cameras say now."""
SNAPSHOT_MS = 60_000
SNAPSHOT_FILE = "confirm/memory.json"


class Worker:
    """Polls, decides, waits for the acknowledgement, commits; tells its health while it does.

    Args:
        settings: The configuration.
        registry: Cameras, their places and masks.
        stop: Set it to end the worker.
        report: Where its health goes, about every 2 s.
        clock: Time now, epoch ms.
    """

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        stop: threading.Event,
        report: Report = no_report,
        clock: Clock = now_ms,
    ) -> None:
        self._settings, self._stop, self._report, self._clock = settings, stop, report, clock
        self._book = Rulebook(settings, registry)
        self._city = new_city(self._book)
        self._file = settings.data_path(SNAPSHOT_FILE)
        self._progress = Progress(STAGE, instance_name(STAGE), settings.ops.stale_after_s, clock)
        self._troubled = False
        self._starts: dict[Place, Start] = {}
        self._learned: dict[Place, int] = {}
        self._next: dict[Place, int] = {}
        self._saved_ms = clock()

    def loop(self) -> None:
        """Work until stopped. Trouble with the bus is waited out, however long it takes."""
        with ExitStack() as stack:
            outlet = Outlet(self._settings.bus, self._stop, self._trouble)
            stack.callback(outlet.close)
            consumer = Consumer(
                self._settings.bus, STAGE, [OBSERVATIONS], GROUP, share=False, gather_s=GATHER_S, stop=self._stop
            )
            stack.callback(consumer.close)
            commits = TimedCommits(consumer)
            stack.callback(self._leave, commits)
            ready = False
            while not self._stop.is_set():
                try:
                    ready = ready or self._restore(consumer)
                    self._round(consumer, commits, outlet, consumer.poll(POLL_S, ROUND_RECORDS))
                except BusError as error:
                    log.warning("confirm.bus_trouble", error=str(error))
                    self._trouble(str(error))
                    self._stop.wait(1)
                except InterruptedError:
                    break
                else:
                    self._recovered()
                self._progress.tell(self._report)

    def _restore(self, consumer: Consumer) -> bool:
        """Take the state back from the bus and place the consumer."""
        self._city = new_city(self._book)
        self._learned = snapshot.load(self._file, self._city.memory, self._city.streets)
        self._starts, since_ms = find_starts(consumer, self._book.horizon_ms, self._learned, self._clock())
        self._next = {place: start.decide for place, start in self._starts.items()}
        incidents = latest_incidents(self._settings.bus, STAGE, since_ms)
        for incident in incidents:
            adopt(self._city, incident)
        folded = sum(start.decide - start.fold for start in self._starts.values())
        log.info("confirm.restored", incidents=len(incidents), observations=folded, places=self._city.memory.count())
        consumer.commit(self._next)
        return True

    def _round(self, consumer: Consumer, commits: TimedCommits, outlet: Outlet, records: Sequence[Received]) -> None:
        """Decide on what was polled; what was decided is acknowledged before its offsets are noted as done."""
        now = self._clock()
        for record in records:
            self._take(outlet, record, now)
        outlet.settle()
        if records:
            self._progress.moved()
            commits.note(self._next)
        if not commits.due:
            return
        self._look_around(consumer, outlet, now)
        commits.commit()
        if records and now - self._saved_ms >= SNAPSHOT_MS:
            self._saved_ms = now
            snapshot.save(self._file, self._city.memory, self._city.streets, self._next)
            PLACES.set(self._city.memory.count())

    def _look_around(self, consumer: Consumer, outlet: Outlet, now: int) -> None:
        """Measure the lag; when it is small, see what time alone decides (an incident that is seen no more)."""
        lag = consumer.lag()
        LAG.set(lag)
        self._progress.waiting(lag)
        if lag < CAUGHT_UP:
            self._publish(outlet, tick(self._city, now))
            outlet.settle()
        OPEN.set(len(self._city.board.open_events()))

    def _leave(self, commits: TimedCommits) -> None:
        """Commit what is decided before going; what cannot be committed now is decided again, to the same."""
        with suppress(BusError):
            commits.commit(LEAVE_S)

    def _take(self, outlet: Outlet, record: Received, now: int) -> None:
        """Read one record and step the state by it; what lies before the start to decide from is only folded in."""
        start = self._starts.get(record.place)
        decide = start is None or record.offset >= start.decide
        if decide:
            self._next[record.place] = record.offset + 1
        try:
            observation = decode(Observation, record.value)
        except RecordError as error:
            if decide:
                OBSERVATIONS_READ.labels("unreadable").inc()
                outlet.refuse(record, str(error))
            return
        learning = record.offset >= self._learned.get(record.place, 0)
        self._city.memory.learning = self._city.streets.learning = learning
        outcome = step(self._city, observation, now, decide)
        if decide:
            OBSERVATIONS_READ.labels("taken").inc()
            self._publish(outlet, outcome)
        else:
            OBSERVATIONS_READ.labels("replayed").inc()

    def _publish(self, outlet: Outlet, outcome: Outcome) -> None:
        count(outcome)
        outlet.take(outcome)
        for incident in outcome.incidents:
            log.info(
                "confirm.incident",
                incident=incident.id,
                kind=incident.kind,
                camera=incident.camera,
                state=incident.state,
                revision=incident.revision,
                score=round(incident.score, 3),
                reasons=list(incident.reasons),
                trace=incident.trace,
            )

    def _recovered(self) -> None:
        """A round without trouble ends the trouble, even when there was nothing to do."""
        if self._troubled:
            self._troubled = False
            self._progress.moved()

    def _trouble(self, reason: str) -> None:
        self._troubled = True
        self._progress.trouble(reason)
        self._progress.tell(self._report)


def run(
    settings: Settings,
    registry: Registry,
    stop: threading.Event,
    report: Report = no_report,
    clock: Clock = now_ms,
) -> None:
    """Run the confirm stage until `stop` is set."""
    Worker(settings, registry, stop, report, clock).loop()
