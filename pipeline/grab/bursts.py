"""Bursts: a couple of seconds at a high rate around now, when a stage asks for them; budgeted for the whole process."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from prometheus_client import Counter

from pipeline.grab.decode import Decoded, GopDecoder
from pipeline.grab.source import StreamInfo, Unit
from pipeline.ops.sections import GrabSection

BURSTS = Counter("siaga_grab_bursts_total", "Bursts asked for", ["outcome"])
MAX_GOP = 1500
MINUTE_MS = 60_000


@dataclass(slots=True)
class BurstBudget:
    """Grants at most `per_minute` bursts in any minute. `clock` gives ms, of the wall or of the stream."""

    per_minute: float
    clock: Callable[[], int]
    _granted: deque[int] = field(default_factory=deque)

    def take(self) -> bool:
        """Take one burst out of the budget, or return False."""
        now = self.clock()
        while self._granted and not now - MINUTE_MS < self._granted[0] <= now:
            self._granted.popleft()
        if len(self._granted) >= self.per_minute:
            return False
        self._granted.append(now)
        return True


class Burst:
    """One burst under way: decodes all packets from the last keyframe on and gives out pictures at `burst_fps`.

    It has a decoder of its own, so that floor and activity pictures go on beside it. It begins half of `burst_s`
    before the packet it was asked at, as far as the last keyframe reaches back.

    Args:
        id_: Carried by each of its pictures.
        info: The stream.
        gop: Packets since the last keyframe, that one included, in decoding order.
        grab: Rate and length.
    """

    def __init__(self, id_: str, info: StreamInfo, gop: list[Unit], grab: GrabSection) -> None:
        self.id = id_
        self._decoder = GopDecoder(info)
        self._every = 1 / grab.burst_fps
        newest = max(unit.t_s for unit in gop)
        self._next = max(gop[0].t_s, newest - grab.burst_s / 2)
        self._end = self._next + grab.burst_s
        self.over = False
        for unit in gop:
            self._decoder.add(unit)

    def feed(self, unit: Unit | None) -> list[Decoded]:
        """Take the next packet (None: no more will come) and return the pictures due."""
        if unit is not None:
            self._decoder.add(unit)
        decoded = self._decoder.advance()
        if unit is None or unit.t_s >= self._end:
            self.over = True
            decoded += self._decoder.drain()
        due: list[Decoded] = []
        for item in decoded:
            if self._next - 0.005 <= item[0].t_s < self._end:
                due.append(item)
                self._next = max(self._next + self._every, item[0].t_s + self._every / 2)
        return due


class GopBuffer:
    """The packets since the last keyframe, for bursts to begin with; bounded by count."""

    def __init__(self) -> None:
        self._units: list[Unit] = []

    def add(self, unit: Unit) -> None:
        """Take a packet."""
        if unit.key:
            self._units = [unit]
        elif self._units:
            self._units.append(unit)
            if len(self._units) > MAX_GOP:
                self._units = []

    def units(self) -> list[Unit]:
        """Return them in decoding order; empty when no keyframe is within reach."""
        return list(self._units)
