"""Record batches as a producer would send them, and a clock that a test moves."""

from kafka.record.memory_records import MemoryRecordsBuilder

from pipeline.bus.embedded.config import LogConfig, log_config
from pipeline.bus.embedded.limits import Limits

NOW = 1_700_000_000_000


class Clock:
    """Epoch ms that stand still until moved."""

    def __init__(self, now: int = NOW) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def move(self, ms: int) -> None:
        self.now += ms


def batch(
    *values: bytes | None,
    producer: int = -1,
    epoch: int = -1,
    sequence: int = -1,
    at: int = NOW,
    key: bytes | None = None,
) -> memoryview:
    """One batch of these values; the records are one ms apart."""
    builder = MemoryRecordsBuilder(magic=2, compression_type=0, batch_size=1 << 24)
    builder.set_producer_state(producer, epoch, sequence, False)
    for number, value in enumerate(values or (b"value",)):
        builder.append(timestamp=at + number, key=key, value=value)
    builder.close()
    return memoryview(bytes(builder.buffer()))


def config(**settings: object) -> LogConfig:
    """A partition's configuration from topic settings (`_` for `.`)."""
    return log_config({key.replace("_", "."): str(value) for key, value in settings.items()}, Limits())
