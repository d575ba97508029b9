"""When to try again: exponential backoff with jitter, and the circuit breaker of a target. Pure, with injected time."""

from collections.abc import Callable
from dataclasses import dataclass

from pipeline.ops.sections import AlertSection

Draw = Callable[[], float]
"""Returns a number 0..1, evenly spread (`random.random`)."""

FAILURES_TO_OPEN = 5
"""Outages in a row after which a target is left alone for a while."""


def delay_ms(attempt: int, low_s: float, high_s: float, draw: Draw) -> int:
    """Return how long to wait after the given attempt (1 = the first), ms.

    The wait doubles from `low_s` to at most `high_s`; half of it is drawn, so that many failures do not come back at
    the same moment ("equal jitter").
    """
    full = min(high_s, low_s * 2.0 ** min(max(attempt, 1) - 1, 40))
    return max(1, int(1000 * full * (0.5 + 0.5 * draw())))


@dataclass
class Breaker:
    """The circuit breaker of one target: after several outages in a row it opens, and later lets one attempt through.

    Times are epoch ms. Only outages count: a target that refuses one message is well.
    """

    low_s: float
    high_s: float
    draw: Draw
    failures: int = 0
    open_until_ms: int = 0

    @classmethod
    def of(cls, alert: AlertSection, draw: Draw) -> "Breaker":
        """Return a closed breaker with the waits of the settings."""
        return cls(alert.retry_min_s, alert.retry_max_s, draw)

    @property
    def is_open(self) -> bool:
        """Whether so many outages came in a row that the target is tried only now and then."""
        return self.failures >= FAILURES_TO_OPEN

    def allows(self, at_ms: int) -> bool:
        """Whether an attempt may be made now."""
        return not self.is_open or at_ms >= self.open_until_ms

    def answered(self) -> None:
        """The target answered: whatever it said, it is not down."""
        self.failures, self.open_until_ms = 0, 0

    def failed(self, at_ms: int) -> None:
        """The target did not answer, or said that it is down."""
        self.failures += 1
        if self.is_open:
            wait = delay_ms(self.failures - FAILURES_TO_OPEN + 1, self.low_s, self.high_s, self.draw)
            self.open_until_ms = at_ms + wait
