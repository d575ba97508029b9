"""Who is looked at next, and who is left out: properties over any mixture of cameras, and the worker under load."""

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from pipeline.bus.consumer import Received
from pipeline.detect.schedule import MOST_WAITING, Schedule, cause_of, level_of

AFTER_S = 3.0
CAUSES = ("floor", "activity", "burst")


class Now:
    """A clock that is set by hand, epoch ms."""

    def __init__(self, ms: int = 1_000_000) -> None:
        self.ms = ms

    def __call__(self) -> int:
        return self.ms


def record(offset: int, at_ms: int, cause: str = "floor", partition: int = 0, camera: str = "a") -> Received:
    return Received("siaga.frames", partition, offset, at_ms, camera.encode(), b"", [("cause", cause.encode())])


arrivals = st.lists(
    st.tuples(st.integers(0, 3), st.integers(-20_000, 5_000), st.sampled_from(CAUSES), st.integers(1, 9)), max_size=80
)


def queued(given_: list[tuple[int, int, str, int]], clock: Now) -> tuple[Schedule, list[Received]]:
    """A schedule with records that lie on partitions in the order given, whatever their stamps say."""
    schedule, records = Schedule(AFTER_S, clock), []
    ends: dict[int, int] = defaultdict(int)
    for partition, shift_ms, cause, gap in given_:
        ends[partition] += gap
        records.append(record(ends[partition], clock.ms + shift_ms, cause, partition))
    schedule.add(records)
    return schedule, records


@given(arrivals, st.integers(1, 8))
def test_every_floor_frame_is_looked_at_and_nothing_is_lost_or_reordered(
    given_: list[tuple[int, int, str, int]], most: int
) -> None:
    schedule, records = queued(given_, Now())
    work: list[Received] = []
    shed: list[Received] = []
    while schedule:
        turn = schedule.take(most)
        assert len(turn.work) <= most
        assert turn.work or turn.shed
        work += turn.work
        shed += turn.shed
        for place in {one.place for one in turn.work + turn.shed}:
            # Whatever is committed after this turn, nothing before it on its partition waits.
            last = max(one.offset for one in turn.work + turn.shed if one.place == place)
            waiting = [one for one in records if one.place == place and one not in work and one not in shed]
            assert all(one.offset > last for one in waiting)
    assert sorted(map(id, work + shed)) == sorted(map(id, records))
    assert all(cause_of(one) != b"floor" for one in shed)
    for partition in range(4):
        offsets = [one.offset for one in work if one.partition == partition]
        assert offsets == sorted(offsets)


@given(arrivals, st.integers(1, 8), st.integers(0, 3))
def test_no_camera_starves(given_: list[tuple[int, int, str, int]], most: int, flood: int) -> None:
    """However much a busy camera sends meanwhile, what waits is reached after those that have waited longer."""
    clock = Now()
    schedule, records = queued(given_, clock)
    schedule.add([record(0 if not records else 10_000, clock.ms, partition=9, camera="quiet")])
    older = len(records)
    for turn in range(older // most + 2):
        taken = schedule.take(most)
        if any(one.partition == 9 for one in taken.work):
            return
        clock.ms += 100
        schedule.add([record(20_000 + turn * 50 + n, clock.ms, partition=flood) for n in range(30)])
    raise AssertionError("the quiet camera was not reached")


def test_a_clock_that_runs_ahead_does_not_hold_its_partition_back() -> None:
    clock = Now()
    schedule = Schedule(AFTER_S, clock)
    schedule.add([record(0, clock.ms + 3_600_000), record(1, clock.ms)])
    clock.ms += 10
    schedule.add([record(0, clock.ms, partition=1)])
    assert [one.partition for one in schedule.take(2).work] == [0, 0]


def test_the_load_is_over_only_when_the_queue_is_short_again() -> None:
    assert level_of(3001, 3000, 0) == 1
    assert level_of(2000, 3000, 1) == 1
    assert level_of(1500, 3000, 1) == 0
    assert level_of(9001, 3000, 1) == 2
    assert level_of(5000, 3000, 2) == 2
    assert level_of(4000, 3000, 2) == 1
    assert level_of(0, 3000, 2) == 0


def test_activity_goes_first_bursts_next_and_the_floor_never() -> None:
    clock = Now()
    schedule = Schedule(AFTER_S, clock)
    schedule.add([record(n, clock.ms, cause) for n, cause in enumerate(CAUSES * 4)])
    assert [cause_of(one) for one in schedule.take(3).work] == [b"floor", b"activity", b"burst"]
    clock.ms += 4_000
    turn = schedule.take(3)
    assert schedule.level == 1
    assert [cause_of(one) for one in turn.work] == [b"floor", b"burst", b"floor"]
    assert {cause_of(one) for one in turn.shed} == {b"activity"}
    clock.ms += 6_000
    turn = schedule.take(9)
    assert schedule.level == 2
    assert {cause_of(one) for one in turn.work} == {b"floor"}
    assert {cause_of(one) for one in turn.shed} == {b"activity", b"burst"}
    assert schedule.shed == 2 + len(turn.shed) - 1
    assert not schedule


def test_what_comes_twice_waits_once_and_a_rewind_replaces_what_waited() -> None:
    clock = Now()
    schedule = Schedule(AFTER_S, clock)
    schedule.add([record(n, clock.ms) for n in (5, 6, 7)])
    schedule.add([record(n, clock.ms) for n in (6, 7, 8)])
    assert len(schedule) == 4
    schedule.add([record(n, clock.ms) for n in (2, 3)])
    assert [one.offset for one in schedule.take(9).work] == [2, 3]


def test_partitions_that_went_to_another_worker_are_let_go() -> None:
    schedule = Schedule(AFTER_S, Now())
    schedule.add([record(n, 0, partition=n % 2) for n in range(10)])
    assert schedule.keep([("siaga.frames", 1)]) == 5
    assert {one.partition for one in schedule.take(99).work} == {1}
    assert schedule.room == MOST_WAITING
