"""Compaction: of a partition whose policy is `compact`, only batches that hold some key's last record are kept.

Whole batches of closed segments are dropped or kept as they are: nothing is encoded anew, every offset stays.
The promise is Kafka's: the last record of each key is there; older ones may be.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable

from kafka.errors import KafkaError

from pipeline.bus.embedded import batch, metrics
from pipeline.bus.embedded.log import PartitionLog
from pipeline.bus.embedded.segment import Segment

logger = logging.getLogger(__name__)

MAX_KEYS = 200_000


async def compact(log: PartitionLog, clock: Callable[[], int]) -> int:
    """Compact the closed segments of a log when one was closed since the last time.

    Args:
        log: a partition; nothing happens unless its policy is `compact`.
        clock: epoch ms, for the age of records without value (tombstones).

    Returns:
        Bytes freed.
    """
    if not log.config.compact or log.compacted_to >= log.active.base:
        return 0
    border = log.active.base
    try:
        last = await _last_records(log, clock() - log.config.tombstone_ms)
        freed = 0
        for segment in log.segments[:-1]:
            if last is not None and segment in log.segments:
                freed += await _rewrite(log, segment, last)
    except (KafkaError, ValueError, IndexError) as error:
        logger.warning("%s: not compacted, a batch cannot be read: %s", log.folder, error)
        freed = 0
    log.compacted_to = border
    return freed


async def _batches(segment: Segment) -> AsyncIterator[tuple[bytes, list[batch.Record]]]:
    """Every batch of a segment with its records, letting other requests in between."""
    for at, header in segment.headers():
        data = segment.read(at, header.size)
        yield data, list(batch.records(data))
        await asyncio.sleep(0)


async def _last_records(log: PartitionLog, tombstones_before: int) -> dict[bytes | None, int] | None:
    """The offset of each key's last record (old tombstones left out), or None where there are too many keys to hold."""
    last: dict[bytes | None, int] = {}
    gone: set[int] = set()
    for segment in list(log.segments):
        async for _, records in _batches(segment):
            for record in records:
                last[record.key] = record.offset
                if record.tombstone and record.timestamp < tombstones_before:
                    gone.add(record.offset)
        if len(last) > MAX_KEYS:
            logger.warning("%s: more than %d keys, not compacted", log.folder, MAX_KEYS)
            return None
    return {key: offset for key, offset in last.items() if offset not in gone}


async def _rewrite(log: PartitionLog, segment: Segment, last: dict[bytes | None, int]) -> int:
    """Write the segment anew without the batches nobody needs, and put it in the old one's place."""
    kept = [
        data async for data, records in _batches(segment)
        if any(record.key is None or last.get(record.key) == record.offset for record in records)
    ]  # fmt: skip
    size = sum(len(data) for data in kept)
    freed = segment.size - size
    if freed and segment in log.segments:
        log.replace(segment, kept)
        metrics.SEGMENTS_DROPPED.labels("compaction").inc()
    return freed
