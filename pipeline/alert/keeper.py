"""The alert stage's housekeeping: health every 2 s, outbox gauges, orphaned rows, drills, pruning, the quota."""

import threading
from collections import Counter
from dataclasses import replace
from typing import get_args

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from pipeline.alert import metrics
from pipeline.alert.channels.base import Channel
from pipeline.alert.drill import Drills
from pipeline.alert.prune import Pruner
from pipeline.ops.clock import Clock
from pipeline.ops.errors import StoreError
from pipeline.ops.health import Progress, Report
from pipeline.ops.settings import Settings
from pipeline.store.database import Database, explain
from pipeline.store.dead_letters import orphans
from pipeline.store.evidence import EvidenceStore
from pipeline.store.outbox import bury, waiting
from pipeline.store.oversight import accepted_since, newest_event, outbox_rows, overdue, unreached_posts
from pipeline.store.quota import Usage, enforce_quota
from pipeline.store.receipts import arrivals_since
from pipeline.store.tables import OutboxState

log = structlog.get_logger(__name__)

GONE = "the target is no longer in the configuration"
EVERY_S = 2.0
QUOTA_EVERY_S = 30.0


class Keeper:
    """Looks after the stage from a thread of its own, so that its word comes even while everything else waits.

    Args:
        settings: The configuration.
        database: Where the outbox lies.
        evidence: Where stills and clips lie.
        channels: What is served.
        progress: What the worker tells of its input and output.
        report: Where the health goes.
        stop: Ends the thread.
        clock: Time now, epoch ms.
        drills: Holds the weekly drill; None where nobody does.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        evidence: EvidenceStore,
        channels: list[Channel],
        progress: Progress,
        report: Report,
        stop: threading.Event,
        clock: Clock,
        drills: Drills | None = None,
    ) -> None:
        self._settings, self._database, self._evidence, self._channels = settings, database, evidence, channels
        self._progress, self._report, self._stop, self._clock = progress, report, stop, clock
        self._drills, self._pruner = drills, Pruner(settings.alert.keep, database, clock)
        self._quota_ms = 0
        self._decided: int | None = None
        self._arrived: int | None = None
        self._usage: Usage | None = None
        self._troubles: list[str] = []
        self._thread = threading.Thread(target=self._run, name="alert-keeper", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def join(self, timeout_s: float) -> None:
        """Wait for the end of the thread."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._stop.is_set():
            self.round()
            self._stop.wait(EVERY_S)

    def round(self) -> None:
        """Look once and report."""
        self._troubles = []
        try:
            self._outbox()
            self._oversee()
            self._bury_orphans()
            if self._drills is not None:
                self._drills.round()
            self._pruner.round()
            self._quota()
        except (StoreError, SQLAlchemyError) as error:
            metrics.TROUBLE.labels("database").inc()
            self._troubles.append(explain(error))
        self._tell()

    def _outbox(self) -> None:
        """Set the gauges; desk rows that wait too long are a trouble of this stage, as no network is between."""
        with self._database.reading() as session:
            rows = waiting(session)
        now = self._clock()
        for channel in {channel.name for channel in self._channels}:
            number, oldest_ms = rows.get(channel, (0, None))
            age_s = max(0, now - oldest_ms) / 1000 if oldest_ms is not None else 0.0
            metrics.WAITING.labels(channel).set(number)
            metrics.OLDEST.labels(channel).set(age_s)
            self._progress.detail[f"outbox_{channel}"] = number
            if channel == "desk" and age_s > self._settings.ops.stale_after_s + self._settings.alert.lease_s:
                self._troubles.append(f"{number} desk notices wait, the oldest for {age_s:.0f} s")

    def _oversee(self) -> None:
        """Set the gauges of what nobody has dealt with; observe how long people took to decide."""
        with self._database.reading() as session:
            late = overdue(session, self._clock(), self._settings.alert.escalation.deadlines)
            unreached = unreached_posts(session)
            rows = outbox_rows(session)
            if self._decided is None:
                self._decided = newest_event(session)
            self._arrived = self._decided if self._arrived is None else self._arrived
            self._decided, decisions = accepted_since(session, self._decided)
            self._arrived, arrivals = arrivals_since(session, self._arrived)
        metrics.POSTS_UNREACHABLE.set(unreached)
        for level, number in late.items():
            metrics.UNACCEPTED.labels(level).set(number)
        for channel in {channel.name for channel in self._channels}:
            for state in get_args(OutboxState):
                metrics.OUTBOX_ROWS.labels(channel, state).set(rows.get((channel, state), 0))
        for arrival in arrivals:
            kota = ".".join(arrival.kelurahan.split(".")[:2])
            metrics.SENT_TO_DELIVERED.labels(arrival.kind, kota).observe(arrival.seconds)
        for decision in decisions:
            kota = ".".join(decision.kelurahan.split(".")[:2])
            metrics.SENT_TO_ACCEPTED.labels(decision.kind, kota).observe(decision.after_s)

    def _bury_orphans(self) -> None:
        """Give up rows whose target, or whole channel, has left the configuration, with that reason."""
        whole = {channel.name for channel in self._channels if channel.targets is None}
        served = {target for channel in self._channels for target in channel.targets or ()}
        with self._database.reading() as session:
            if not orphans(session, whole, served, limit=1):
                return

        def work(session: Session) -> Counter[str]:
            rows = orphans(session, whole, served)
            for row in rows:
                bury(session, row, self._clock(), GONE)
            return Counter(row.channel for row in rows)

        for channel, number in self._database.transact(work).items():
            metrics.DEAD.labels(channel, "unknown_target").inc(number)
            log.error("delivery.given_up", channel=channel, rows=number, reason=GONE)

    def _quota(self) -> None:
        """Hold the evidence quota."""
        now = self._clock()
        if now - self._quota_ms >= QUOTA_EVERY_S * 1000:
            self._quota_ms = now
            quota = int(self._settings.store.evidence_quota_mb * 1e6)
            self._usage = enforce_quota(self._database, self._evidence, quota, now)
        if self._usage is not None:
            self._progress.detail["evidence_mb"] = round(self._usage.used / 1e6, 1)
            if self._usage.stuck:
                self._troubles.append(
                    f"evidence is {self._usage.excess / 1e6:.1f} MB above its quota of {self._usage.quota / 1e6:g} MB"
                    " and nothing closed and reviewed is left to remove"
                )

    def _tell(self) -> None:
        """Report the health; a report that cannot be written is logged."""
        health = self._progress.health()
        if self._troubles:
            health = replace(health, ok=False, reason="; ".join(self._troubles))
        try:
            self._report(health)
        except (StoreError, SQLAlchemyError) as error:
            log.warning("alert.report_failed", error=explain(error))
