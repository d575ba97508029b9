"""Health that means function: a stage is well when its input moves and its output follows, not when it lives."""

from collections.abc import Callable
from dataclasses import dataclass, field

from pipeline.ops.clock import Clock


@dataclass(frozen=True)
class StageHealth:
    """What a stage says of itself; `detail` holds plain numbers and words for a person."""

    stage: str
    instance: str
    at_ms: int
    ok: bool
    reason: str
    detail: dict[str, float | int | str] = field(default_factory=dict)


Report = Callable[[StageHealth], None]
"""Where a stage sends its health."""


def no_report(_health: StageHealth) -> None:
    """Take a report where nobody listens."""


class Progress:
    """Tells a stage's health from what went in and what came out.

    A stage with nothing to do is well. One whose input waits while nothing came out for `stale_after_s` is not.

    Args:
        stage: Name of the stage.
        instance: Name of this process among its kind.
        stale_after_s: How long output may stand still while input waits, s.
        clock: Time now, epoch ms.
        every_s: A report at most this often, s.
    """

    def __init__(self, stage: str, instance: str, stale_after_s: float, clock: Clock, *, every_s: float = 2) -> None:
        self._stage, self._instance, self._clock = stage, instance, clock
        self._stale_ms, self._every_ms = int(stale_after_s * 1000), int(every_s * 1000)
        self._waiting = 0
        self._since_ms = clock()
        self._told_ms = 0
        self._trouble = ""
        self.note = ""  # what a stage that works has to say all the same
        self.detail: dict[str, float | int | str] = {}

    def moved(self) -> None:
        """Output followed input just now."""
        self._since_ms, self._trouble = self._clock(), ""

    def waiting(self, records: int) -> None:
        """Tell how many input records wait; none waiting counts as being up to date."""
        if records == 0 and not self._trouble:
            self._since_ms = self._clock()
        self._waiting = records

    def trouble(self, reason: str) -> None:
        """Something this stage needs refuses (the bus, the database); cleared by the next `moved`."""
        self._trouble = reason

    def health(self) -> StageHealth:
        """Return the stage's health now."""
        now = self._clock()
        stood_ms = now - self._since_ms
        stale = stood_ms > self._stale_ms and (self._waiting > 0 or bool(self._trouble))
        if not stale:
            reason = self.note or "working" if self._waiting or stood_ms < self._stale_ms else "idle"
        else:
            reason = self._trouble or f"{self._waiting} records wait, nothing came out for {stood_ms // 1000} s"
        detail = {**self.detail, "waiting": self._waiting}
        return StageHealth(self._stage, self._instance, now, not stale, reason, detail)

    def tell(self, report: Report) -> None:
        """Report the health when it is time to."""
        now = self._clock()
        if now - self._told_ms >= self._every_ms:
            self._told_ms = now
            report(self.health())
