"""The state of one camera: what its last seconds said, by kind. A pure function of the observations in its window."""

from collections import deque
from dataclasses import dataclass, field

from pipeline.bus.records import Observation
from pipeline.confirm.event import Event
from pipeline.confirm.evidence import Sight
from pipeline.confirm.rules import CameraRules, Rule

RECENT = 128
"""Observations of a camera that are remembered to know a duplicate."""
MOST_SIGHTS = 256
"""Bound of a window, whatever its observations claim."""
STEPPED_MS = 600_000
"""An observation this far in the past of its camera means that the grabber's clock was set back, ms."""
FUTURE_MS = 300_000
"""An observation this far ahead of the clock is not believed, ms."""

NEVER_MS = -(1 << 62)


@dataclass(slots=True, eq=False)
class Track:
    """One kind at one camera. `said` is what the last candidate lacked; it is counted when the candidate is over."""

    rule: Rule
    window: deque[Sight] = field(default_factory=lambda: deque(maxlen=MOST_SIGHTS))
    event: Event | None = None
    said: str = ""
    agreed_ms: int = 0
    model: str = ""

    def add(self, sight: Sight, newest_ms: int) -> None:
        """Put a sight in its place by time and forget what is older than the window."""
        window = self.window
        if window and sight.ms < window[-1].ms:
            later = 0
            while later < len(window) and window[-1 - later].ms > sight.ms:
                later += 1
            if len(window) < MOST_SIGHTS:
                window.insert(len(window) - later, sight)
        else:
            window.append(sight)
        oldest = newest_ms - self.rule.window_ms
        while window[0].ms < oldest:
            window.popleft()


class Watched:
    """A camera with its tracks.

    Args:
        rules: The camera's rules.
    """

    __slots__ = ("asked_ms", "keys", "newest_ms", "order", "rules", "tracks", "window_ms")

    def __init__(self, rules: CameraRules) -> None:
        self.rules = rules
        self.tracks = tuple(Track(rule) for rule in rules.rules)
        self.window_ms = max((rule.window_ms for rule in rules.rules), default=0)
        self.newest_ms = 0
        self.asked_ms = NEVER_MS
        self.keys: set[int] = set()
        self.order: deque[int] = deque()

    def admit(self, observation: Observation, now_ms: int) -> str:
        """Take note of an observation; return why it is not taken, or an empty string.

        `duplicate`: it was taken before (the bus delivers at least once). `late`: older than any window.
        `from_future`: its clock is wrong. A clock that was set back empties the windows instead.
        """
        key = hash((observation.trace, observation.model.name))
        if key in self.keys:
            return "duplicate"
        ms = observation.captured_ms
        if ms > now_ms + FUTURE_MS:
            return "from_future"
        self._remember(key)
        if ms < self.newest_ms - self.window_ms:
            if ms > self.newest_ms - STEPPED_MS:
                return "late"
            self._restart()
        if ms > self.newest_ms:
            self.newest_ms = ms
        return ""

    def _remember(self, key: int) -> None:
        self.keys.add(key)
        self.order.append(key)
        if len(self.order) > RECENT:
            self.keys.discard(self.order.popleft())

    def _restart(self) -> None:
        """Begin a new time line; open events go on."""
        self.newest_ms, self.asked_ms = 0, NEVER_MS
        for track in self.tracks:
            track.window.clear()
