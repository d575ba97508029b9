"""Which packets become sampled pictures: pure decisions over stream seconds; nothing is decoded here."""

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NamedTuple

from pipeline.bus.records import Cause
from pipeline.ops.sections import GrabSection, Kind

LATE = 1.1
"""A keyframe this much later than the rate asks for is still preferred to decoding everything before it."""
EARLY = 0.5
"""A keyframe this early may serve, where the next one would come too late."""
EPS_S = 0.005
MAX_BACK_S = 5.0


def floor_for(kinds: Collection[Kind], grab: GrabSection) -> GrabSection:
    """Return the settings for a camera that is watched for these kinds: its floor is the highest that one of them asks.

    A camera watched for nothing in particular keeps `floor_fps`.
    """
    rates = [grab.floors.get(kind, grab.floor_fps) for kind in kinds]
    return grab.model_copy(update={"floor_fps": max(rates)}) if rates else grab


class Due(NamedTuple):
    """A picture that is due: why, and the stream second from which the first picture shown will do.

    Packets of a stream with B-frames come out of order: the one that tells that time has come may be shown later
    than the picture that is wanted.
    """

    cause: Cause
    from_s: float


@dataclass(slots=True)
class SamplingRules:
    """Decides for one stream which packets are due, and why.

    The floor rate is never gated: at the latest `LATE` times its interval after the last floor picture, the next
    packet is due, whatever moves or does not. Activity pictures come on top. Keyframes are preferred wherever they
    are frequent enough for the rate, because they decode alone.
    """

    floor_s: float
    activity_s: float
    _last_floor: float | None = None
    _last_any: float | None = None
    _last_key: float | None = None
    _intervals: deque[float] = field(default_factory=lambda: deque(maxlen=3))
    _late_keys: bool = False

    @classmethod
    def of(cls, grab: GrabSection) -> "SamplingRules":
        """Return the rules that the settings ask for."""
        return cls(1 / grab.floor_fps, 1 / max(grab.activity_fps, grab.floor_fps))

    @property
    def key_interval_s(self) -> float | None:
        """Seconds between keyframes, the longest of the last three; None until two were seen."""
        return max(self._intervals) if self._intervals else None

    @property
    def full_decode(self) -> bool:
        """True where keyframes are rarer than the floor rate, so that packets between them are decoded too."""
        return self._late_keys

    def see(self, t_s: float, key: bool) -> None:
        """Learn from a packet, before asking whether it is due."""
        if self._last_any is not None and t_s < self._last_any - MAX_BACK_S:
            self._last_floor = self._last_any = self._last_key = None
        if key and self._last_key is not None and t_s > self._last_key:
            self._intervals.append(t_s - self._last_key)
            self._late_keys = self._intervals[-1] > self.floor_s * LATE + EPS_S
        elif self._last_key is not None and t_s - self._last_key > self.floor_s * LATE + EPS_S:
            self._late_keys = True
        if key:
            self._last_key = t_s

    def due(self, t_s: float, key: bool, active: bool) -> Due | None:
        """Say whether the packet at stream second `t_s` brings a picture that is due, and why; None: not now."""
        if self._last_floor is None or self._last_any is None:
            return Due("floor", t_s) if self._last_key is not None else None
        if self._is_due(t_s, key, t_s - self._last_floor, self.floor_s):
            return Due("floor", min(t_s, self._last_floor + self.floor_s))
        if active and self._is_due(t_s, key, t_s - self._last_any, self.activity_s):
            return Due("activity", min(t_s, self._last_any + self.activity_s))
        return None

    def _is_due(self, t_s: float, key: bool, since: float, every: float) -> bool:
        interval = self.key_interval_s
        if key:
            next_is_late = interval is not None and since + interval > every * LATE + EPS_S
            return since >= every - EPS_S or (next_is_late and since >= every * EARLY)
        if since < every - EPS_S:
            return False
        latest_s = t_s - since + every * LATE
        comes_soon = interval is None or self._last_key is None or self._last_key + interval <= latest_s + EPS_S
        return not (comes_soon and t_s < latest_s)

    def emitted(self, t_s: float, cause: Cause) -> None:
        """Note a picture that was given out."""
        self._last_any = t_s
        if cause == "floor":
            self._last_floor = t_s
