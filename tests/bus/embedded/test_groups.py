import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.bus.embedded.coordinator import Coordinator, valid_id
from pipeline.bus.embedded.errors import Code
from pipeline.bus.embedded.groups import Group, State
from pipeline.bus.embedded.limits import Limits
from pipeline.bus.embedded.members import Join, Member, choose_protocol
from tests.bus.embedded.making import Clock

LIMITS = Limits(rebalance_delay_ms=100)
SESSION = 6000


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def group(clock):
    return Group(LIMITS, clock)


def ask(member: str = "", instance: str | None = None, **changes) -> Join:
    base = Join(member, instance, "client", "127.0.0.1", SESSION, 10_000, "consumer", {"range": b"topics"})
    return base._replace(**changes)


def new(group: Group, instance: str | None = None, **changes) -> tuple[str, asyncio.Future]:
    """A member's first steps up to waiting for the rebalance: its id and the answer it waits for."""
    if instance is not None:
        answer = group.join(ask(instance=instance, **changes))
        member = next((m.member_id for m in group.members.values() if m.instance == instance), "")
        return member, answer
    refused = group.join(ask(**changes)).result()
    assert refused.code is Code.MEMBER_ID_REQUIRED
    return refused.member_id, group.join(ask(refused.member_id, **changes))


def settle(group: Group, clock: Clock, *members: str) -> None:
    """Complete the rebalance all wait for and sync everybody with its own name as assignment."""
    clock.move(LIMITS.rebalance_delay_ms)
    group.tick()
    assert group.state is State.COMPLETING
    assignments = {member: member.encode() for member in members}
    order = [m for m in members if m != group.leader] + [group.leader]
    answers = [group.sync(m, None, group.generation, assignments if m == group.leader else {}) for m in order]
    assert [a.result().assignment for a in answers] == [m.encode() for m in order]
    assert group.state is State.STABLE


async def test_two_members_join_sync_and_stay(group, clock):
    one, joined_one = new(group)
    two, joined_two = new(group)
    assert not joined_one.done()
    settle(group, clock, one, two)
    leader, follower = joined_one.result(), joined_two.result()
    assert leader.leader == follower.leader == one
    assert [m[0] for m in leader.members] == [one, two]
    assert follower.members == ()
    for _ in range(10):
        clock.move(SESSION - 1)
        assert group.heartbeat(one, None, 1) is group.heartbeat(two, None, 1) is Code.NONE
        assert group.tick() == []


async def test_a_silent_member_goes_and_the_others_are_called_to_rebalance(group, clock):
    one, _ = new(group)
    two, _ = new(group)
    settle(group, clock, one, two)
    clock.move(SESSION)
    assert group.heartbeat(two, None, 1) is Code.NONE
    clock.move(1)
    assert group.tick() == [one]
    assert group.heartbeat(two, None, 1) is Code.REBALANCE_IN_PROGRESS
    again = group.join(ask(two))
    assert again.result().leader == two
    assert (group.generation, group.heartbeat(one, None, 1)) == (2, Code.UNKNOWN_MEMBER_ID)


async def test_members_of_an_old_generation_are_told(group, clock):
    one, _ = new(group)
    settle(group, clock, one)
    assert group.heartbeat(one, None, 0) is Code.ILLEGAL_GENERATION
    assert group.sync(one, None, 5, {}).result().code is Code.ILLEGAL_GENERATION
    assert group.sync("nobody", None, 1, {}).result().code is Code.UNKNOWN_MEMBER_ID
    assert group.sync(one, None, 1, {}).result().assignment == one.encode()


async def test_a_new_member_makes_all_join_again(group, clock):
    one, _ = new(group)
    settle(group, clock, one)
    two, joined = new(group)
    assert group.state is State.PREPARING
    assert group.sync(one, None, 1, {}).result().code is Code.REBALANCE_IN_PROGRESS
    assert not joined.done()
    group.join(ask(one))
    assert joined.result().generation == 2
    settled = [group.sync(m, None, 2, {one: b"1", two: b"2"}) for m in (two, one)]
    assert [s.result().assignment for s in settled] == [b"2", b"1"]


async def test_a_member_that_does_not_join_again_is_left_behind(group, clock):
    one, _ = new(group)
    settle(group, clock, one)
    two, joined = new(group)
    for _ in range(5):
        clock.move(2001)
        group.heartbeat(one, None, 1)
        group.tick()
    assert joined.result().generation == 2
    assert list(group.members) == [two]


async def test_a_rejoin_without_news_costs_no_rebalance(group, clock):
    one, _ = new(group)
    two, _ = new(group)
    settle(group, clock, one, two)
    assert group.join(ask(two)).result().generation == 1
    assert group.state is State.STABLE
    group.join(ask(two, protocols={"range": b"other topics"}))
    assert group.state is State.PREPARING


async def test_the_leaders_rejoin_is_a_rebalance(group, clock):
    one, _ = new(group)
    settle(group, clock, one)
    group.join(ask(one))
    assert group.generation == 2


async def test_a_join_answer_lost_on_the_way_is_given_again(group, clock):
    new(group)
    two, _ = new(group)
    clock.move(LIMITS.rebalance_delay_ms)
    group.tick()
    assert group.join(ask(two)).result().generation == 1
    assert group.state is State.COMPLETING


async def test_a_static_member_takes_its_place_back(group, clock):
    one, _ = new(group, "w1")
    two, _ = new(group, "w2")
    settle(group, clock, one, two)
    back = group.join(ask(instance="w1")).result()
    assert (back.code, back.generation, back.members) == (Code.NONE, 1, ())
    assert back.member_id != one
    assert back.leader != back.member_id
    assert group.sync(back.member_id, "w1", 1, {}).result().assignment == one.encode()
    assert group.heartbeat(one, "w1", 1) is Code.FENCED_INSTANCE_ID
    assert group.join(ask(one, "w1")).result().code is Code.FENCED_INSTANCE_ID
    assert group.leave(one, "w1") is Code.FENCED_INSTANCE_ID
    assert group.heartbeat(two, "w2", 1) is Code.NONE


async def test_a_static_member_that_waits_is_fenced_by_its_successor(group, clock):
    _, first = new(group, "w1")
    _, second = new(group, "w1")
    assert first.result().code is Code.FENCED_INSTANCE_ID
    clock.move(LIMITS.rebalance_delay_ms)
    group.tick()
    assert second.result().code is Code.NONE


async def test_leaving(group, clock):
    one, _ = new(group)
    two, _ = new(group, "w2")
    settle(group, clock, one, two)
    assert group.leave(one) is Code.NONE
    assert group.state is State.PREPARING
    assert group.leave("", "w2") is Code.NONE
    assert (group.state, group.idle) == (State.EMPTY, True)
    assert group.leave(one) is Code.UNKNOWN_MEMBER_ID
    expected = group.join(ask()).result().member_id
    assert not group.idle
    assert group.leave(expected) is Code.NONE
    assert group.idle


async def test_leaving_while_waiting_ends_the_wait(group, clock):
    one, joined = new(group)
    group.leave(one)
    assert joined.result().code is Code.UNKNOWN_MEMBER_ID


async def test_an_id_that_never_comes_back_is_forgotten(group, clock):
    group.join(ask())
    clock.move(SESSION + 1)
    group.tick()
    assert group.idle


async def test_a_connection_lost_while_joining(group, clock):
    _, joined = new(group)
    group.abandon(joined)
    assert group.idle
    one, _ = new(group)
    settle(group, clock, one)
    again = group.join(ask(one, protocols={"range": b"new"}))
    # It completed at once; a settled member whose connection goes later has its session's time.
    group.abandon(again)
    assert list(group.members) == [one]


async def test_a_connection_lost_while_syncing(group, clock):
    one, _ = new(group)
    two, _ = new(group)
    clock.move(LIMITS.rebalance_delay_ms)
    group.tick()
    waiting = group.sync(two, None, 1, {})
    clock.move(SESSION * 2)
    assert group.tick() == [one]
    assert waiting.result().code is Code.REBALANCE_IN_PROGRESS
    pending = group.join(ask(two))
    waiting = group.sync(two, None, group.generation, {})
    group.abandon(waiting)
    assert pending.done()
    assert list(group.members) == [two]


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (ask(session_ms=1), Code.INVALID_SESSION_TIMEOUT),
        (ask(session_ms=10**9), Code.INVALID_SESSION_TIMEOUT),
        (ask(protocols={}), Code.INCONSISTENT_GROUP_PROTOCOL),
        (ask(protocol_type=""), Code.INCONSISTENT_GROUP_PROTOCOL),
        (ask(protocols={"sticky": b""}), Code.INCONSISTENT_GROUP_PROTOCOL),
        (ask(protocol_type="connect"), Code.INCONSISTENT_GROUP_PROTOCOL),
        (ask("stranger"), Code.UNKNOWN_MEMBER_ID),
    ],
)
async def test_a_join_that_cannot_be_is_refused(group, clock, request_, code):
    one, _ = new(group)
    settle(group, clock, one)
    assert group.join(request_).result().code is code
    assert group.state is State.STABLE


async def test_a_group_is_bounded(clock):
    group = Group(Limits(group_members=1), clock)
    new(group)
    assert group.join(ask()).result().code is Code.GROUP_MAX_SIZE_REACHED


async def test_old_clients_need_no_id_first(group, clock):
    answer = group.join(ask(id_required=False))
    clock.move(LIMITS.rebalance_delay_ms)
    group.tick()
    assert answer.result().code is Code.NONE


def test_the_assignor_most_members_prefer_is_chosen():
    def member(*names: str) -> Member:
        return Member("m", None, "", "", 1, 1, dict.fromkeys(names, b""), 0)

    assert choose_protocol([member("a", "b"), member("b", "a"), member("b", "a")]) == "b"
    assert choose_protocol([member("a", "b"), member("b")]) == "b"
    assert choose_protocol([member("a"), member("b")]) == ""
    assert choose_protocol([]) == ""


STEPS = st.lists(
    st.tuples(st.sampled_from(["join", "static", "sync", "beat", "leave", "drop", "time"]), st.integers(0, 4))
)


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_whatever_members_do_a_living_group_settles_again(steps):
    asyncio.run(_whatever(steps))


async def _whatever(steps) -> None:
    clock = Clock()
    group = Group(LIMITS, clock)
    for what, which in steps:
        members = list(group.members)
        member = members[which % len(members)] if members else "nobody"
        instance = group.members[member].instance if members else None
        if what == "join":
            new(group)
        elif what == "static":
            new(group, f"w{which}")
        elif what == "sync":
            group.sync(member, instance, group.generation, dict.fromkeys(members, b"x"))
        elif what == "beat":
            group.heartbeat(member, instance, group.generation)
        elif what == "leave":
            group.leave(member, instance)
        elif what == "drop" and members and group.members[member].joining is not None:
            group.abandon(group.members[member].joining)
        elif what == "time":
            clock.move(which * 2000)
            group.tick()
        assert all(m.joining is None or group.state is State.PREPARING for m in group.members.values())
        assert (group.state is State.EMPTY) == (not group.members)
    # Nobody speaks any more: after every timeout has passed the group is empty, and a newcomer gets everything.
    for _ in range(6):
        clock.move(10_001)
        group.tick()
        for m in list(group.members.values()):
            if m.joining is not None:
                group.abandon(m.joining)
            if m.syncing is not None:
                group.abandon(m.syncing)
    assert group.idle
    one, _ = new(group)
    settle(group, clock, one)


async def test_settled_groups_are_found_again_after_a_restart(tmp_path, clock):
    path = tmp_path / "groups.json"
    before = Coordinator(path, LIMITS, clock)
    one, _ = new(before.group("g"))
    two, _ = new(before.group("g"), "w2")
    settle(before.group("g"), clock, one, two)
    new(before.group("unsettled"))
    before.keep()
    after = Coordinator(path, LIMITS, clock)
    after.load()
    assert set(after.groups) == {"g"}
    assert after.may_commit("g", one, None, 1) is Code.NONE
    assert after.may_commit("g", two, "w2", 1) is Code.NONE
    assert after.groups["g"].sync(two, "w2", 1, {}).result().assignment == two.encode()
    for _ in range(SESSION // 500 + 1):
        clock.move(500)
        after.tick()
    assert after.groups == {}


async def test_members_are_not_blamed_for_a_broker_that_hung(tmp_path, clock):
    coordinator = Coordinator(tmp_path / "groups.json", LIMITS, clock)
    one, _ = new(coordinator.group("g"))
    settle(coordinator.group("g"), clock, one)
    clock.move(10 * SESSION)
    coordinator.tick()
    assert coordinator.find("g").heartbeat(one, None, 1) is Code.NONE


@pytest.mark.parametrize("content", ["", "{", "[]", '{"g": {}}', '{"g": {"members": [{}]}}', "\x00"])
def test_a_broken_groups_file_means_that_members_join_again(tmp_path, clock, content):
    path = tmp_path / "groups.json"
    path.write_text(content)
    coordinator = Coordinator(path, LIMITS, clock)
    coordinator.load()
    assert coordinator.groups == {}


async def test_groups_that_cannot_be_kept_go_on(tmp_path, clock):
    coordinator = Coordinator(tmp_path / "no" / "folder" / "groups.json", LIMITS, clock)
    one, _ = new(coordinator.group("g"))
    settle(coordinator.group("g"), clock, one)
    coordinator.keep()
    assert coordinator.groups["g"].heartbeat(one, None, 1) is Code.NONE


async def test_who_may_commit(tmp_path, clock):
    coordinator = Coordinator(tmp_path / "groups.json", LIMITS, clock)
    assert coordinator.may_commit("g", "", None, -1) is Code.NONE
    assert coordinator.may_commit("g", "m", None, 3) is Code.UNKNOWN_MEMBER_ID
    one, _ = new(coordinator.group("g"))
    settle(coordinator.group("g"), clock, one)
    assert coordinator.may_commit("g", "", None, -1) is Code.UNKNOWN_MEMBER_ID
    assert coordinator.may_commit("g", one, None, 0) is Code.ILLEGAL_GENERATION
    assert coordinator.may_commit("g", one, None, 1) is Code.NONE
    assert coordinator.forget("g") is Code.NON_EMPTY_GROUP
    coordinator.groups["g"].leave(one)
    assert coordinator.forget("g") is Code.NONE
    assert coordinator.forget("g") is Code.GROUP_ID_NOT_FOUND


def test_group_ids():
    assert valid_id("g")
    assert not valid_id("")
    assert not valid_id("g" * 256)
