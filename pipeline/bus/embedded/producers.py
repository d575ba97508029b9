"""Idempotent producers of one partition: a batch that is sent again is recognised, not written again.

As in Apache Kafka the last five batches of a producer are remembered: a client has at most five requests in flight.
"""

from collections import deque
from dataclasses import dataclass, field

from pipeline.bus.embedded.batch import MAX_SEQUENCE, BatchHeader
from pipeline.bus.embedded.errors import BrokerError, Code

REMEMBERED_BATCHES = 5
MAX_PRODUCERS = 1000


@dataclass
class Producer:
    """One producer's epoch and its last batches as (first sequence, last sequence, base offset)."""

    epoch: int
    batches: deque[tuple[int, int, int]] = field(default_factory=lambda: deque(maxlen=REMEMBERED_BATCHES))


class ProducerStates:
    """Sequences of all producers that wrote to one partition, the least recent forgotten beyond `MAX_PRODUCERS`."""

    def __init__(self) -> None:
        self._producers: dict[int, Producer] = {}

    def __len__(self) -> int:
        return len(self._producers)

    def duplicate_of(self, header: BatchHeader) -> int | None:
        """Return the offset at which this very batch was written before, or None when it is new and in order.

        Raises:
            BrokerError: INVALID_PRODUCER_EPOCH for a fenced producer, OUT_OF_ORDER_SEQUENCE for a gap.
        """
        known = self._producers.get(header.producer_id)
        if header.producer_id < 0 or known is None:
            return None
        if header.producer_epoch < known.epoch:
            raise BrokerError(Code.INVALID_PRODUCER_EPOCH, f"epoch {header.producer_epoch}, now {known.epoch}")
        if header.producer_epoch > known.epoch:
            if header.base_sequence != 0:
                raise BrokerError(Code.OUT_OF_ORDER_SEQUENCE, f"sequence {header.base_sequence} opens a new epoch")
            return None
        for first, last, offset in known.batches:
            if (first, last) == (header.base_sequence, header.last_sequence):
                return offset
        expected = (known.batches[-1][1] + 1) % (MAX_SEQUENCE + 1) if known.batches else header.base_sequence
        if header.base_sequence != expected:
            raise BrokerError(Code.OUT_OF_ORDER_SEQUENCE, f"sequence {header.base_sequence}, expected {expected}")
        return None

    def record(self, header: BatchHeader, base_offset: int) -> None:
        """Remember a batch that was written at `base_offset`."""
        if header.producer_id < 0:
            return
        known = self._producers.pop(header.producer_id, None)
        if known is None or known.epoch != header.producer_epoch:
            known = Producer(header.producer_epoch)
        known.batches.append((header.base_sequence, header.last_sequence, base_offset))
        self._producers[header.producer_id] = known
        if len(self._producers) > MAX_PRODUCERS:
            self._producers.pop(next(iter(self._producers)))

    def snapshot(self) -> list[list[object]]:
        """All states as plain values for a segment's sidecar file."""
        return [[pid, p.epoch, [list(batch) for batch in p.batches]] for pid, p in self._producers.items()]

    def restore(self, saved: list[tuple[int, int, list[tuple[int, int, int]]]]) -> None:
        """Replace the states by a `snapshot`."""
        self._producers = {
            pid: Producer(epoch, deque(((f, s, o) for f, s, o in batches), maxlen=REMEMBERED_BATCHES))
            for pid, epoch, batches in saved
        }
