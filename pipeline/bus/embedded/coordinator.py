"""All consumer groups of the broker, and who may commit what."""

import logging
import time
from collections.abc import Callable
from pathlib import Path

from pipeline.bus.embedded import groups_file
from pipeline.bus.embedded.errors import Code
from pipeline.bus.embedded.groups import Group
from pipeline.bus.embedded.limits import Limits
from pipeline.bus.embedded.metrics import MEMBERS_LOST

logger = logging.getLogger(__name__)

MAX_ID = 255
STALL_MS = 1000


def monotonic_ms() -> int:
    """Milliseconds of a clock that nobody sets."""
    return time.monotonic_ns() // 1_000_000


class Coordinator:
    """The groups by id.

    Args:
        path: where settled groups are kept over a restart.
        limits: bounds for the groups.
        clock: ms of a clock that never jumps; session timeouts are measured with it.
    """

    def __init__(self, path: Path, limits: Limits, clock: Callable[[], int] = monotonic_ms) -> None:
        self._path = path
        self._limits = limits
        self._clock = clock
        self._ticked_ms = clock()
        self.groups: dict[str, Group] = {}

    def load(self) -> None:
        """Take up the groups an earlier run left."""
        self.groups = groups_file.load(self._path, self._limits, self._clock)

    def group(self, group_id: str) -> Group:
        """Return the group, made when there is none yet."""
        if group_id not in self.groups:
            self.groups[group_id] = Group(self._limits, self._clock)
        return self.groups[group_id]

    def find(self, group_id: str) -> Group | None:
        """Return the group, or None when nobody is in it."""
        return self.groups.get(group_id)

    def forget(self, group_id: str) -> Code:
        """Drop a group nobody is in: NON_EMPTY_GROUP when somebody is, GROUP_ID_NOT_FOUND when there is none."""
        group = self.groups.get(group_id)
        if group is None:
            return Code.GROUP_ID_NOT_FOUND
        if not group.idle:
            return Code.NON_EMPTY_GROUP
        del self.groups[group_id]
        return Code.NONE

    def may_commit(self, group_id: str, member_id: str, instance: str | None, generation: int) -> Code:
        """Whether this sender may commit for the group: its member of this generation, or anybody while it is empty."""
        group = self.groups.get(group_id)
        if generation < 0 and not member_id:
            return Code.UNKNOWN_MEMBER_ID if group is not None and group.members else Code.NONE
        if group is None:
            return Code.UNKNOWN_MEMBER_ID
        return group.standing(member_id, instance, generation)

    def tick(self) -> None:
        """Let time pass in every group, keep what changed, and forget groups nobody is in."""
        now = self._clock()
        if now - self._ticked_ms > STALL_MS:
            # This process hung; the heartbeats it did not read meanwhile are no fault of the members.
            for group in self.groups.values():
                group.excuse(now - self._ticked_ms)
        self._ticked_ms = now
        for group_id, group in list(self.groups.items()):
            for member_id in group.tick():
                MEMBERS_LOST.inc()
                logger.warning(
                    "group %s: member %s was not heard of in time, its partitions go to others", group_id, member_id
                )
        self.keep()
        for group_id in [group_id for group_id, group in self.groups.items() if group.idle]:
            del self.groups[group_id]

    def keep(self) -> None:
        """Write the settled groups down if one has changed."""
        if not any(group.changed for group in self.groups.values()):
            return
        try:
            groups_file.save(self._path, self.groups)
        except OSError as error:
            logger.error("%s: groups not kept, tried again with the next change: %s", self._path, error)
        for group in self.groups.values():
            group.changed = False


def valid_id(group_id: str) -> bool:
    """Whether a group may be called so: 1 to 255 characters."""
    return 0 < len(group_id) <= MAX_ID
