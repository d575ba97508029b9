"""What a group knows of its members, and the messages of the group protocol as plain values."""

import asyncio
from dataclasses import dataclass, field
from typing import NamedTuple

from pipeline.bus.embedded.errors import Code


class Join(NamedTuple):
    """A request to join; `member_id` is empty on the first, `instance` None for a dynamic member, times in ms."""

    member_id: str
    instance: str | None
    client_id: str
    host: str
    session_ms: int
    rebalance_ms: int
    protocol_type: str
    protocols: dict[str, bytes]
    id_required: bool = True


class Joined(NamedTuple):
    """The answer to a join: on success the generation, and for the leader every member's (id, instance, metadata)."""

    code: Code
    member_id: str
    generation: int = -1
    protocol: str = ""
    leader: str = ""
    members: tuple[tuple[str, str | None, bytes], ...] = ()


class Synced(NamedTuple):
    """The answer to a sync: the member's assignment as the leader made it."""

    code: Code
    assignment: bytes = b""


@dataclass
class Member:
    """One member of a group; `joining` and `syncing` are the answers it waits for."""

    member_id: str
    instance: str | None
    client_id: str
    host: str
    session_ms: int
    rebalance_ms: int
    protocols: dict[str, bytes]
    seen_ms: int
    assignment: bytes = b""
    settled: bool = False
    joining: asyncio.Future[Joined] | None = field(default=None, repr=False)
    syncing: asyncio.Future[Synced] | None = field(default=None, repr=False)

    @property
    def waits(self) -> bool:
        """Whether it cannot send heartbeats now, because it waits for an answer."""
        return self.joining is not None or self.syncing is not None

    def answer_join(self, answer: Joined) -> None:
        """Give the join it waits for its answer, if it waits for one."""
        if self.joining is not None and not self.joining.done():
            self.joining.set_result(answer)
        self.joining = None

    def answer_sync(self, answer: Synced) -> None:
        """Give the sync it waits for its answer, if it waits for one."""
        if self.syncing is not None and not self.syncing.done():
            self.syncing.set_result(answer)
        self.syncing = None


def choose_protocol(members: list[Member]) -> str:
    """Return the assignor all members know that most of them name first; "" when there is none in common."""
    common = set.intersection(*(set(member.protocols) for member in members)) if members else set()
    votes = [next(name for name in member.protocols if name in common) for member in members] if common else []
    return max(votes, key=votes.count, default="")
