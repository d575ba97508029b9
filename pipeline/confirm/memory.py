"""What is always there: per camera and kind, places where the detector keeps seeing the same unchanging thing.

A lamp at one place, night after night, is learned after `memory_after_s` of being seen and then no longer speaks. A
region that burns is never learned: a place is held back only while its outline has kept still over all that time, and
only for boxes that are no larger and no brighter than what was learned. What grows, flickers or is new speaks at once.

The memory is bounded (`PLACES` a camera and kind) and can be written as plain JSON and read back exactly.
"""

import math
from dataclasses import asdict, dataclass

from pipeline.confirm.spatial import Box, area, iou

PLACES = 8
"""Places kept per camera and kind; the least seen goes first."""
SAME_IOU = 0.3
"""Boxes that overlap by this much are the same place."""
GAP_MS = 5_000
"""Longest time that one sight counts as being seen, ms."""
RATE = 0.02
"""How fast the learned outline and its variation follow what is seen, per sight."""
STILL = 0.12
"""Above this coefficient of variation of the area a place burns, or is at least not a lamp."""
GROWN = 1.5
"""A box this many times the learned area is not what was learned."""
BRIGHTER = 0.15
"""Nor is one that scores this much above the best score learned."""
DAY_MS = 86_400_000


@dataclass(slots=True)
class Place:
    """One learned place: mean box, mean and variance of its area, best score, and how long it was seen, ms."""

    box: Box
    size: float
    variance: float
    score: float
    seen_ms: int
    last_ms: int

    def variation(self) -> float:
        """Return the coefficient of variation of the area."""
        return math.sqrt(self.variance) / self.size if self.size > 0 else 1.0

    def learn(self, box: Box, score: float, ms: int) -> None:
        """Follow a sight of this place. Sights that come late change nothing but the outline."""
        self.seen_ms += min(GAP_MS, max(0, ms - self.last_ms))
        self.last_ms = max(self.last_ms, ms)
        self.score = max(score, self.score - RATE / 100)
        step = area(box) - self.size
        self.size += RATE * step
        self.variance = (1 - RATE) * (self.variance + RATE * step * step)
        x1, y1, x2, y2 = (old + RATE * (new - old) for old, new in zip(self.box, box, strict=True))
        self.box = (x1, y1, x2, y2)

    def holds(self, box: Box, score: float, after_ms: int) -> bool:
        """Say whether a box is this thing again, seen for at least `after_ms` and always still."""
        known = self.seen_ms >= after_ms and self.variation() <= STILL
        return known and area(box) <= GROWN * self.size and score <= self.score + BRIGHTER


class Memory:
    """The places of all cameras.

    Args:
        after_s: How long a thing must have been seen, in sum, s.
        days: What was not seen for this long is forgotten.
    """

    def __init__(self, after_s: float, days: float) -> None:
        self._after_ms = int(after_s * 1000)
        self._forget_ms = int(days * DAY_MS)
        self._places: dict[str, list[Place]] = {}
        self.learning = True
        """False while observations are replayed that were learned from already."""

    def always_there(self, camera: str, kind: str, score: float, box: Box, ms: int) -> bool:
        """Learn from a box (score at least the closing threshold) and say whether it is something always there."""
        places = self._places.setdefault(f"{camera}|{kind}", [])
        place = max(places, key=lambda known: iou(known.box, box), default=None)
        if place is None or iou(place.box, box) < SAME_IOU:
            if self.learning:
                self._add(places, Place(box, area(box), 0.0, score, 0, ms), ms)
            return False
        held = place.holds(box, score, self._after_ms)
        if self.learning:
            place.learn(box, score, ms)
        return held

    def _add(self, places: list[Place], place: Place, ms: int) -> None:
        """Make room by forgetting what is old, then what was seen least, and keep the new place."""
        places[:] = [known for known in places if ms - known.last_ms <= self._forget_ms]
        if len(places) >= PLACES:
            places.remove(min(places, key=lambda known: (known.seen_ms, known.last_ms)))
        places.append(place)

    def count(self) -> int:
        """Return how many places are kept."""
        return sum(map(len, self._places.values()))

    def dump(self) -> dict[str, list[dict[str, object]]]:
        """Return the memory as plain JSON values."""
        return {key: [asdict(place) for place in places] for key, places in self._places.items()}

    def load(self, dumped: dict[str, list[dict[str, object]]]) -> None:
        """Take over what `dump` returned.

        Raises:
            ValueError, TypeError, KeyError: It is something else.
        """
        self._places = {key: [_place(fields) for fields in places] for key, places in dumped.items()}


def _place(fields: dict[str, object]) -> Place:
    """Make a place of its JSON values."""
    box = fields["box"]
    numbers = [fields[name] for name in ("size", "variance", "score", "seen_ms", "last_ms")]
    if not isinstance(box, list) or len(box) != 4 or not all(isinstance(n, int | float) for n in (*box, *numbers)):
        raise ValueError(f"not a place: {fields}")
    size, variance, score, seen_ms, last_ms = (float(str(n)) for n in numbers)
    x1, y1, x2, y2 = (float(n) for n in box)
    return Place((x1, y1, x2, y2), size, variance, score, int(seen_ms), int(last_ms))
