"""The way out: observations and dead letters, sent again until the bus has acknowledged every one of them."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog

from pipeline.bus.commits import LEAVE_S
from pipeline.bus.consumer import Received
from pipeline.bus.dead import DeadLetters
from pipeline.bus.producer import Producer
from pipeline.bus.records import Observation
from pipeline.bus.topics import DEAD, OBSERVATIONS
from pipeline.detect.metrics import RESENT
from pipeline.ops.errors import BusError
from pipeline.ops.sections import BusSection

log = structlog.get_logger(__name__)

STAGE = "detect"
FIRST_WAIT_S = 0.2
LONGEST_WAIT_S = 5.0
FLUSH_S = 10.0
TRIES_OF_ONE_PRODUCER = 3
"""A producer that failed so often may be beyond repair (lost producer id): a new one is made."""


@dataclass
class _Sent:
    observation: Observation
    future: Any

    @property
    def acknowledged(self) -> bool:
        return self.future is not None and bool(self.future.succeeded())


class Outlet:
    """Sends, remembers what is not acknowledged, and sends that again. Used by one thread.

    Args:
        bus: Where the brokers are.
        stop: Ends every wait.
        idle: Called while waiting, so that the stage's health is told meanwhile.
    """

    def __init__(self, bus: BusSection, stop: threading.Event, idle: Callable[[str], None]) -> None:
        self._bus, self._stop, self._idle = bus, stop, idle
        self._sent: list[_Sent] = []
        self._letters: list[tuple[Received, str]] = []
        self._connect()

    def _connect(self) -> None:
        self._producer = Producer(self._bus, STAGE, self._stop)
        self._dead = DeadLetters(self._producer, STAGE)

    def observed(self, observation: Observation) -> None:
        """Send an observation; whether it arrived is known after `settle`."""
        self._sent.append(_Sent(observation, self._send(observation)))

    def refused(self, received: Received, reason: str) -> None:
        """Send a record to `siaga.dead`."""
        self._letters.append((received, reason))
        self._dead.put(received, reason)

    def _send(self, observation: Observation) -> Any:
        try:
            return self._producer.send(
                OBSERVATIONS, observation.camera, observation, timestamp_ms=observation.captured_ms
            )
        except BusError as error:
            log.warning("detect.not_sent", trace=observation.trace, error=str(error))
            return None

    def settle(self) -> int:
        """Wait until everything sent is acknowledged, for as long as it takes; return the number of observations.

        Raises:
            InterruptedError: The stage was stopped first; what was sent may or may not have arrived.
        """
        count, wait, tries = len(self._sent), FIRST_WAIT_S, 0
        while not self._flushed():
            if self._stop.wait(wait):
                raise InterruptedError("stopped before the bus acknowledged everything")
            wait, tries = min(LONGEST_WAIT_S, wait * 2), tries + 1
            if tries % TRIES_OF_ONE_PRODUCER == 0:
                self._producer.close(0)
                self._connect()
            self._send_again()
        self._sent, self._letters = [], []
        return count

    def _flushed(self) -> bool:
        try:
            self._producer.flush(LEAVE_S if self._stop.is_set() else FLUSH_S)
        except BusError as error:
            self._idle(f"the bus does not acknowledge: {error}")
            log.warning("detect.not_acknowledged", error=str(error))
            return False
        return all(sent.acknowledged for sent in self._sent)

    def _send_again(self) -> None:
        """Send what is not acknowledged. Dead letters do not tell their fate: after a failure all of them go again."""
        for sent in self._sent:
            if not sent.acknowledged:
                RESENT.labels(OBSERVATIONS).inc()
                sent.future = self._send(sent.observation)
        for received, reason in self._letters:
            RESENT.labels(DEAD).inc()
            self._dead.put(received, reason)

    def close(self) -> None:
        """Disconnect."""
        self._producer.close()
