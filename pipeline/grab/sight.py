"""Is there anything to see: black, covered and frozen pictures, judged over time. Pure; times come from the caller."""

from collections import deque
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.grab.look import Look, cell_differences
from pipeline.ops.sections import GrabSection

Blindness = Literal["dark", "covered", "frozen"]

DARK_MEAN, DARK_BRIGHT = 16.0, 48.0
"""Black: mean and 99th percentile below these grey levels (a lamp or a fire at night is brighter)."""
BLANK_DETAIL = 0.8
"""Mean absolute Laplacian of a picture in which nothing has an edge."""
LOST_DETAIL, LOST_CONTRAST = 0.25, 0.5
"""Shares of the camera's usual detail and contrast below which something is in front of it."""
USUAL = 300
USUAL_LEAST = 30
CHANGED_LEVELS = 2.5
"""A cell that differs by more has changed; encoding the same picture again stays below (measured: up to 2.0)."""
CLOCK_CELLS = 10
"""So many cells of 144, always the same ones, may change in a frozen picture: the burnt-in clock."""
QUIET_LEVELS = 0.15
"""Median difference of neighbouring pictures when nothing is new; weak sensor noise gives .4 (measured)."""
QUIET_SHARE = 0.5


@dataclass(slots=True)
class _Spell:
    """Since when something has been so without a break, ms."""

    since_ms: int | None = None

    def lasts(self, now_ms: int, so: bool) -> int:
        """Return for how many ms it has been so, 0 when it is not."""
        if not so:
            self.since_ms = None
            return 0
        if self.since_ms is None or now_ms < self.since_ms:
            self.since_ms = now_ms
        return now_ms - self.since_ms


@dataclass(slots=True)
class _Stillness:
    """Since when the picture has been the same one."""

    reference: Look | None = None
    last: Look | None = None
    since_ms: int = 0
    changed: NDArray[np.bool_] | None = None
    steps: int = 0
    quiet: int = 0

    def lasts(self, now_ms: int, look: Look) -> int:
        """Take the next picture; return for how many ms it has been the same, 0 when it is not."""
        if self.reference is None or self.last is None or self.changed is None or now_ms < self.since_ms:
            return self._begin(now_ms, look)
        changed = self.changed | (cell_differences(look, self.reference) > CHANGED_LEVELS)
        if int(changed.sum()) > CLOCK_CELLS:
            return self._begin(now_ms, look)
        self.changed = changed
        self.steps += 1
        self.quiet += float(np.median(cell_differences(look, self.last))) <= QUIET_LEVELS
        self.last = look
        return now_ms - self.since_ms if self.quiet >= QUIET_SHARE * self.steps else 0

    def _begin(self, now_ms: int, look: Look) -> int:
        self.reference = self.last = look
        self.since_ms, self.steps, self.quiet = now_ms, 0, 0
        self.changed = np.zeros((9, 16), np.bool_)
        return 0


@dataclass(slots=True)
class Sight:
    """What keeps a camera from seeing. Feed it the floor pictures with their wall times (ms)."""

    dark_after_ms: int
    covered_after_ms: int
    frozen_after_ms: int
    _dark: _Spell = field(default_factory=_Spell)
    _covered: _Spell = field(default_factory=_Spell)
    _still: _Stillness = field(default_factory=_Stillness)
    _details: deque[float] = field(default_factory=lambda: deque(maxlen=USUAL))
    _contrasts: deque[float] = field(default_factory=lambda: deque(maxlen=USUAL))

    @classmethod
    def of(cls, grab: GrabSection) -> "Sight":
        """Return it with the times that the settings ask for."""
        return cls(int(grab.dark_after_s * 1000), int(grab.covered_after_s * 1000), int(grab.frozen_after_s * 1000))

    def judge(self, look: Look, at_ms: int) -> Blindness | None:
        """Return what is wrong with the picture for long enough now, the gravest first, or None."""
        dark = look.mean < DARK_MEAN and look.bright < DARK_BRIGHT
        covered = not dark and self._is_covered(look)
        if not dark and not covered:
            self._details.append(look.detail)
            self._contrasts.append(look.contrast)
        dark_ms = self._dark.lasts(at_ms, dark)
        covered_ms = self._covered.lasts(at_ms, covered)
        still_ms = self._still.lasts(at_ms, look)
        if dark and dark_ms >= self.dark_after_ms:
            return "dark"
        if covered and covered_ms >= self.covered_after_ms:
            return "covered"
        return "frozen" if still_ms >= self.frozen_after_ms else None

    def _is_covered(self, look: Look) -> bool:
        if look.detail < BLANK_DETAIL:
            return True
        if len(self._details) < USUAL_LEAST:
            return False
        return bool(
            look.detail < LOST_DETAIL * np.median(self._details)
            and look.contrast < LOST_CONTRAST * np.median(self._contrasts)
        )
