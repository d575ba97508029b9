"""The alert stage: `siaga.incidents` -> incidents and outbox in the store -> deliveries.

An offset is committed only after its incident and its notices are committed in the database; whatever crashes in
between is read again and changes nothing the second time.
"""

import os
import random
import threading
from collections.abc import Mapping, Set
from contextlib import ExitStack

import structlog
from sqlalchemy.exc import DataError

from pipeline.alert import metrics
from pipeline.alert.channels import build
from pipeline.alert.channels.base import Channel
from pipeline.alert.digest import Teller
from pipeline.alert.dispatch import LANE_IDLE_S, Dispatcher
from pipeline.alert.drill import Drills
from pipeline.alert.escalation import Escalator
from pipeline.alert.escalation_watch import EscalationWatch
from pipeline.alert.intake import Intake, Taken, count
from pipeline.alert.keeper import Keeper
from pipeline.alert.lane import Lane
from pipeline.alert.posts import check_posts
from pipeline.alert.routing import rules_of
from pipeline.alert.still import StillFetcher
from pipeline.bus.client import instance_name
from pipeline.bus.consumer import Consumer, Place, Received
from pipeline.bus.dead import DeadLetters
from pipeline.bus.frames import FrameReader
from pipeline.bus.producer import Producer
from pipeline.bus.records import Incident, decode
from pipeline.bus.topics import INCIDENTS
from pipeline.city.registry import Registry
from pipeline.ops.clock import Clock, now_ms
from pipeline.ops.errors import BusError, RecordError, StoreError
from pipeline.ops.health import Progress, Report, no_report
from pipeline.ops.metrics import supervised
from pipeline.ops.settings import Settings
from pipeline.store.accounts import list_accounts
from pipeline.store.database import Database, explain, open_database
from pipeline.store.evidence import EvidenceStore
from pipeline.store.outbox import reclaim
from pipeline.store.tables import Notice

log = structlog.get_logger(__name__)

STAGE = "alert"
GROUP = "siaga-alert"
POLL_S = 0.25
BATCH = 100
LONGEST_WAIT_S = 5.0
Part = Lane | Dispatcher | Keeper | EscalationWatch
"""What works in a thread of its own."""


def takes_of(channels: list[Channel]) -> Mapping[str, Set[Notice]]:
    """Return the notices that each channel sends, by channel."""
    return {channel.name: channel.takes for channel in channels}


class Worker:
    """Reads incidents, writes them with their notices, wakes the lanes.

    Args:
        settings: The configuration.
        registry: Cameras and kelurahan.
        database: The store, migrated.
        stop: Set it to end the worker.
        report: Where its health goes, about every 2 s.
        clock: Time now, epoch ms.
        environment: Where the secrets of targets are.
    """

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        database: Database,
        stop: threading.Event,
        report: Report = no_report,
        clock: Clock = now_ms,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._settings, self._database, self._stop, self._clock = settings, database, stop, clock
        channels = build(settings, environment, clock)
        evidence = EvidenceStore(settings)
        owner = instance_name(STAGE)
        rules, takes, alert = rules_of(settings, registry), takes_of(channels), settings.alert
        teller = Teller(registry, alert.storm, alert.update_every_s, takes)
        self._intake = Intake(rules, takes, teller)
        stills = StillFetcher(FrameReader(settings.bus, STAGE), database, evidence, clock)
        everything: list[Channel] = [*channels, stills]
        draw = random.random
        self._lanes = [Lane(one, database, alert, owner, stop, clock, draw, LANE_IDLE_S) for one in everything]
        self._dispatcher = Dispatcher(self._lanes, database, stop, clock)
        escalator = Escalator(rules, takes, teller)
        self._watch = EscalationWatch(escalator, teller, database, self._dispatcher.round, stop, clock)
        self._progress = Progress(STAGE, owner, settings.ops.stale_after_s, clock)
        drills = Drills(rules, database, channels, clock)
        self._keeper = Keeper(settings, database, evidence, everything, self._progress, report, stop, clock, drills)
        again = database.transact(lambda session: reclaim(session, owner, clock()), stop)
        if again:
            log.info("outbox.reclaimed", rows=again, reason="held when this worker ended last time")

    def loop(self) -> None:
        """Work until stopped; trouble with the bus or the database is waited out, however long it takes.

        Raises:
            RuntimeError: A lane ended by an error that nobody foresaw (its traceback is on standard error).
        """
        parts: list[Part] = [*self._lanes, self._dispatcher, self._watch, self._keeper]
        for part in parts:
            part.start()
        try:
            self._consume()
        except InterruptedError:
            log.info("alert.stopped_while_waiting")
        finally:
            self._stop.set()
            for lane in self._lanes:
                lane.wake()
            for part in parts:
                part.join(self._settings.alert.lease_s)
        working: list[Lane | Dispatcher | EscalationWatch] = [*self._lanes, self._dispatcher, self._watch]
        failed = [part.name for part in working if part.failed]
        if failed:
            raise RuntimeError(f"lanes failed: {', '.join(failed)}")

    def _consume(self) -> None:
        """Connect, then poll, write and commit."""
        bus = self._settings.bus
        with ExitStack() as stack:
            producer = Producer(bus, STAGE, self._stop)
            stack.callback(producer.close)
            letters = DeadLetters(producer, STAGE, self._clock)
            consumer = Consumer(bus, STAGE, [INCIDENTS], GROUP, stop=self._stop)
            stack.callback(consumer.close)
            done: dict[Place, int] = {}
            wait_s = 0.2
            while not self._stop.is_set():
                try:
                    self._round(consumer, letters, done)
                    wait_s = 0.2
                except BusError as error:
                    metrics.TROUBLE.labels("bus").inc()
                    log.warning("alert.bus_trouble", error=str(error), retry_s=wait_s)
                    self._progress.trouble(str(error))
                    self._stop.wait(wait_s)
                    wait_s = min(LONGEST_WAIT_S, wait_s * 2)

    def _round(self, consumer: Consumer, letters: DeadLetters, done: dict[Place, int]) -> None:
        """Write one batch; `done` holds what is written but not committed, so that a failed commit is made up for."""
        records = consumer.poll(POLL_S, BATCH)
        for record in records:
            if not self._record(record, letters):
                return
            done[record.place] = record.offset + 1
            self._progress.moved()
        if done:
            consumer.commit(done)
            done.clear()
        self._progress.waiting(consumer.lag())

    def _record(self, record: Received, letters: DeadLetters) -> bool:
        """Write one record; False when the worker was stopped before it was written."""
        try:
            incident = decode(Incident, record.value)
            taken = self._write(incident)
        except RecordError as error:
            log.warning("alert.unreadable", partition=record.partition, offset=record.offset, reason=str(error))
            letters.put(record, str(error))
            return True
        if taken is None:
            return False
        count(taken, incident)
        self._dispatcher.wake(taken.orders)
        return True

    def _write(self, incident: Incident) -> Taken | None:
        """Write an incident, however long the database takes; None when stopped meanwhile.

        Raises:
            RecordError: The database will never take this record (a NUL in a text, a number out of bounds), or holds
                an older one of the same incident that cannot be read any more.
        """
        try:
            return self._database.transact(
                lambda session: self._intake.take(session, incident, self._clock()), self._stop
            )
        except StoreError as error:
            log.warning("alert.stopped_while_writing", incident=incident.id, error=str(error))
            return None
        except (DataError, OverflowError, ValueError) as error:
            raise RecordError(explain(error)) from error


def migrated(settings: Settings, stop: threading.Event) -> Database | None:
    """Open the database and bring its tables up to date, however long it is away; None when stopped meanwhile.

    Raises:
        ConfigError: The URL is wrong.
    """
    database = open_database(settings)
    wait_s = 0.2
    while not stop.is_set():
        try:
            database.migrate()
            return database
        except StoreError as error:
            log.warning("alert.database_waiting", url=database.url_redacted, error=str(error), retry_s=wait_s)
            stop.wait(wait_s)
            wait_s = min(LONGEST_WAIT_S, wait_s * 2)
    database.close()
    return None


def run(
    settings: Settings,
    registry: Registry,
    stop: threading.Event,
    report: Report = no_report,
    clock: Clock = now_ms,
) -> None:
    """Run the alert stage until `stop` is set.

    Raises:
        ConfigError: A target, duty or the store is configured wrongly, or a kelurahan has no reachable post.
    """
    build(settings, os.environ, clock)  # a wrong target is told before anything waits for a server
    rules = rules_of(settings, registry)
    database = migrated(settings, stop)
    if database is None:
        return
    try:
        with database.reading() as session:
            accounts = list_accounts(session)
        check_posts(rules, accounts, clock(), again=supervised())
        Worker(settings, registry, database, stop, report, clock).loop()
    finally:
        database.close()
