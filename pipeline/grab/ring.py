"""The last seconds of encoded video of one camera, for clips; bounded in time and bytes, beginning with a keyframe."""

import threading
from collections import deque
from dataclasses import dataclass

from pipeline.grab.source import StreamInfo, Unit


@dataclass(slots=True)
class _Group:
    """A keyframe and what depends on it, in decoding order, of one connection."""

    info: StreamInfo
    units: list[Unit]
    bytes: int


@dataclass(frozen=True, slots=True)
class Cut:
    """A piece of the ring: packets with the stream they belong to, in order of arrival, a keyframe first."""

    parts: tuple[tuple[StreamInfo, tuple[Unit, ...]], ...]

    @property
    def start_ms(self) -> int:
        """Capture time of the first packet, UTC epoch ms."""
        return self.parts[0][1][0].captured_ms

    @property
    def end_ms(self) -> int:
        """Capture time of the last packet, UTC epoch ms."""
        return max(unit.captured_ms for unit in self.parts[-1][1])


class PacketRing:
    """Keeps at least `max_s` seconds while they fit into `max_bytes`; thread-safe.

    Groups of pictures are let go whole. One that alone does not fit is let go too: the ring then waits for the next
    keyframe.
    """

    def __init__(self, max_s: float, max_bytes: int) -> None:
        self._max_ms, self._max_bytes = max_s * 1000, max_bytes
        self._groups: deque[_Group] = deque()
        self._bytes = 0
        self._open = False
        self._lock = threading.Lock()

    @property
    def bytes(self) -> int:
        """Bytes of encoded video held."""
        return self._bytes

    def add(self, info: StreamInfo, unit: Unit) -> None:
        """Take a packet of the stream `info`; one whose keyframe is not held is passed over."""
        with self._lock:
            if unit.key:
                self._groups.append(_Group(info, [unit], unit.size))
                self._open = True
            elif self._open and self._groups and self._groups[-1].info is info:
                self._groups[-1].units.append(unit)
                self._groups[-1].bytes += unit.size
            else:
                return
            self._bytes += unit.size
            self._trim(unit.captured_ms)

    def _trim(self, now_ms: int) -> None:
        while len(self._groups) > 1 and (
            self._bytes > self._max_bytes or self._groups[1].units[0].captured_ms <= now_ms - self._max_ms
        ):
            self._bytes -= self._groups.popleft().bytes
        alone = self._groups[0]
        spans_ms = now_ms - alone.units[0].captured_ms
        if self._bytes > self._max_bytes or (len(self._groups) == 1 and spans_ms > 2 * self._max_ms):
            self._groups.clear()
            self._bytes, self._open = 0, False

    def cut(self, start_ms: int, end_ms: int) -> Cut | None:
        """Return the packets from the last keyframe at or before `start_ms` (or the first held) up to `end_ms`.

        None when nothing held was captured by `end_ms`.
        """
        with self._lock:
            groups = [(group.info, list(group.units)) for group in self._groups]
        first = max((i for i, (_, units) in enumerate(groups) if units[0].captured_ms <= start_ms), default=0)
        parts: list[tuple[StreamInfo, tuple[Unit, ...]]] = []
        for info, units in groups[first:]:
            last = max((i for i, unit in enumerate(units) if unit.captured_ms <= end_ms), default=None)
            if last is None:
                continue
            wanted = tuple(units[: last + 1])  # whole in order of decoding: B-frames need the later one they refer to
            if parts and parts[-1][0] is info:
                parts[-1] = (info, parts[-1][1] + wanted)
            else:
                parts.append((info, wanted))
        return Cut(tuple(parts)) if parts else None
