"""Records that could not be read: kept on `siaga.dead` with the reason, and counted; never a reason to stop."""

import structlog
from prometheus_client import Counter

from pipeline.bus.consumer import Received
from pipeline.bus.producer import Producer
from pipeline.bus.records import DeadLetter
from pipeline.bus.topics import DEAD
from pipeline.ops.clock import Clock, now_ms
from pipeline.ops.errors import BusError

log = structlog.get_logger(__name__)

DEAD_LETTERS = Counter("siaga_dead_letters_total", "Records that could not be read", ["stage", "topic"])
HEAD_BYTES = 64


class DeadLetters:
    """Puts unreadable records aside for one stage."""

    def __init__(self, producer: Producer, stage: str, clock: Clock = now_ms) -> None:
        self._producer, self._stage, self._clock = producer, stage, clock

    def put(self, record: Received, reason: str) -> None:
        """Keep the place, the reason and the first 64 bytes of a record; a bus that refuses even that is logged."""
        DEAD_LETTERS.labels(self._stage, record.topic).inc()
        letter = DeadLetter(
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            stage=self._stage,
            reason=reason,
            at_ms=self._clock(),
            head=(record.value or b"")[:HEAD_BYTES].hex(),
        )
        try:
            self._producer.send(DEAD, f"{record.topic}/{record.partition}", letter)
        except BusError as error:
            log.error("dead_letter.lost", topic=record.topic, offset=record.offset, reason=reason, error=str(error))
