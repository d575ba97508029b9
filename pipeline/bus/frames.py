"""The frames topic as a time machine: one frame by its place, or a camera's frames between two moments."""

import threading
from typing import Any

import structlog
from kafka.partitioner.default import murmur2

from pipeline.bus.consumer import Consumer
from pipeline.bus.records import Frame, FrameRef, decode_frame
from pipeline.bus.topics import FRAMES
from pipeline.ops.errors import BusError, RecordError
from pipeline.ops.sections import BusSection

log = structlog.get_logger(__name__)


def partition_of(key: str, partitions: int) -> int:
    """Return the partition on which Kafka's default partitioner puts this key (murmur2)."""
    return int((murmur2(key.encode()) & 0x7FFFFFFF) % partitions)


class FrameReader:
    """Reads frames back from the bus; thread-safe, one connection, made at the first use.

    Args:
        bus: Where the brokers are.
        stage: The stage that reads.
        patience_s: How long one read may wait for the bus.
    """

    def __init__(self, bus: BusSection, stage: str, *, patience_s: float = 5) -> None:
        self._bus, self._stage, self._patience_s = bus, stage, patience_s
        self._lock = threading.Lock()
        self._consumer: Consumer | None = None

    def _connected(self) -> Consumer:
        if self._consumer is None:
            self._consumer = Consumer(self._bus, self._stage, [FRAMES], None)
        return self._consumer

    def _only(self, place: tuple[str, int], offset: int) -> Any:
        """Read `place` from `offset` on and let the other partitions rest at their ends."""
        consumer = self._connected()
        for other, end in consumer.ends(consumer.places()).items():
            consumer.seek(other, offset if other == place else end)
        return consumer

    def read(self, ref: FrameRef) -> Frame | None:
        """Return the frame at `ref`, or None when it is no longer kept or cannot be read.

        Raises:
            BusError: The bus did not answer.
        """
        place = (FRAMES, ref.partition)
        with self._lock:
            consumer = self._connected()
            if place not in consumer.places():
                return None
            first, end = consumer.begins([place])[place], consumer.ends([place])[place]
            if not first <= ref.offset < end:
                return None
            self._only(place, ref.offset)
            for _ in range(max(1, int(self._patience_s / 0.5))):
                for record in consumer.poll(0.5, 50):
                    if record.place == place and record.offset >= ref.offset:
                        return self._frame(record) if record.offset == ref.offset else None
            raise BusError(f"frame {ref.partition}/{ref.offset} did not come within {self._patience_s:g} s")

    def between(self, camera: str, start_ms: int, end_ms: int) -> list[Frame]:
        """Return the camera's frames captured within `[start_ms, end_ms]`, oldest first.

        Raises:
            BusError: The bus did not answer.
        """
        with self._lock:
            consumer = self._connected()
            place = (FRAMES, partition_of(camera, len(consumer.places())))
            offset, end = consumer.offset_at(place, start_ms), consumer.ends([place])[place]
            self._only(place, offset)
            frames: dict[int, Frame] = {}
            quiet = 0
            while offset < end and quiet < max(1, int(self._patience_s / 0.5)):
                records = [record for record in consumer.poll(0.5, 500) if record.place == place]
                quiet = 0 if records else quiet + 1
                for record in records:
                    offset = record.offset + 1
                    if record.key == camera.encode() and start_ms <= record.timestamp_ms <= end_ms:
                        frame = self._frame(record)
                        if frame is not None:
                            frames[frame.seq] = frame
                if records and records[-1].timestamp_ms > end_ms + 60_000:
                    break
        return sorted(frames.values(), key=lambda frame: (frame.captured_ms, frame.seq))

    def _frame(self, record: Any) -> Frame | None:
        try:
            return decode_frame(record.key, record.value, record.headers)
        except RecordError as error:
            log.warning("frames.unreadable", partition=record.partition, offset=record.offset, reason=str(error))
            return None

    def close(self) -> None:
        """Disconnect."""
        with self._lock:
            if self._consumer is not None:
                self._consumer.close()
                self._consumer = None
