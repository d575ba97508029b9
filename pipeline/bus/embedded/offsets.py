"""Committed offsets: a journal of JSON lines, rewritten when it has grown far beyond what is live."""

import json
import logging
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from pipeline.bus.embedded.log import epoch_ms

logger = logging.getLogger(__name__)

SLACK_LINES = 10_000
KEPT_MS = 30 * 86_400_000


class Committed(NamedTuple):
    """One committed offset: the next to read, the client's note, and when it was committed (epoch ms)."""

    offset: int
    metadata: str
    at_ms: int


class Commit(NamedTuple):
    """One partition's part of a commit request."""

    topic: str
    partition: int
    offset: int
    metadata: str


class OffsetStore:
    """Offsets by (group, topic, partition). A commit is in the file when `commit` returns.

    Args:
        path: the journal; made when missing. A torn last line, left by a kill, is dropped.
        clock: epoch ms.
    """

    def __init__(self, path: Path, clock: Callable[[], int] = epoch_ms) -> None:
        self._path = path
        self._clock = clock
        self._live: dict[tuple[str, str, int], Committed] = {}
        self._fd = -1
        self._lines = 0
        path.parent.mkdir(parents=True, exist_ok=True)
        self._load()
        self._rewrite()

    def _load(self) -> None:
        try:
            lines = self._path.read_bytes().splitlines()
        except FileNotFoundError:
            return
        oldest = self._clock() - KEPT_MS
        for number, line in enumerate(lines, 1):
            try:
                group, topic, partition, offset, metadata, at_ms = json.loads(line)
                key = (str(group), str(topic), int(partition))
                committed = Committed(int(offset), str(metadata), int(at_ms))
            except (ValueError, TypeError) as error:
                logger.warning("%s: line %d dropped (%s)", self._path, number, error)
                continue
            if committed.offset < 0 or committed.at_ms < oldest:
                self._live.pop(key, None)
            else:
                self._live[key] = committed

    def _rewrite(self) -> None:
        """Write the live offsets alone, atomically, and go on appending to that file."""
        part = self._path.with_suffix(".part")
        with part.open("wb") as file:
            for key, committed in self._live.items():
                file.write(_line(key, committed))
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._path)
        self.close()
        self._fd = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        self._lines = len(self._live)

    def _append(self, lines: list[bytes]) -> None:
        data = b"".join(lines)
        size = os.fstat(self._fd).st_size
        try:
            written = os.write(self._fd, data)
            if written != len(data):
                raise OSError(f"{self._path}: {written} of {len(data)} bytes written")
        except OSError:
            os.ftruncate(self._fd, size)
            raise
        self._lines += len(lines)
        if self._lines > SLACK_LINES + 4 * len(self._live):
            self._rewrite()

    def commit(self, group: str, commits: Iterable[Commit]) -> None:
        """Keep the offsets of one commit.

        Raises:
            OSError: they could not be written; none of them counts.
        """
        now = self._clock()
        new = {(group, c.topic, c.partition): Committed(c.offset, c.metadata, now) for c in commits}
        self._append([_line(key, committed) for key, committed in new.items()])
        self._live.update(new)

    def fetch(self, group: str, topic: str, partition: int) -> Committed | None:
        """Return what a group committed for a partition, or None."""
        return self._live.get((group, topic, partition))

    def partitions_of(self, group: str) -> dict[str, list[int]]:
        """The partitions a group has committed offsets of, by topic."""
        found: dict[str, list[int]] = {}
        for owner, topic, partition in self._live:
            if owner == group:
                found.setdefault(topic, []).append(partition)
        return found

    def groups(self) -> set[str]:
        """Every group with a committed offset."""
        return {group for group, _, _ in self._live}

    def forget_group(self, group: str) -> bool:
        """Drop a group's offsets; return whether it had any."""
        return self._forget([key for key in self._live if key[0] == group])

    def forget_topic(self, topic: str) -> bool:
        """Drop all groups' offsets of a topic; return whether there were any."""
        return self._forget([key for key in self._live if key[1] == topic])

    def _forget(self, keys: list[tuple[str, str, int]]) -> bool:
        if keys:
            now = self._clock()
            self._append([_line(key, Committed(-1, "", now)) for key in keys])
            for key in keys:
                del self._live[key]
        return bool(keys)

    def close(self) -> None:
        """Close the journal."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _line(key: tuple[str, str, int], committed: Committed) -> bytes:
    return json.dumps([*key, *committed], separators=(",", ":")).encode() + b"\n"
