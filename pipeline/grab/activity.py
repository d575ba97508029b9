"""Something moves: learned per camera from the sizes of its packets and from how its sampled pictures differ.

Sizes of P-frame packets follow real motion on most cameras (see the design's measured facts), for free. A camera of
constant bit rate flattens them, so differences between sampled pictures stand beside them.
"""

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from pipeline.grab.look import Look, cell_differences

WINDOW_S = 1.0
WARM_UP = 15
HISTORY = 300
"""Windows remembered, about five minutes: a busy street by day is the usual, not an activity."""
HOLD_S = 3.0
SUSPECT_S = 15.0
"""A camera on which something is suspected is looked at as if it moved for so long (see `confirm.burst_every_s`)."""
MIN_RISE = 1.3
MIN_BYTES = 1500
DEVIATIONS = 4.0
MOVED_LEVELS = 8.0
"""A cell whose mean grey level changed by this much holds something that moved."""
MOVED_CELLS = 2
MAD_TO_SIGMA = 1.4826


@dataclass(slots=True)
class Baseline:
    """The usual value of a signal: median and median absolute deviation of what was seen lately."""

    _seen: deque[float] = field(default_factory=lambda: deque(maxlen=HISTORY))

    def unusual(self, value: float, least: float) -> bool:
        """Tell whether `value` stands out above the usual, by at least `least`; then remember it."""
        stands_out = False
        if len(self._seen) >= WARM_UP:
            middle = float(np.median(self._seen))
            spread = MAD_TO_SIGMA * float(np.median(np.abs(np.asarray(self._seen) - middle)))
            stands_out = value > middle + max(DEVIATIONS * spread, least) and value > middle * MIN_RISE
        self._seen.append(value)
        return stands_out

    @property
    def ready(self) -> bool:
        """True when enough was seen to know the usual."""
        return len(self._seen) >= WARM_UP


@dataclass(slots=True)
class Activity:
    """The activity of one camera. Feed it all packets and the sampled pictures; ask `active`."""

    _sizes: Baseline = field(default_factory=Baseline)
    _moves: Baseline = field(default_factory=Baseline)
    _window: float | None = None
    _bytes: int = 0
    _until: float = -1.0
    _suspected: float = -1.0
    _last_look: Look | None = None

    def packet(self, t_s: float, size: int, key: bool) -> None:
        """Count a packet of `size` bytes at stream second `t_s`; keyframes say nothing of motion."""
        window = t_s // WINDOW_S
        if self._window is None or abs(window - self._window) > HISTORY:
            self._window, self._bytes = window, 0
        if window > self._window:
            if self._sizes.unusual(self._bytes, MIN_BYTES):
                self._until = t_s + HOLD_S
            self._window, self._bytes = window, 0
        if not key:
            self._bytes += size

    def picture(self, t_s: float, look: Look) -> None:
        """Compare a sampled picture with the one before it.

        Until the camera's usual is known, things that clearly moved count.
        """
        if self._last_look is not None:
            cells = cell_differences(look, self._last_look)
            moved = int((cells > MOVED_LEVELS).sum())
            known = self._moves.ready
            if self._moves.unusual(moved, MOVED_CELLS) or (not known and moved >= MOVED_CELLS):
                self._until = t_s + HOLD_S
        self._last_look = look

    def suspect(self, t_s: float) -> None:
        """Hold the camera for active for a while: somebody asked to see more of it at stream second `t_s`."""
        self._suspected = t_s + SUSPECT_S

    def active(self, t_s: float) -> bool:
        """Tell whether something moves, or is suspected, at stream second `t_s`."""
        if self._suspected - SUSPECT_S - 60 <= t_s < self._suspected:
            return True
        return self._until - HOLD_S - 60 <= t_s < self._until
