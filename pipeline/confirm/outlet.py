"""The way out: incidents and burst requests of a round, sent again until the bus has acknowledged all of them."""

import threading
from collections.abc import Callable

import structlog

from pipeline.bus.consumer import Received
from pipeline.bus.dead import DeadLetters
from pipeline.bus.producer import Producer
from pipeline.bus.records import Incident, Request
from pipeline.bus.topics import INCIDENTS, REQUESTS
from pipeline.confirm.metrics import RESENT
from pipeline.confirm.state import Outcome
from pipeline.ops.errors import BusError
from pipeline.ops.sections import BusSection

log = structlog.get_logger(__name__)

STAGE = "confirm"
FIRST_WAIT_S = 0.2
LONGEST_WAIT_S = 5.0
FLUSH_S = 10.0
TRIES_OF_ONE_PRODUCER = 3
"""A producer that failed so often may be beyond repair (lost producer id): a new one is made."""


class Outlet:
    """Keeps what a round decided until it is acknowledged. Used by one thread.

    Sending a record twice does no harm: an incident is known by its id and revision. A request is not sent again; it
    is about a moment that is then over.

    Args:
        bus: Where the brokers are.
        stop: Ends every wait.
        trouble: Told while the bus does not acknowledge.
    """

    def __init__(self, bus: BusSection, stop: threading.Event, trouble: Callable[[str], None]) -> None:
        self._bus, self._stop, self._trouble = bus, stop, trouble
        self._incidents: list[Incident] = []
        self._letters: list[tuple[Received, str]] = []
        self._connect()

    def _connect(self) -> None:
        self._producer = Producer(self._bus, STAGE, self._stop)
        self._dead = DeadLetters(self._producer, STAGE)

    def take(self, outcome: Outcome) -> None:
        """Take what a step decided; requests go out at once, incidents with `settle`."""
        self._incidents += outcome.incidents
        for request in outcome.requests:
            self._ask(request)

    def refuse(self, received: Received, reason: str) -> None:
        """Put an unreadable record aside."""
        self._letters.append((received, reason))

    def _ask(self, request: Request) -> None:
        try:
            self._producer.send(REQUESTS, request.camera, request, timestamp_ms=request.at_ms)
        except BusError as error:
            log.warning("confirm.request_not_sent", camera=request.camera, error=str(error))

    def settle(self) -> int:
        """Send what was taken and wait until it is acknowledged, for as long as it takes.

        Returns:
            The number of incident records.

        Raises:
            InterruptedError: The stage was stopped first; what was sent may or may not have arrived.
        """
        wait, tries = FIRST_WAIT_S, 0
        while not self._sent():
            RESENT.inc()
            if self._stop.wait(wait):
                raise InterruptedError("stopped before the bus acknowledged everything")
            wait, tries = min(LONGEST_WAIT_S, wait * 2), tries + 1
            if tries % TRIES_OF_ONE_PRODUCER == 0:
                self._producer.close(0)
                self._connect()
        count = len(self._incidents)
        self._incidents, self._letters = [], []
        return count

    def _sent(self) -> bool:
        """Send everything of the round; say whether all was acknowledged."""
        try:
            for received, reason in self._letters:
                self._dead.put(received, reason)
            for incident in self._incidents:
                self._producer.send(INCIDENTS, incident.id, incident)
            if self._incidents or self._letters:
                self._producer.flush(FLUSH_S)
        except BusError as error:
            log.warning("confirm.not_acknowledged", error=str(error))
            self._trouble(f"the bus does not acknowledge: {error}")
            return False
        return True

    def close(self) -> None:
        """Disconnect."""
        self._producer.close()
