"""How long to wait before a lost camera is tried again: longer each time, never for ever, never all at once."""

import random
from dataclasses import dataclass
from typing import Protocol


class Uniform(Protocol):
    """A source of chance, such as `random.Random`."""

    def uniform(self, a: float, b: float) -> float:
        """Return a number between `a` and `b`."""


@dataclass(slots=True)
class Backoff:
    """Exponential backoff with jitter; it never gives up.

    Each wait is 40-80 % of a step that doubles from `least_s` to `most_s`: cameras of a switch that came back do not
    come back in one moment, and a camera that returns is found within `most_s`.
    """

    least_s: float
    most_s: float
    chance: Uniform
    _step: float = 0.0

    @classmethod
    def of(cls, least_s: float, most_s: float, seed: str) -> "Backoff":
        """Return a backoff whose jitter is its own (`seed` is the camera id)."""
        return cls(min(least_s, most_s), most_s, random.Random(seed))

    def next_s(self) -> float:
        """Return the seconds to wait now."""
        self._step = min(self.most_s, max(self.least_s, self._step * 2))
        return self._step * self.chance.uniform(0.4, 0.8)

    def reset(self) -> None:
        """Begin anew: the camera was well for a while."""
        self._step = 0.0
