"""What comes to the grabber over the bus: requests for bursts, and incidents whose clips it makes."""

import threading
from collections.abc import Callable

import structlog

from pipeline.bus.consumer import Consumer, Received
from pipeline.bus.dead import DeadLetters
from pipeline.bus.records import Incident, Request, decode
from pipeline.bus.topics import INCIDENTS, REQUESTS
from pipeline.grab.clips import LOOK_BACK_MS
from pipeline.grab.metrics import TROUBLE
from pipeline.ops.clock import Clock
from pipeline.ops.errors import BusError, RecordError
from pipeline.ops.sections import BusSection

log = structlog.get_logger(__name__)

STAGE = "grab"
MAX_REQUEST_AGE_MS = 5000
"""A burst that was asked for longer ago would show something else."""


class Listener:
    """Reads both topics from now on, incidents from ten minutes ago on, without a group: each grabber reads all.

    Args:
        bus: Where the brokers are.
        dead: Takes records that cannot be read.
        on_request: Takes requests not older than 5 s.
        on_incident: Takes incidents.
        on_tick: Called about twice a second.
        stop: Ends it.
        clock: Time now, UTC epoch ms.
    """

    def __init__(
        self,
        bus: BusSection,
        dead: DeadLetters,
        on_request: Callable[[Request], None],
        on_incident: Callable[[Incident], None],
        on_tick: Callable[[], None],
        stop: threading.Event,
        clock: Clock,
    ) -> None:
        self._bus, self._dead, self._stop, self._clock = bus, dead, stop, clock
        self._on_request, self._on_incident, self._on_tick = on_request, on_incident, on_tick
        self.thread = threading.Thread(target=self.run, name="listener", daemon=True)

    def run(self) -> None:
        """Listen until stopped; a bus that fails is waited for."""
        while not self._stop.is_set():
            try:
                self._listen()
            except InterruptedError:
                return
            except BusError as error:
                TROUBLE.labels("listener").inc()
                log.warning("grab.listener_trouble", error=str(error))
                self._on_tick()
                self._stop.wait(1)

    def _listen(self) -> None:
        consumer = Consumer(self._bus, STAGE, [REQUESTS, INCIDENTS], None, latest=True, stop=self._stop)
        try:
            since_ms = self._clock() - LOOK_BACK_MS
            for place in consumer.places():
                if place[0] == INCIDENTS:
                    consumer.seek(place, consumer.offset_at(place, since_ms))
            while not self._stop.is_set():
                for record in consumer.poll(0.5, 200):
                    self._handle(record)
                self._on_tick()
        finally:
            consumer.close()

    def _handle(self, record: Received) -> None:
        try:
            if record.topic == REQUESTS:
                request = decode(Request, record.value)
                if request.at_ms >= self._clock() - MAX_REQUEST_AGE_MS:
                    self._on_request(request)
            elif record.value is not None:
                self._on_incident(decode(Incident, record.value))
        except RecordError as error:
            self._dead.put(record, str(error))
