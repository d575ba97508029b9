"""Who is to work: one look into the outbox for all lanes, instead of one by each of hundreds.

The intake wakes the lanes that it wrote for. What else becomes due - a retry, a forward of the desk, a test, a digest,
the rows of a dead worker - is found by this look. Lanes look by themselves now and then, too, if it ever fails.
"""

import threading
from collections.abc import Iterable, Sequence

import structlog

from pipeline.alert import metrics
from pipeline.alert.lane import Lane
from pipeline.ops.clock import Clock
from pipeline.ops.errors import StoreError
from pipeline.store.database import Database
from pipeline.store.outbox import Order, due_targets

log = structlog.get_logger(__name__)

EVERY_S = 0.25
LANE_IDLE_S = 10.0
"""How long a lane that is dispatched sleeps when nobody wakes it."""


class Dispatcher:
    """Wakes lanes, from a thread of its own.

    Args:
        lanes: All of the stage.
        database: Where the outbox lies.
        stop: Ends the thread.
        clock: Time now, epoch ms.
    """

    def __init__(self, lanes: Sequence[Lane], database: Database, stop: threading.Event, clock: Clock) -> None:
        self._lanes, self._database, self._stop, self._clock = lanes, database, stop, clock
        self._thread = threading.Thread(target=self._run, name="alert-dispatcher", daemon=True)
        self.failed = False

    @property
    def name(self) -> str:
        """The name of its thread."""
        return self._thread.name

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def join(self, timeout_s: float) -> None:
        """Wait for the end of the thread."""
        self._thread.join(timeout_s)

    def wake(self, orders: Iterable[Order]) -> None:
        """Wake the lanes of rows that were just written."""
        self._wake({(order.channel, order.target) for order in orders})

    def _wake(self, due: Iterable[tuple[str, str]]) -> None:
        wanted = list(due)
        for lane in self._lanes if wanted else ():
            if any(lane.serves(channel, target) for channel, target in wanted):
                lane.wake()

    def _run(self) -> None:
        try:
            while not self._stop.wait(EVERY_S):
                self.round()
        finally:
            if not self._stop.is_set():
                self.failed = True
                self._stop.set()

    def round(self) -> None:
        """Look once; trouble with the database is waited out."""

        def look() -> list[tuple[str, str]]:
            with self._database.reading() as session:
                return due_targets(session, self._clock())

        try:
            self._wake(self._database.attempt(look, self._stop))
        except StoreError as error:
            metrics.TROUBLE.labels("database").inc()
            log.warning("alert.database_trouble", part=self.name, error=str(error))
