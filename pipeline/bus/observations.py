"""The observations topic read backwards: what the models said of some cameras between two moments."""

import socket
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass

import structlog

from pipeline.bus.consumer import Consumer, Place, Received
from pipeline.bus.frames import partition_of
from pipeline.bus.records import Observation, decode
from pipeline.bus.topics import OBSERVATIONS
from pipeline.ops.errors import BusError, RecordError
from pipeline.ops.sections import BusSection

log = structlog.get_logger(__name__)

MOST_RECORDS = 200_000
"""Records that one look passes at most; those of other cameras are passed without being read."""
CONNECT_S = 0.5
POLL_S = 0.2
BATCH = 2000
LATE_MS = 10_000
"""How much later than its neighbours on the bus an observation may have been captured."""


@dataclass(frozen=True)
class Look:
    """What one look found, oldest first; it has seen everything up to `through_ms` (epoch ms)."""

    observations: tuple[Observation, ...]
    through_ms: int


class ObservationReader:
    """Reads observations back from the bus; thread-safe, one connection, made at the first use.

    Args:
        bus: Where the brokers are.
        stage: The stage that reads.
        patience_s: How long one look may take.
        most: How many records one look passes at most.
    """

    def __init__(self, bus: BusSection, stage: str, *, patience_s: float = 5, most: int = MOST_RECORDS) -> None:
        self._bus, self._stage, self._patience_s, self._most = bus, stage, patience_s, most
        self._lock = threading.Lock()
        self._consumer: Consumer | None = None

    def between(self, cameras: Collection[str], start_ms: int, end_ms: int) -> Look:
        """Return what was captured by these cameras within `[start_ms, end_ms]`, as far as time and bounds let it.

        Raises:
            BusError: The bus did not answer.
        """
        with self._lock:
            self._knock()
            consumer = self._connected()
            places = sorted({(OBSERVATIONS, partition_of(camera, len(consumer.places()))) for camera in cameras})
            return self._read(consumer, places, frozenset(camera.encode() for camera in cameras), start_ms, end_ms)

    def _connected(self) -> Consumer:
        if self._consumer is None:
            once = threading.Event()
            once.set()  # one attempt: whoever looks at a page does not wait for a bus
            try:
                self._consumer = Consumer(self._bus, self._stage, [OBSERVATIONS], None, stop=once)
            except InterruptedError as error:
                raise BusError(str(error)) from error
        return self._consumer

    def _knock(self) -> None:
        """Look whether any broker listens; the client itself would take seconds to say that none does."""
        for server in self._bus.bootstrap_servers.split(","):
            host, _, port = server.strip().rpartition(":")
            try:
                with socket.create_connection((host.strip("[]"), int(port)), CONNECT_S):
                    return
            except (OSError, ValueError):
                continue
        raise BusError(f"no broker listens at {self._bus.bootstrap_servers}")

    def _read(
        self, consumer: Consumer, places: list[Place], keys: frozenset[bytes], start_ms: int, end_ms: int
    ) -> Look:
        """Read each place from `start_ms` to `end_ms`; the other places rest at their ends."""
        ends = consumer.ends(consumer.places())
        last = {place: (consumer.offset_at(place, start_ms), start_ms) for place in places}
        for place, end in ends.items():
            consumer.seek(place, last[place][0] if place in last else end)
        found: list[Observation] = []
        passed, until = 0, time.monotonic() + self._patience_s
        waiting = {place for place in places if last[place][0] < ends[place]}
        while waiting and passed < self._most and time.monotonic() < until:
            for record in consumer.poll(POLL_S, min(BATCH, self._most - passed)):
                if record.place not in waiting:
                    continue
                passed += 1
                last[record.place] = (record.offset + 1, record.timestamp_ms)
                if record.offset + 1 >= ends[record.place] or record.timestamp_ms > end_ms + LATE_MS:
                    waiting.discard(record.place)
                if record.key in keys and (observation := self._observation(record)) is not None:
                    found.append(observation)
        within = (one for one in found if start_ms <= one.captured_ms <= end_ms)
        through = min([end_ms, *(last[place][1] for place in waiting)])
        return Look(tuple(sorted(within, key=lambda one: one.captured_ms)), through)

    def _observation(self, record: Received) -> Observation | None:
        try:
            return decode(Observation, record.value)
        except RecordError as error:
            log.warning("observations.unreadable", partition=record.partition, offset=record.offset, reason=str(error))
            return None

    def close(self) -> None:
        """Disconnect."""
        with self._lock:
            if self._consumer is not None:
                self._consumer.close()
                self._consumer = None
