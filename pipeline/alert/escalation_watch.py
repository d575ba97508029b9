"""The thread that takes what falls due by itself: escalations, and digests that have gathered long enough."""

import threading
from collections.abc import Callable

import structlog

from pipeline.alert import metrics
from pipeline.alert.digest import Teller
from pipeline.alert.escalation import Escalator
from pipeline.ops.clock import Clock
from pipeline.ops.errors import StoreError
from pipeline.store.database import Database
from pipeline.store.escalations import any_due

log = structlog.get_logger(__name__)

EVERY_S = 0.5


class EscalationWatch:
    """Looks twice a second, by a reading transaction; only what is due takes the write lock.

    Args:
        escalator: Takes the steps.
        teller: Writes the digests.
        database: Where both lie.
        wake: Called when new outbox rows were written.
        stop: Ends the thread.
        clock: Time now, epoch ms.
    """

    name = "alert-escalation"

    def __init__(
        self,
        escalator: Escalator,
        teller: Teller,
        database: Database,
        wake: Callable[[], None],
        stop: threading.Event,
        clock: Clock,
    ) -> None:
        self._escalator, self._teller, self._database = escalator, teller, database
        self._wake, self._stop, self._clock = wake, stop, clock
        self.failed = False
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def join(self, timeout_s: float) -> None:
        """Wait for the end of the thread."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                try:
                    worked = self.round()
                except StoreError as error:
                    metrics.TROUBLE.labels("database").inc()
                    log.warning("escalation.database_trouble", error=str(error))
                    worked = 0
                if not worked:
                    self._stop.wait(EVERY_S)
        finally:
            if not self._stop.is_set():
                # Without it nobody is told that nobody accepts: the whole stage ends and starts again.
                self.failed = True
                self._stop.set()

    def round(self) -> int:
        """Do what is due now; return how many steps and digests.

        Raises:
            StoreError: It was stopped while the database did not answer.
        """
        due, ripe = self._database.attempt(self._look, self._stop)
        done = 0
        if due:
            steps = self._database.transact(lambda session: self._escalator.work(session, self._clock()), self._stop)
            done += len(steps)
        if ripe:
            done += self._database.transact(lambda session: self._teller.compose(session, self._clock()), self._stop)
        if done:
            self._wake()
        return done

    def _look(self) -> tuple[bool, bool]:
        """Return whether an escalation is due, and whether a digest is."""
        with self._database.reading() as session:
            return any_due(session, self._clock()), self._teller.is_due(session, self._clock())
