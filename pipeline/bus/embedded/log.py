"""One partition: an append-only log of record batches in segment files, with retention and recovery after a crash.

Nothing is fsynced: what was acknowledged is in the page cache, so it survives the death of this process (kill -9),
but not necessarily of the machine.
"""

import asyncio
import logging
import time
from bisect import bisect_right
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from kafka.errors import KafkaError

from pipeline.bus.embedded import batch
from pipeline.bus.embedded.config import LogConfig
from pipeline.bus.embedded.errors import BrokerError, Code
from pipeline.bus.embedded.producers import ProducerStates
from pipeline.bus.embedded.segment import Segment

logger = logging.getLogger(__name__)

SEGMENT_FILES = "[0-9]" * 20 + ".log"


def epoch_ms() -> int:
    """Wall clock, UTC epoch milliseconds."""
    return time.time_ns() // 1_000_000


class Appended(NamedTuple):
    """Where a batch lies; `duplicate` when it had been written before and was not written again."""

    base_offset: int
    duplicate: bool


class PartitionLog:
    """The log of one partition. Not safe for threads: the broker's event loop owns it.

    Args:
        folder: where its segment files lie; made when missing.
        config: sizes, retention and policy.
        clock: epoch ms.
        verify: on opening, trust no sidecar: scan every segment, as the newest one always is.
    """

    def __init__(
        self, folder: Path, config: LogConfig, clock: Callable[[], int] = epoch_ms, verify: bool = False
    ) -> None:
        self.folder = folder
        self.config = config
        self.waiters: set[asyncio.Future[None]] = set()
        self._clock = clock
        self._producers = ProducerStates()
        self.compacted_to = 0
        self._opened_ms = clock()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.segments = self._recover(verify)

    def _recover(self, verify: bool) -> list[Segment]:
        for leftover in (*self.folder.glob("*.part"), *self.folder.glob("*.cleaned")):
            leftover.unlink()
        segments = [Segment(self.folder, int(path.stem)) for path in sorted(self.folder.glob(SEGMENT_FILES))]
        for segment in segments:
            closed = segment is not segments[-1]
            saved = segment.load_sidecar() if closed and not verify else None
            if saved is not None:
                self._producers.restore(saved)
                continue
            before = segment.path.stat().st_size
            for header in segment.recover():
                self._producers.record(header, header.base_offset)
            if before != segment.size:
                logger.warning("%s: %d torn or broken bytes cut off", segment.path, before - segment.size)
            if closed:
                segment.save_sidecar(self._producers.snapshot())
        return segments or [Segment(self.folder, 0)]

    @property
    def active(self) -> Segment:
        """The segment that is written to."""
        return self.segments[-1]

    @property
    def start_offset(self) -> int:
        """The oldest offset that can still be asked for."""
        return self.segments[0].base

    @property
    def end_offset(self) -> int:
        """The offset the next record gets."""
        return self.active.next_offset

    @property
    def size(self) -> int:
        """Bytes of all segments."""
        return sum(segment.size for segment in self.segments)

    def append(self, data: memoryview) -> Appended:
        """Write one record batch as a producer sent it.

        Raises:
            BrokerError: the batch is broken, too large, out of sequence, or the disk was full; nothing was written.
        """
        header = batch.produced(data, self.config.message_bytes)
        written_at = self._producers.duplicate_of(header)
        if written_at is not None:
            return Appended(written_at, duplicate=True)
        placed = header._replace(base_offset=self.end_offset)
        try:
            if self.active.size and self.active.size + header.size > self.config.segment_bytes:
                self.roll()
                self.enforce_retention()
            if not self.active.size:
                self._opened_ms = self._clock()
            self.active.append(batch.placed(data, placed.base_offset), placed, self._clock())
        except OSError as error:
            raise BrokerError(Code.STORAGE_ERROR, str(error)) from error
        self._producers.record(placed, placed.base_offset)
        self._wake()
        return Appended(placed.base_offset, duplicate=False)

    def _wake(self) -> None:
        """Let every long poll that waits for this partition look again."""
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_result(None)
        self.waiters.clear()

    def roll(self) -> None:
        """Close the active segment and start a new one at the end offset.

        Raises:
            OSError: no file can be made; the active segment stays.
        """
        try:
            self.active.save_sidecar(self._producers.snapshot())
        except OSError as error:
            logger.warning(
                "%s: index not written (%s); the next start reads the whole segment", self.active.path, error
            )
        fresh = Segment(self.folder, self.end_offset)
        # The file's name alone keeps the end offset, should all older segments go before anything is written.
        fresh.path.touch()
        self.segments.append(fresh)

    def _segment_of(self, offset: int) -> int:
        return max(0, bisect_right(self.segments, offset, key=lambda segment: segment.base) - 1)

    def holds(self, offset: int) -> bool:
        """Whether `offset` can be read from: from the start offset up to and including the end offset."""
        return self.start_offset <= offset <= self.end_offset

    def available(self, offset: int) -> int:
        """Bytes from the batch that holds `offset` to the end."""
        if offset >= self.end_offset:
            return 0
        number = self._segment_of(offset)
        rest = sum(segment.size for segment in self.segments[number + 1 :])
        return rest + self.segments[number].size - self.segments[number].locate(offset)

    def read(self, offset: int, max_bytes: int) -> bytes:
        """Return whole batches from the one that holds `offset` on; the first even when larger than `max_bytes`."""
        found: list[bytes] = []
        left = max_bytes
        for segment in self.segments[self._segment_of(offset) :]:
            at = segment.locate(offset)
            chunk = _whole_batches(segment, at, left, at_least_one=left == max_bytes)
            found.append(chunk)
            left -= len(chunk)
            if left <= 0 or at + len(chunk) < segment.size:
                break
        return b"".join(found)

    def offset_for_time(self, timestamp_ms: int) -> tuple[int, int] | None:
        """Return (offset, its time) of the first record at or after `timestamp_ms` (epoch ms), or None."""
        for segment in self.segments:
            at = segment.locate_time(timestamp_ms)
            if at is None:
                continue
            header = next(segment.headers(at))[1]
            try:
                for record in batch.records(segment.read(at, header.size)):
                    if record.timestamp >= timestamp_ms:
                        return record.offset, record.timestamp
            except (KafkaError, ValueError, IndexError) as error:
                logger.warning("%s at %d: records not readable (%s), batch taken as a whole", segment.path, at, error)
            return header.base_offset, header.max_timestamp
        return None

    def enforce_retention(self) -> int:
        """Drop the oldest segments beyond the bounds of age and bytes; return how many went."""
        now = self._clock()
        if self.active.size and now - self._opened_ms >= self.config.segment_ms:
            self.roll()
        dropped = 0
        while self.config.delete and len(self.segments) > 1 and self._expired(self.segments[0], now):
            self.segments.pop(0).delete()
            dropped += 1
        return dropped

    def _expired(self, oldest: Segment, now: int) -> bool:
        too_old = 0 <= self.config.retention_ms < now - oldest.newest_ms
        return too_old or 0 <= self.config.retention_bytes <= self.size - oldest.size

    def replace(self, segment: Segment, batches: list[bytes]) -> None:
        """Put a closed segment that holds only `batches` (as they are in it now) in the place of `segment`, atomically.

        Raises:
            OSError: it could not be written; `segment` stays.
        """
        cleaned = segment.path.with_suffix(".cleaned")
        cleaned.write_bytes(b"".join(batches))
        producers = segment.load_sidecar() or []
        number = self.segments.index(segment)
        segment.retire()
        cleaned.replace(segment.path)
        fresh = Segment(self.folder, segment.base)
        fresh.recover()
        fresh.save_sidecar(producers)
        if fresh.size or number == 0:
            self.segments[number] = fresh
        else:
            self.segments.pop(number)
            fresh.delete()

    def close_idle(self) -> None:
        """Close the files that were not used since the last call, so that many topics need few open files."""
        for segment in self.segments:
            if not segment.used:
                segment.close()
            segment.used = False

    def retire(self) -> None:
        """Close the files of a deleted partition and let its long polls end."""
        self._wake()
        for segment in self.segments:
            segment.retire()

    def close(self) -> None:
        """Close all files."""
        for segment in self.segments:
            segment.close()


def _whole_batches(segment: Segment, at: int, max_bytes: int, at_least_one: bool) -> bytes:
    """The whole batches of `segment` from byte `at` that fit into `max_bytes`."""
    data = segment.read(at, max(0, max_bytes))
    end = 0
    while (header := batch.read_header(data, end)) is not None and end + header.size <= len(data):
        end += header.size
    if end or not at_least_one:
        return data[:end]
    first = next(segment.headers(at), None)
    return b"" if first is None else segment.read(at, first[1].size)
