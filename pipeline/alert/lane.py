"""A lane: the thread that works the outbox rows of one channel instance, so that a slow target delays only itself."""

import threading

import structlog
from sqlalchemy.orm import Session

from pipeline.alert import metrics
from pipeline.alert.backoff import Breaker, Draw
from pipeline.alert.channels.base import Channel, Instant, Opens, Outcome, Retry
from pipeline.alert.settle import Settled, Tried, count, settle
from pipeline.ops.clock import Clock
from pipeline.ops.errors import StoreError
from pipeline.ops.sections import AlertSection
from pipeline.store.database import Database
from pipeline.store.outbox import UNRECORDED, hand_back, is_due, lease
from pipeline.store.tables import OutboxRow

log = structlog.get_logger(__name__)

IDLE_S = 0.5
"""How long a lane sleeps when nothing is due and nobody wakes it."""
BATCH = 50


class Lane:
    """Leases, delivers, settles, until stopped. Trouble with the database is waited out.

    Args:
        channel: How and to whom it delivers.
        database: Where the outbox lies.
        alert: Lease, waits, giving up.
        owner: Name of this worker.
        stop: Ends the lane after the delivery under way.
        clock: Time now, epoch ms.
        draw: Jitter, 0..1.
        idle_s: How long it sleeps when nothing is due and nobody wakes it.
    """

    def __init__(
        self,
        channel: Channel,
        database: Database,
        alert: AlertSection,
        owner: str,
        stop: threading.Event,
        clock: Clock,
        draw: Draw,
        idle_s: float = IDLE_S,
    ) -> None:
        self.channel, self._idle_s = channel, idle_s
        self._database, self._alert, self._owner = database, alert, owner
        self._stop, self._clock, self._draw = stop, clock, draw
        # A lease must outlive the deliveries it covers, or a second worker would send the same rows meanwhile.
        self._lease_ms = int(1000 * max(alert.lease_s, 3 * channel.lease_s))
        self._batch = max(1, min(BATCH, int(self._lease_ms / 1000 / channel.lease_s) - 1))
        self._breaker = Breaker.of(alert, draw)
        self._wake = threading.Event()
        self.failed = False
        label = sorted(channel.targets)[0] if channel.targets else channel.name
        self._circuit = metrics.CIRCUIT_OPEN.labels(label)
        self._thread = threading.Thread(target=self._run, name=f"alert-{label}", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def wake(self) -> None:
        """Something may be due."""
        self._wake.set()

    def serves(self, channel: str, target: str) -> bool:
        """Whether rows of this target are its work."""
        return channel == self.channel.name and (self.channel.targets is None or target in self.channel.targets)

    @property
    def name(self) -> str:
        """The name of its thread."""
        return self._thread.name

    def join(self, timeout_s: float) -> None:
        """Wait for the end of the thread."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            if isinstance(self.channel, Opens):
                self.channel.open()
            while not self._stop.is_set():
                self._wake.clear()
                try:
                    worked = self.work()
                except StoreError as error:
                    metrics.TROUBLE.labels("database").inc()
                    log.warning("alert.database_trouble", lane=self._thread.name, error=str(error))
                    worked = 0
                if not worked:
                    self._wake.wait(self._idle_s)
        finally:
            if not self._stop.is_set():
                # A lane that ends quietly would be a channel that is silent: the whole stage ends and starts again.
                self.failed = True
                self._stop.set()
            self.channel.close()

    def work(self) -> int:
        """Deliver what is due now; return how many rows were tried.

        Raises:
            StoreError: The lane was stopped while the database did not answer.
        """
        if not self._breaker.allows(self._clock()):
            return 0
        rows = self._lease()
        if isinstance(self.channel, Instant):
            return self._at_once(rows)
        tried = 0
        for row in rows:
            left_ms = (row.leased_until_ms or 0) - self._clock()
            if self._stop.is_set() or left_ms < 1000 * self.channel.lease_s or not self._breaker.allows(self._clock()):
                break
            self._one(row)
            tried += 1
        if tried < len(rows):
            self._database.transact(lambda session: hand_back(session, rows[tried:]), self._stop)
        return tried

    def _at_once(self, rows: list[OutboxRow]) -> int:
        """Deliver and settle all rows in one transaction; return how many there were."""
        now = self._clock()
        tries = [(row, Tried(self.channel.deliver(row), now, now)) for row in rows]

        def work(session: Session) -> list[Settled]:
            return [settle(session, row, tried, self._alert, self._draw) for row, tried in tries]

        for (row, tried), settled in zip(tries, self._database.transact(work, self._stop) if rows else (), strict=True):
            count(settled, row, tried.outcome)
        return len(rows)

    def _lease(self) -> list[OutboxRow]:
        """Take what is due; one row only while the target is on trial."""
        limit = 1 if self._breaker.is_open else self._batch
        name, targets = self.channel.name, self.channel.targets

        def due() -> bool:
            with self._database.reading() as session:
                return is_due(session, name, self._clock(), targets)

        if not self._database.attempt(due, self._stop):
            return []
        return self._database.transact(
            lambda session: lease(
                session, name, self._clock(), self._lease_ms, owner=self._owner, limit=limit, targets=targets
            ),
            self._stop,
        )

    def _one(self, row: OutboxRow) -> None:
        """Deliver one row and settle it."""
        if row.last_error == UNRECORDED:
            metrics.REPEATED.labels(row.channel, "unrecorded").inc()
        began_ms = self._clock()
        outcome = self.channel.deliver(row)
        tried = Tried(outcome, began_ms, self._clock())
        self._judge(outcome, tried.ended_ms)
        settled = self._database.transact(
            lambda session: settle(session, row, tried, self._alert, self._draw), self._stop
        )
        count(settled, row, outcome)

    def _judge(self, outcome: Outcome, at_ms: int) -> None:
        """Tell the breaker whether the target is up."""
        if isinstance(outcome, Retry) and outcome.outage:
            self._breaker.failed(at_ms)
        else:
            self._breaker.answered()
        self._circuit.set(int(self._breaker.is_open))
