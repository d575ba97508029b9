"""Two clocks: stream seconds from whatever time stamps a source gives, and wall time from jittery arrival."""

from dataclasses import dataclass

MAX_REORDER_S = 2.0
MAX_LIVE_JUMP_S = 10.0
MAX_FILE_JUMP_S = 3600.0
WINDOW_MS = 60_000


@dataclass(slots=True)
class StreamClock:
    """Stream seconds of packets, from 0 on, without the jumps that cameras and damaged files make.

    Args:
        live: Time stamps may jump at any time; arrival decides what a jump was worth.
        trust: False where the container invents its time stamps (MJPEG over HTTP counts pictures as 1/25 s).
        step_s: Seconds a picture lasts where nothing else is known.
        start_s: Time stamp of the stream's first picture, in its own seconds; None takes the first one seen.
    """

    live: bool
    trust: bool = True
    step_s: float = 0.04
    start_s: float | None = None
    _offset: float | None = None
    _last_t: float = 0.0
    _last_ms: int | None = None

    def at(self, stamp_s: float | None, arrived_ms: int) -> float:
        """Return the stream second of a packet.

        Args:
            stamp_s: Its presentation time as the container gives it, in seconds, or None.
            arrived_ms: When it was read, UTC epoch ms.
        """
        if not self.trust:
            stamp_s = None
        if stamp_s is None:
            t = self._next(arrived_ms)
        else:
            t = self._stamped(stamp_s, arrived_ms)
        self._last_t, self._last_ms = t, arrived_ms
        return t

    def _next(self, arrived_ms: int) -> float:
        if self._last_ms is None:
            return 0.0
        if self.live:
            return self._last_t + max(0.001, (arrived_ms - self._last_ms) / 1000)
        return self._last_t + self.step_s

    def _stamped(self, stamp_s: float, arrived_ms: int) -> float:
        if self._offset is None:
            if self._last_ms is None:
                self._offset = stamp_s if self.start_s is None or self.live else self.start_s
            else:
                self._offset = stamp_s - (self._last_t + self.step_s)
        t = stamp_s - self._offset
        if self._last_ms is None:
            return max(0.0, t)
        ahead = t - self._last_t
        if -MAX_REORDER_S <= ahead <= (MAX_LIVE_JUMP_S if self.live else MAX_FILE_JUMP_S):
            return max(0.0, t)
        t = self._next(arrived_ms)
        self._offset = stamp_s - t
        return t


@dataclass(slots=True)
class ArrivalClock:
    """Wall time of stream seconds: the least delayed packet of the last one to two minutes sets the clock.

    A camera's packets come late by varying amounts (network, HLS segments of seconds at once); the wall time of a
    picture is its stream second plus the smallest (arrival - stream second) seen lately. It is never later than the
    arrival.
    """

    _started_ms: int = 0
    _current: float | None = None
    _previous: float | None = None

    def at(self, t_s: float, arrived_ms: int) -> int:
        """Return the capture time of stream second `t_s` that arrived at `arrived_ms`, both ends UTC epoch ms."""
        delay = arrived_ms - t_s * 1000
        if self._current is None or arrived_ms - self._started_ms > WINDOW_MS or arrived_ms < self._started_ms:
            self._previous, self._current, self._started_ms = self._current, delay, arrived_ms
        self._current = min(self._current, delay)
        best = self._current if self._previous is None else min(self._current, self._previous)
        if delay - best > WINDOW_MS:  # the stream stood still: what was learned before is void
            best, self._previous, self._current = delay, None, delay
        return min(arrived_ms, round(t_s * 1000 + best))
