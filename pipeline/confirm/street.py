"""The street of each camera as it normally is: what is always wet there, and how the flood model scores it when dry.

A canal, a pond or a shining road is normal for a camera that shows one; what counts is the change against it. Day and
night are kept apart, as a wet road at night is another picture. The reference follows slowly (`FOLLOW_MS`) while
nothing agrees, and ten times slower while something does, so that an hour of flood is not learned but a new pond is, in
days.
"""

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pipeline.bus.records import Water
from pipeline.bus.wetness import CELLS, COLUMNS, ROWS, Wetness, street
from pipeline.city.registry import Mask
from pipeline.confirm.spatial import masked

Floats = NDArray[np.float32]

NIGHT = 0.25
"""Mean brightness below which a picture is a night picture."""
SETTLED = 30
"""Observations after which a reference is believed."""
FOLLOW_MS = 6 * 3_600_000
AGREEING = 10.0
"""How many times slower the reference follows what agrees with a flood."""
GAP_MS = 60_000
"""Longest time that one observation stands for, ms."""
NORMAL = 0.5
"""A cell that is wet for more than this share of the time is always wet."""


@dataclass(slots=True)
class Reference:
    """One light of one camera: how often each cell is wet, the mean log-odds of the score, how often it was seen."""

    wet: Floats = field(default_factory=lambda: np.zeros((ROWS, COLUMNS), np.float32))
    level: float = 0.0
    seen: int = 0
    last_ms: int = 0

    @property
    def settled(self) -> bool:
        """Whether enough was seen."""
        return self.seen >= SETTLED

    def normally_wet(self) -> Wetness:
        """Return the cells that are always wet, none before the reference is settled."""
        return self.wet > NORMAL if self.settled else np.zeros((ROWS, COLUMNS), np.bool_)

    def learn(self, wet: Wetness, level: float, ms: int, agrees: bool) -> None:
        """Follow one observation; what comes late changes nothing."""
        if ms <= self.last_ms:
            return
        step_ms = min(GAP_MS, ms - self.last_ms) if self.last_ms else GAP_MS
        self.last_ms = ms
        if not self.settled and agrees:
            return
        rate = 1 - math.exp(-step_ms / (FOLLOW_MS * (AGREEING if agrees else 1)))
        rate = rate if self.settled else max(rate, 1 / (self.seen + 1))
        self.seen += not self.settled
        self.wet += np.float32(rate) * (wet - self.wet)
        self.level += rate * (level - self.level)


class Streets:
    """The references of all cameras, day and night."""

    def __init__(self) -> None:
        self._known: dict[str, Reference] = {}
        self.learning = True
        """False while observations are replayed that were learned from already."""

    def of(self, camera: str, water: Water) -> Reference:
        """Return the reference that a picture of a camera is compared with."""
        light = "night" if water.light < NIGHT else "day"
        return self._known.setdefault(f"{camera}|{light}", Reference())

    def count(self) -> int:
        """Return how many references are kept."""
        return len(self._known)

    def dump(self) -> dict[str, dict[str, object]]:
        """Return all references as plain JSON values; the wetness of a cell is kept to 1/255."""
        return {
            key: {
                "wet": base64.b64encode((one.wet.reshape(CELLS) * 255).round().astype(np.uint8).tobytes()).decode(),
                "level": round(one.level, 4),
                "seen": one.seen,
                "last_ms": one.last_ms,
            }
            for key, one in self._known.items()
        }

    def load(self, dumped: dict[str, dict[str, object]]) -> None:
        """Take over what `dump` returned.

        Raises:
            ValueError, TypeError, KeyError: It is something else.
        """
        self._known = {key: _reference(fields) for key, fields in dumped.items()}


def _reference(fields: dict[str, object]) -> Reference:
    """Make a reference of its JSON values."""
    wet = np.frombuffer(base64.b64decode(str(fields["wet"]), validate=True), np.uint8)
    if wet.size != CELLS:
        raise ValueError(f"not a street: {wet.size} cells")
    cells = (wet.astype(np.float32) / np.float32(255)).reshape(ROWS, COLUMNS)
    level, seen, last_ms = (float(str(fields[name])) for name in ("level", "seen", "last_ms"))
    return Reference(cells, level, int(seen), int(last_ms))


def newly_wet(cells: Wetness, reference: Reference, road: Wetness) -> tuple[Wetness, float]:
    """Return what of the road is wet and normally is not, and its share of the road that is normally dry."""
    dry = road & ~reference.normally_wet()
    wet = cells & dry
    return wet, float(wet.sum() / max(1, int(dry.sum())))


def road_of(masks: Sequence[Mask]) -> Wetness:
    """Return the cells that may be street and lie outside of the masks of a camera."""
    road = street()
    for row, column in np.argwhere(road) if masks else ():
        cell = (column / COLUMNS, row / ROWS, (column + 1) / COLUMNS, (row + 1) / ROWS)
        if masked(cell, masks):
            road[row, column] = False
    return road
