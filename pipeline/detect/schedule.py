"""What waits in this process, given out by age; and what is left out when there is more than can be looked at.

Each partition is a queue of its own, so that a camera's frames stay in order. The next frame is always the one at the
head of a queue that has waited longest, whichever camera it is of: a camera that sends more waits behind its own
frames, not before those of others.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pipeline.bus.consumer import Place, Received
from pipeline.ops.clock import Clock

MOST_WAITING = 256
"""Frames held here at most, about 12 MB: enough to see the oldest of every partition."""
BURSTS_GO_AT = 3.0
"""Bursts are left out at so many times the age at which activity frames are."""
RECOVERED_AT = 0.5
"""Share of that age at which the load is over: it does not come and go with every round."""
SHED_FIRST: Mapping[bytes, int] = {b"activity": 1, b"burst": 2}
"""Cause of a frame -> level of overload from which it is left out. Floor frames never are: smoke may be slow."""
_CAUSE = "cause"


class _Waiting(NamedTuple):
    """A record with what it is ordered by, epoch ms.

    That is never later than its arrival, or a camera whose clock runs ahead would keep its partition waiting.
    """

    since_ms: int
    record: Received


@dataclass(frozen=True, slots=True)
class Turn:
    """What is to be done next: records to look at, and records left out."""

    work: list[Received] = field(default_factory=list)
    shed: list[Received] = field(default_factory=list)


def level_of(age_ms: int, after_ms: int, before: int) -> int:
    """Return the level of overload: 0 none, 1 activity frames are left out, 2 bursts too.

    Args:
        age_ms: How long the oldest frame has waited.
        after_ms: From which age on it is too much.
        before: The level so far; it is kept until the age has fallen to half of what raised it.
    """
    limits = (after_ms, round(after_ms * BURSTS_GO_AT))
    risen = sum(age_ms > limit for limit in limits)
    held = sum(age_ms > limit * RECOVERED_AT for limit in limits[:before])
    return max(risen, held)


class Schedule:
    """Frames that wait in this process. Used by one thread.

    `level` is that of the overload, `oldest_ms` how long the oldest frame had waited at the last turn, `shed` the
    number of frames left out so far.

    Args:
        overload_after_s: A frame that has waited longer than this means overload.
        clock: Time now, epoch ms.
    """

    def __init__(self, overload_after_s: float, clock: Clock) -> None:
        self._after_ms, self._clock = round(overload_after_s * 1000), clock
        self._queues: dict[Place, deque[_Waiting]] = {}
        self._count = 0
        self.level = 0
        self.shed = 0
        self.oldest_ms = 0

    def __len__(self) -> int:
        return self._count

    @property
    def room(self) -> int:
        """How many records may be added."""
        return max(0, MOST_WAITING - self._count)

    def _age_ms(self) -> int:
        """Return how long the oldest has waited, ms; 0 when none waits."""
        heads = [queue[0].since_ms for queue in self._queues.values() if queue]
        return max(0, self._clock() - min(heads)) if heads else 0

    def add(self, records: Sequence[Received]) -> None:
        """Take records as they came from the bus. One that already waits is not taken twice."""
        now = self._clock()
        for record in records:
            queue = self._queues.setdefault(record.place, deque())
            if queue and queue[0].record.offset <= record.offset <= queue[-1].record.offset:
                continue
            if queue and record.offset < queue[0].record.offset:
                self._count -= len(queue)
                queue.clear()  # Read again from further back: what waited comes again behind it.
            queue.append(_Waiting(min(record.timestamp_ms, now), record))
            self._count += 1

    def keep(self, places: Sequence[Place]) -> int:
        """Let go of what lies on partitions that this process does not read any more; return how much that is.

        Whoever reads them now does that work.
        """
        gone = [place for place in self._queues if place not in places]
        lost = sum(len(self._queues.pop(place)) for place in gone)
        self._count -= lost
        return lost

    def take(self, most: int) -> Turn:
        """Return the next records: at most `most` to look at, oldest first, and those left out on the way to them."""
        self.oldest_ms = self._age_ms()
        self.level = level_of(self.oldest_ms, self._after_ms, self.level)
        turn = Turn()
        while len(turn.work) < most and self._count:
            record = self._pop()
            left_out = bool(self.level) and self.level >= SHED_FIRST.get(cause_of(record), self.level + 1)
            (turn.shed if left_out else turn.work).append(record)
        self.shed += len(turn.shed)
        return turn

    def _pop(self) -> Received:
        place = min((p for p, queue in self._queues.items() if queue), key=lambda p: self._queues[p][0].since_ms)
        self._count -= 1
        return self._queues[place].popleft().record


def cause_of(record: Received) -> bytes:
    """Return why a frame was sampled, as its header says; empty where there is none."""
    return next((value for name, value in record.headers if name == _CAUSE), b"")
