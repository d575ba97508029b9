"""All consumer groups of the broker, and who may commit what."""

import logging
from collections.abc import Callable

from pipeline.bus.embedded.errors import Code
from pipeline.bus.embedded.groups import Group
from pipeline.bus.embedded.limits import Limits
from pipeline.bus.embedded.log import epoch_ms
from pipeline.bus.embedded.metrics import MEMBERS_LOST

logger = logging.getLogger(__name__)

MAX_ID = 255


class Coordinator:
    """The groups by id. Memberships live in memory only: after a restart members are unknown and simply join again.

    Args:
        limits: bounds for the groups.
        clock: epoch ms.
    """

    def __init__(self, limits: Limits, clock: Callable[[], int] = epoch_ms) -> None:
        self._limits = limits
        self._clock = clock
        self.groups: dict[str, Group] = {}

    def group(self, group_id: str) -> Group:
        """Return the group, made when there is none yet."""
        if group_id not in self.groups:
            self.groups[group_id] = Group(self._limits, self._clock)
        return self.groups[group_id]

    def find(self, group_id: str) -> Group | None:
        """Return the group, or None when nobody is in it."""
        return self.groups.get(group_id)

    def may_commit(self, group_id: str, member_id: str, instance: str | None, generation: int) -> Code:
        """Whether this sender may commit for the group: its member of this generation, or anybody while it is empty."""
        group = self.groups.get(group_id)
        if generation < 0 and not member_id:
            return Code.UNKNOWN_MEMBER_ID if group is not None and group.members else Code.NONE
        if group is None:
            return Code.UNKNOWN_MEMBER_ID
        return group.standing(member_id, instance, generation)

    def tick(self) -> None:
        """Let time pass in every group, and forget groups nobody is in."""
        for group_id, group in list(self.groups.items()):
            for member_id in group.tick():
                MEMBERS_LOST.inc()
                logger.warning(
                    "group %s: member %s was not heard of in time, its partitions go to others", group_id, member_id
                )
            if group.idle:
                del self.groups[group_id]


def valid_id(group_id: str) -> bool:
    """Whether a group may be called so: 1 to 255 characters."""
    return 0 < len(group_id) <= MAX_ID
