"""One segment file of a partition: record batches back to back, with a sparse index in memory.

A closed segment has a sidecar (`.index`) that holds the index and the producers' states at its end, so a restart reads
that instead of the whole segment. A missing or wrong sidecar only costs the scan.
"""

import json
import os
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pipeline.bus.embedded.batch import HEADER_BYTES, BatchHeader, crc_matches, read_header

INDEX_EVERY_BYTES = 65_536
WINDOW_BYTES = 16_384


class Segment:
    """A segment file named by its first offset.

    Attributes:
        base: first offset the segment may hold.
        next_offset: the offset after its last record.
        size: bytes of whole batches in it.
        max_timestamp: newest record time in it, epoch ms (-1 when empty).
        newest_ms: the same, but never later than when it was written: a clock that runs ahead must not keep a segment
            for ever.
        gone: removed, or replaced by another; its file must not be opened again, it may be somebody else's by now.
        used: whether the file was touched since `used` was last set to False.
    """

    def __init__(self, folder: Path, base: int) -> None:
        self.base = base
        self.path = folder / f"{base:020d}.log"
        self.next_offset = base
        self.size = 0
        self.max_timestamp = -1
        self.newest_ms = -1
        self.used = True
        self.gone = False
        self._fd: int | None = None
        self._offsets = array("q")
        self._positions = array("q")
        self._times = array("q")

    @property
    def sidecar(self) -> Path:
        """Path of the index file of a closed segment."""
        return self.path.with_suffix(".index")

    @property
    def index_entries(self) -> int:
        """Entries of the sparse index held in memory: about one per 64 KiB of file."""
        return len(self._offsets)

    def _file(self) -> int:
        if self.gone:
            raise FileNotFoundError(f"{self.path} was removed")
        self.used = True
        if self._fd is None:
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        return self._fd

    def append(self, parts: Sequence[bytes | memoryview], header: BatchHeader, now_ms: int) -> None:
        """Write one batch at the end; either all of it is in the file or nothing.

        Raises:
            OSError: the file system took less than the whole batch (a full disk); the file is as before.
        """
        file, wanted = self._file(), sum(len(part) for part in parts)
        try:
            written = os.pwritev(file, parts, self.size)
            if written != wanted:
                raise OSError(f"{self.path}: {written} of {wanted} bytes written")
        except OSError:
            os.ftruncate(file, self.size)
            raise
        self._count(header, self.size, min(header.max_timestamp, now_ms))

    def _count(self, header: BatchHeader, at: int, newest_ms: int) -> None:
        if not self._positions or at - self._positions[-1] >= INDEX_EVERY_BYTES:
            self._offsets.append(header.base_offset)
            self._positions.append(at)
            self._times.append(self.max_timestamp)
        self.max_timestamp = max(self.max_timestamp, header.max_timestamp)
        self.newest_ms = max(self.newest_ms, newest_ms)
        self.next_offset = header.next_offset
        self.size = at + header.size

    def read(self, at: int, count: int) -> bytes:
        """Return up to `count` bytes from byte `at` of the whole batches."""
        return os.pread(self._file(), max(0, min(count, self.size - at)), at)

    def headers(self, at: int = 0, end: int | None = None) -> Iterator[tuple[int, BatchHeader]]:
        """Yield (byte position, header) of each whole batch from `at`; ends at the first that is torn or no batch."""
        end = self.size if end is None else end
        window, start = b"", at
        while at + HEADER_BYTES <= end:
            if at - start + HEADER_BYTES > len(window):
                window, start = os.pread(self._file(), min(WINDOW_BYTES, end - at), at), at
            header = read_header(window, at - start)
            if header is None or at + header.size > end:
                return
            yield at, header
            at += header.size

    def locate(self, offset: int) -> int:
        """Return the byte position of the first batch that ends after `offset` (the size, when none does)."""
        entry = bisect_right(self._offsets, offset) - 1
        for at, header in self.headers(self._positions[entry] if entry >= 0 else 0):
            if header.next_offset > offset:
                return at
        return self.size

    def locate_time(self, timestamp_ms: int) -> int | None:
        """Return the byte position of the first batch with a record at or after `timestamp_ms`, or None."""
        if self.max_timestamp < timestamp_ms:
            return None
        entry = max(0, bisect_left(self._times, timestamp_ms) - 1)
        for at, header in self.headers(self._positions[entry] if self._positions else 0):
            if header.max_timestamp >= timestamp_ms:
                return at
        return None

    def recover(self) -> list[BatchHeader]:
        """Scan the file, cut it where a batch is torn or its CRC is wrong, and rebuild the index.

        Returns:
            The headers of all whole batches, for the producers' states.
        """
        stat = self.path.stat()
        written_ms = int(stat.st_mtime * 1000)
        found = []
        for at, header in self.headers(0, stat.st_size):
            if header.base_offset < self.next_offset:
                break
            if not crc_matches(memoryview(os.pread(self._file(), header.size, at)), header):
                break
            self._count(header, at, min(header.max_timestamp, written_ms))
            found.append(header)
        if self.size < stat.st_size:
            os.ftruncate(self._file(), self.size)
        return found

    def save_sidecar(self, producers: list[list[object]]) -> None:
        """Write the index of this (now closed) segment beside it, atomically."""
        state = {
            "size": self.size,
            "next_offset": self.next_offset,
            "max_timestamp": self.max_timestamp,
            "newest_ms": self.newest_ms,
            "offsets": self._offsets.tolist(),
            "positions": self._positions.tolist(),
            "times": self._times.tolist(),
            "producers": producers,
        }
        part = self.sidecar.with_suffix(".part")
        part.write_text(json.dumps(state), encoding="utf-8")
        part.replace(self.sidecar)

    def load_sidecar(self) -> Any | None:
        """Take the index from the sidecar; return the saved producers' states, or None when there is no sound one."""
        try:
            state = json.loads(self.sidecar.read_text(encoding="utf-8"))
            if state["size"] != self.path.stat().st_size:
                return None
            columns = [array("q", state[name]) for name in ("offsets", "positions", "times")]
            size, next_offset = int(state["size"]), int(state["next_offset"])
            max_timestamp, newest_ms = int(state["max_timestamp"]), int(state["newest_ms"])
            producers = state["producers"]
        except (OSError, ValueError, KeyError, TypeError, OverflowError):
            return None
        self._offsets, self._positions, self._times = columns
        self.size, self.next_offset, self.max_timestamp, self.newest_ms = size, next_offset, max_timestamp, newest_ms
        return producers

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def retire(self) -> None:
        """Close the file for good."""
        self.close()
        self.gone = True

    def delete(self) -> None:
        """Remove the file and its sidecar."""
        self.retire()
        self.path.unlink(missing_ok=True)
        self.sidecar.unlink(missing_ok=True)
