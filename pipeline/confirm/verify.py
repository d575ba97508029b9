"""Does it behave like something that burns? Flicker, growth and wandering of the boxes of one chain.

A flame's outline changes from frame to frame and a plume swells; a lamp, a sign or the sun keeps its outline to within
the noise of the detector. The measures are plain statistics of boxes, so that a person can follow them; they are best
on the frames of a burst (8-10 a second) and are given with every incident as reasons.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from pipeline.confirm.spatial import Box, area

FEW = 4
"""Fewer boxes than this say nothing about behaviour."""
RIGID_FLICKER = 0.06
"""Below this coefficient of variation of the area a thing is rigid."""
RIGID_WANDER = 0.04
"""Below this wandering of the centre, in shares of the box's side, a thing is rigid."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the boxes of a chain change.

    `flicker` is the coefficient of variation of the area around its trend, `growth` the log-ratio of the area at the
    end of the trend to that at its start, `wander` the mean step of the centre in shares of the box's longer side.
    """

    boxes: int
    flicker: float
    growth: float
    wander: float

    @property
    def rigid(self) -> bool:
        """Whether it keeps its outline as no fire does; never said on few boxes, nor of what fills the picture."""
        still = self.flicker < RIGID_FLICKER and self.wander < RIGID_WANDER
        return self.boxes >= FEW and still and abs(self.growth) < 2 * RIGID_FLICKER

    def reasons(self) -> tuple[str, ...]:
        """Return the measures as `code:value`."""
        if self.boxes < FEW:
            return ()
        return (f"flicker:{self.flicker:.2f}", f"growth:{self.growth:+.2f}", f"wander:{self.wander:.2f}")


def behaviour(boxes: Sequence[Box]) -> Behaviour:
    """Measure how boxes, newest first, change over their sequence."""
    count = len(boxes)
    if count < FEW:
        return Behaviour(count, 0.0, 0.0, 0.0)
    logs = [math.log(max(area(box), 1e-6)) for box in reversed(boxes)]
    middle, mean = (count - 1) / 2, sum(logs) / count
    slope = sum((i - middle) * (value - mean) for i, value in enumerate(logs)) / sum(
        (i - middle) ** 2 for i in range(count)
    )
    spread = math.sqrt(sum((v - mean - slope * (i - middle)) ** 2 for i, v in enumerate(logs)) / count)
    return Behaviour(count, spread, slope * (count - 1), _wander(boxes))


def _wander(boxes: Sequence[Box]) -> float:
    """Return the mean step of the centre between neighbours, in shares of the longer side."""
    steps = [
        math.hypot(a[0] + a[2] - b[0] - b[2], a[1] + a[3] - b[1] - b[3])
        / 2
        / max(a[2] - a[0], a[3] - a[1], b[2] - b[0], b[3] - b[1], 1e-3)
        for a, b in pairwise(boxes)
    ]
    return sum(steps) / len(steps)
