"""Commits by time instead of by round: what is done is noted, and committed together a few times a second.

A commit is a request to the broker and an entry in its log; with few cameras a round holds one or two records, and a
commit each cost more than the round's own work. What a killed process has noted and not committed is read again by
whoever takes its place: `EVERY_S` of records at most, and both stages absorb records that come twice.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pipeline.bus.consumer import Consumer, Place

EVERY_S = 0.25
"""Seconds between two commits: what may have to be done again after a crash."""
LEAVE_S = 1.0
"""Patience with a silent bus when a stage goes: where the whole line is stopped, the bus may go first."""


@dataclass(slots=True)
class TimedCommits:
    """The offsets that are done and not committed yet. Used by the thread that polls.

    Args:
        consumer: Commits them; tells when partitions leave, so that what was done on them is committed first.
        every_s: Seconds between two commits.
        clock: Seconds, monotonic.
    """

    consumer: Consumer
    every_s: float = EVERY_S
    clock: Callable[[], float] = time.monotonic
    _noted: dict[Place, int] = field(default_factory=dict)
    _last_s: float = 0.0

    def __post_init__(self) -> None:
        self._last_s = self.clock()

    def note(self, next_offsets: Mapping[Place, int]) -> None:
        """Take offsets (the one to read next, by place) of records that are done and acknowledged."""
        for place, offset in next_offsets.items():
            self._noted[place] = max(offset, self._noted.get(place, 0))

    @property
    def due(self) -> bool:
        """True when it is time to commit (even where nothing is noted: what goes by the same time asks too)."""
        return self.clock() - self._last_s >= self.every_s

    def commit(self, patience_s: float = 10) -> bool:
        """Commit what is noted; False when a partition has gone to another member meanwhile.

        What was refused is forgotten: whoever has the partition now reads those records again.

        Raises:
            BusError: The bus did not answer; what is noted stays noted.
        """
        self._last_s = self.clock()
        done = self.consumer.commit(self._noted, patience_s)
        self._noted = {}
        return done
