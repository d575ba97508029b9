"""A consumer group as a state machine: members join, one (the leader) assigns, all sync, then heartbeats keep them in.

States and answers follow Apache Kafka's classic group protocol, with static membership (KIP-345) and required member
ids (KIP-394). Nothing here waits: a join or sync returns a future that a later event answers; time comes in by `tick`.
"""

import asyncio
import uuid
from collections.abc import Callable
from enum import StrEnum

from pipeline.bus.embedded.errors import BrokerError, Code
from pipeline.bus.embedded.limits import Limits
from pipeline.bus.embedded.members import Join, Joined, Member, Synced, choose_protocol


class State(StrEnum):
    """Where a group stands; the values are the names clients show."""

    EMPTY = "Empty"
    PREPARING = "PreparingRebalance"
    COMPLETING = "CompletingRebalance"
    STABLE = "Stable"


class Group:
    """One group.

    Args:
        limits: bounds on session timeouts and members, and the first rebalance's delay.
        clock: ms of any clock that does not jump.

    Attributes:
        changed: set with each change of what a restart of the broker should find again.
    """

    def __init__(self, limits: Limits, clock: Callable[[], int]) -> None:
        self.state = State.EMPTY
        self.generation = 0
        self.protocol_type = ""
        self.protocol = ""
        self.leader = ""
        self.members: dict[str, Member] = {}
        self.changed = False
        self._limits = limits
        self._clock = clock
        self._expected: dict[str, int] = {}
        self._hold_ms = 0
        self._deadline_ms = 0

    @property
    def idle(self) -> bool:
        """Whether nobody is in it or about to join it."""
        return not self.members and not self._expected

    def restore(self, generation: int, protocol_type: str, protocol: str, leader: str, members: list[Member]) -> None:
        """Take up a settled group where an earlier run of the broker left it."""
        self.generation, self.protocol_type, self.protocol, self.leader = generation, protocol_type, protocol, leader
        self.members = {member.member_id: member for member in members}
        self.state = State.STABLE

    def join(self, request: Join) -> asyncio.Future[Joined]:
        """Take a member in, or again; the answer comes when the rebalance is complete, at once when it is refused."""
        answer: asyncio.Future[Joined] = asyncio.get_running_loop().create_future()
        try:
            member_id = self._admit(request)
        except BrokerError as refusal:
            new_id = _new_id(request) if refusal.code is Code.MEMBER_ID_REQUIRED else request.member_id
            if refusal.code is Code.MEMBER_ID_REQUIRED:
                self._expected[new_id] = self._clock() + request.session_ms
            answer.set_result(Joined(refusal.code, new_id))
            return answer
        self._join_as(member_id, request, answer)
        return answer

    def _admit(self, request: Join) -> str:
        """Return the id under which the member may join."""
        self._check(request)
        holder = self._holder(request.instance)
        if request.member_id:
            if holder is not None and holder.member_id != request.member_id:
                raise BrokerError(Code.FENCED_INSTANCE_ID, "another member has taken this instance id")
            if request.member_id not in self.members and self._expected.pop(request.member_id, None) is None:
                raise BrokerError(Code.UNKNOWN_MEMBER_ID, "not a member")
            return request.member_id
        if holder is not None:
            return self._replace(holder, request)
        if request.instance is None and request.id_required:
            raise BrokerError(Code.MEMBER_ID_REQUIRED, "join again with this id")
        return _new_id(request)

    def _check(self, request: Join) -> None:
        if not self._limits.session_min_ms <= request.session_ms <= self._limits.session_max_ms:
            raise BrokerError(Code.INVALID_SESSION_TIMEOUT, f"session timeout {request.session_ms} ms")
        if not request.protocols or not request.protocol_type:
            raise BrokerError(Code.INCONSISTENT_GROUP_PROTOCOL, "no assignor offered")
        others = [member for member in self.members.values() if member.member_id != request.member_id]
        if others:
            common = set.intersection(*(set(member.protocols) for member in others))
            if request.protocol_type != self.protocol_type or not common & set(request.protocols):
                raise BrokerError(Code.INCONSISTENT_GROUP_PROTOCOL, "no assignor in common with the group")
        if len(others) >= self._limits.group_members:
            raise BrokerError(Code.GROUP_MAX_SIZE_REACHED, f"{len(others)} members already")

    def _holder(self, instance: str | None) -> Member | None:
        """The member that holds a static instance id."""
        if instance is None:
            return None
        return next((member for member in self.members.values() if member.instance == instance), None)

    def _replace(self, old: Member, request: Join) -> str:
        """A static member is back after a restart: it takes its old place under a new id; the old id is fenced."""
        old.answer_join(Joined(Code.FENCED_INSTANCE_ID, old.member_id))
        old.answer_sync(Synced(Code.FENCED_INSTANCE_ID))
        del self.members[old.member_id]
        was_leader = self.leader == old.member_id
        old.member_id = _new_id(request)
        self.members[old.member_id] = old
        if was_leader:
            self.leader = old.member_id
        self.changed = True
        return old.member_id

    def _join_as(self, member_id: str, request: Join, answer: asyncio.Future[Joined]) -> None:
        member = self.members.get(member_id)
        unchanged = member is not None and member.protocols == request.protocols and member.settled
        if member is None:
            member = Member(member_id, request.instance, "", "", 0, 0, {}, 0)
            self.members[member_id] = member
        member.client_id, member.host = request.client_id, request.host
        member.session_ms, member.rebalance_ms = request.session_ms, request.rebalance_ms
        member.protocols, member.seen_ms = request.protocols, self._clock()
        self.protocol_type = request.protocol_type
        returning = not request.member_id and request.instance is not None
        if unchanged and self._may_keep(member, returning):
            # The leader of a returning static member's generation is named so that it does not assign again.
            answer.set_result(self._joined(member, as_follower=returning))
            return
        member.answer_join(Joined(Code.UNKNOWN_MEMBER_ID, member_id))
        member.joining = answer
        self._rebalance()
        self._complete_if_ready()

    def _may_keep(self, member: Member, returning: bool) -> bool:
        """Whether a join by a settled member with unchanged protocols needs no rebalance."""
        if self.state is State.STABLE:
            return returning or member.member_id != self.leader
        return self.state is State.COMPLETING and not returning

    def _joined(self, member: Member, as_follower: bool = False) -> Joined:
        leads = member.member_id == self.leader and not as_follower
        everyone = tuple((m.member_id, m.instance, m.protocols[self.protocol]) for m in self.members.values())
        leader = self.leader if leads or member.member_id != self.leader else "static"
        return Joined(Code.NONE, member.member_id, self.generation, self.protocol, leader, everyone if leads else ())

    def _rebalance(self) -> None:
        if self.state is State.PREPARING:
            return
        now = self._clock()
        self._hold_ms = now + (self._limits.rebalance_delay_ms if self.state is State.EMPTY else 0)
        self._deadline_ms = now + max((member.rebalance_ms for member in self.members.values()), default=0)
        self.state, self.changed = State.PREPARING, True
        for member in self.members.values():
            member.answer_sync(Synced(Code.REBALANCE_IN_PROGRESS))

    def _complete_if_ready(self) -> None:
        now = self._clock()
        if self.state is not State.PREPARING or now < self._hold_ms:
            return
        if now < self._deadline_ms and any(member.joining is None for member in self.members.values()):
            return
        self.members = {key: member for key, member in self.members.items() if member.joining is not None}
        if not self.members:
            self._empty()
            return
        self.generation += 1
        self.state = State.COMPLETING
        self.protocol = choose_protocol(list(self.members.values()))
        if self.leader not in self.members:
            self.leader = next(iter(self.members))
        for member in self.members.values():
            member.seen_ms, member.settled = now, True
            member.answer_join(self._joined(member))

    def _empty(self) -> None:
        self.state, self.changed, self.leader, self.protocol = State.EMPTY, True, "", ""
        self.generation += 1

    def sync(
        self, member_id: str, instance: str | None, generation: int, assignments: dict[str, bytes]
    ) -> asyncio.Future[Synced]:
        """Take the leader's assignments, or wait for them; the answer is the member's own assignment."""
        answer: asyncio.Future[Synced] = asyncio.get_running_loop().create_future()
        code = self.standing(member_id, instance, generation)
        if code is Code.NONE and self.state is State.PREPARING:
            code = Code.REBALANCE_IN_PROGRESS
        if code is not Code.NONE:
            answer.set_result(Synced(code))
            return answer
        member = self.members[member_id]
        if self.state is State.STABLE:
            answer.set_result(Synced(Code.NONE, member.assignment))
            return answer
        member.answer_sync(Synced(Code.REBALANCE_IN_PROGRESS))
        member.syncing = answer
        if member_id == self.leader:
            self._assign(assignments)
        return answer

    def _assign(self, assignments: dict[str, bytes]) -> None:
        self.state, self.changed = State.STABLE, True
        now = self._clock()
        for member in self.members.values():
            member.assignment = assignments.get(member.member_id, b"")
            if member.syncing is not None:
                member.seen_ms = now
            member.answer_sync(Synced(Code.NONE, member.assignment))

    def standing(self, member_id: str, instance: str | None, generation: int) -> Code:
        """Check that a request comes from a member of this generation, and count it as a sign of life."""
        holder = self._holder(instance)
        if holder is not None and holder.member_id != member_id:
            return Code.FENCED_INSTANCE_ID
        member = self.members.get(member_id)
        if member is None:
            return Code.UNKNOWN_MEMBER_ID
        if generation != self.generation:
            return Code.ILLEGAL_GENERATION
        member.seen_ms = self._clock()
        return Code.NONE

    def heartbeat(self, member_id: str, instance: str | None, generation: int) -> Code:
        """A member's sign of life; REBALANCE_IN_PROGRESS tells it to join again."""
        code = self.standing(member_id, instance, generation)
        if code is Code.NONE and self.state is State.PREPARING:
            return Code.REBALANCE_IN_PROGRESS
        return code

    def leave(self, member_id: str, instance: str | None = None) -> Code:
        """Remove a member, by id or by static instance id."""
        holder = self._holder(instance)
        if holder is not None and member_id not in ("", holder.member_id):
            return Code.FENCED_INSTANCE_ID
        gone = holder.member_id if holder is not None else member_id
        if self._expected.pop(gone, None) is not None:
            return Code.NONE
        if gone not in self.members:
            return Code.UNKNOWN_MEMBER_ID
        self._remove(gone)
        return Code.NONE

    def _remove(self, member_id: str) -> None:
        member = self.members.pop(member_id)
        member.answer_join(Joined(Code.UNKNOWN_MEMBER_ID, member_id))
        member.answer_sync(Synced(Code.UNKNOWN_MEMBER_ID))
        if not self.members:
            self._empty()
            return
        self._rebalance()
        self._complete_if_ready()

    def abandon(self, answer: asyncio.Future[Joined] | asyncio.Future[Synced]) -> None:
        """A waiting member's connection is gone: one never settled leaves, others have their session's time."""
        for member in list(self.members.values()):
            if answer is member.syncing:
                member.syncing, member.seen_ms = None, self._clock()
            elif answer is member.joining:
                member.joining, member.seen_ms = None, self._clock()
                if not member.settled:
                    self._remove(member.member_id)

    def excuse(self, ms: int) -> None:
        """Do not count the last `ms` as silence of the members: nobody was there to hear them."""
        for member in self.members.values():
            member.seen_ms += ms
        self._expected = {member_id: until + ms for member_id, until in self._expected.items()}

    def tick(self) -> list[str]:
        """Expire members not heard of, complete a rebalance that waited long enough; return the ids expired."""
        now = self._clock()
        for member_id in [key for key, until in self._expected.items() if until < now]:
            del self._expected[member_id]
        lost = [key for key, m in self.members.items() if not m.waits and now - m.seen_ms > m.session_ms]
        for member_id in lost:
            if member_id in self.members:
                self._remove(member_id)
        self._complete_if_ready()
        return lost


def _new_id(request: Join) -> str:
    return f"{request.instance or request.client_id or 'member'}-{uuid.uuid4()}"
