"""Sending to the bus: frames and JSON records, acknowledged by all replicas, with a bound on what is under way."""

import threading
from typing import Any

import structlog
from kafka import KafkaProducer
from kafka.errors import KafkaError
from prometheus_client import Counter

from pipeline.bus.client import common, retrying
from pipeline.bus.records import Frame, JsonRecord, encode
from pipeline.bus.topics import FRAMES
from pipeline.ops.errors import BusError
from pipeline.ops.sections import BusSection

log = structlog.get_logger(__name__)

SENT = Counter("siaga_bus_records_sent_total", "Records handed to the bus", ["topic", "outcome"])


class Producer:
    """A thread-safe producer. Records of one key stay in order; a retry is never stored twice (idempotent producer).

    Args:
        bus: Where the brokers are.
        stage: The stage that sends; names the client.
        stop: Ends the wait for a first broker.
        delivery_s: A record that is not acknowledged within this time fails.
        linger_s: Records wait so long for others to go with them in one request.
    """

    def __init__(
        self,
        bus: BusSection,
        stage: str,
        stop: threading.Event | None = None,
        *,
        delivery_s: float = 60,
        linger_s: float = 0.005,
    ) -> None:
        self._lock = threading.Lock()
        self._in_flight = 0
        self._failed: BaseException | None = None
        self._kafka: Any = retrying(
            "producer",
            lambda: KafkaProducer(
                **common(bus.bootstrap_servers, stage),
                acks="all",
                batch_size=1 << 20,
                linger_ms=round(linger_s * 1000),
                max_block_ms=5000,
                request_timeout_ms=10_000,
                delivery_timeout_ms=int(max(delivery_s, 11) * 1000),
            ),
            stop,
        )

    @property
    def in_flight_bytes(self) -> int:
        """Bytes handed over and not yet acknowledged (kafka-python itself has no bound: the caller keeps one)."""
        return self._in_flight

    def send_frame(self, frame: Frame) -> Any:
        """Send a frame to `siaga.frames`, keyed by its camera and stamped with its capture time; return its future.

        Raises:
            BusError: The bus cannot take it now (no metadata within 5 s, or too large).
        """
        return self._send(FRAMES, frame.camera, frame.jpeg, frame.headers(), frame.captured_ms)

    def send(self, topic: str, key: str, record: JsonRecord, *, timestamp_ms: int | None = None) -> Any:
        """Send a JSON record; return its future (`add_callback`, `add_errback`, `get`).

        Raises:
            BusError: The bus cannot take it now.
        """
        return self._send(topic, key, encode(record), [], timestamp_ms)

    def _send(self, topic: str, key: str, value: bytes, headers: list[tuple[str, bytes]], at_ms: int | None) -> Any:
        size = len(value)
        with self._lock:
            self._in_flight += size
        try:
            future = self._kafka.send(topic, value, key=key.encode(), headers=headers, timestamp_ms=at_ms)
        except (KafkaError, ValueError) as error:
            self._settle(topic, size, error)
            raise BusError(f"{topic}: {error}") from error
        future.add_callback(lambda _: self._settle(topic, size, None))
        future.add_errback(lambda error: self._settle(topic, size, error))
        return future

    def _settle(self, topic: str, size: int, error: BaseException | None) -> None:
        with self._lock:
            self._in_flight -= size
            if error is not None:
                self._failed = error
        SENT.labels(topic, "failed" if error else "acknowledged").inc()

    def flush(self, timeout_s: float = 30) -> None:
        """Wait until everything sent so far is acknowledged.

        Raises:
            BusError: Something sent since the last flush failed, or the time is over.
        """
        try:
            self._kafka.flush(timeout=timeout_s)
        except KafkaError as error:
            raise BusError(f"not acknowledged within {timeout_s:g} s: {error}") from error
        with self._lock:
            failed, self._failed = self._failed, None
        if failed is not None:
            raise BusError(f"not acknowledged: {failed}") from failed

    def close(self, timeout_s: float = 5) -> None:
        """Send what waits and disconnect; gives up after `timeout_s`, and says so in the log."""
        try:
            self._kafka.close(timeout=timeout_s)
        except KafkaError as error:
            # kafka-python gives up before it ends its sender: it would go on trying, with an id that is no longer used.
            self._kafka._sender.force_close()
            log.warning("bus.closed_unacknowledged", bytes=self._in_flight, error=str(error))
