from hypothesis import given
from hypothesis import strategies as st

from pipeline.grab.times import ArrivalClock, StreamClock


def test_a_file_counts_from_its_first_picture() -> None:
    clock = StreamClock(live=False, start_s=1.4)
    assert [round(clock.at(s, 0), 3) for s in (1.4, 1.5, 1.6)] == [0, 0.1, 0.2]


def test_without_stamps_a_file_counts_pictures_and_a_camera_arrivals() -> None:
    file, camera = StreamClock(live=False, step_s=0.1), StreamClock(live=True)
    assert [round(file.at(None, 0), 3) for _ in range(3)] == [0, 0.1, 0.2]
    assert [round(camera.at(None, ms), 3) for ms in (1000, 1040, 1500)] == [0, 0.04, 0.5]


def test_invented_stamps_are_not_used() -> None:
    clock = StreamClock(live=True, trust=False)
    assert [round(clock.at(s, ms), 3) for s, ms in ((0, 0), (0.04, 1000), (0.08, 2000))] == [0, 1, 2]


def test_a_first_stamp_after_pictures_without_any_goes_on() -> None:
    clock = StreamClock(live=True, step_s=0.04)
    clock.at(None, 1000)
    assert abs(clock.at(7000.0, 1040) - 0.04) < 1e-6
    assert abs(clock.at(7000.04, 1080) - 0.08) < 1e-6


def test_a_camera_that_restarts_its_stamps_goes_on_by_arrival() -> None:
    clock = StreamClock(live=True)
    clock.at(5000.0, 10_000)
    clock.at(5000.04, 10_040)
    assert abs(clock.at(3.0, 10_080) - 0.08) < 1e-6
    assert abs(clock.at(3.04, 10_120) - 0.12) < 1e-6
    assert abs(clock.at(99_999.0, 10_160) - 0.16) < 1e-6


def test_b_frames_may_go_back_a_little() -> None:
    clock = StreamClock(live=False)
    assert [round(clock.at(s, 0), 2) for s in (0.0, 0.16, 0.08, 0.04)] == [0, 0.16, 0.08, 0.04]


@given(
    st.lists(st.tuples(st.one_of(st.none(), st.floats(-1e12, 1e12)), st.integers(0, 5000)), max_size=50), st.booleans()
)
def test_stream_seconds_never_jump_far_on_a_camera(stamps: list[tuple[float | None, int]], trust: bool) -> None:
    clock = StreamClock(live=True, trust=trust)
    now, last = 1_000_000, None
    for stamp, later in stamps:
        now += later
        t = clock.at(stamp, now)
        assert t >= 0
        if last is not None:
            assert -2.001 <= t - last <= 10.001
        last = t


def test_wall_time_follows_the_least_delayed_packet() -> None:
    clock = ArrivalClock()
    delays = [80, 10, 200, 15, 500, 12]
    walls = [clock.at(i * 1.0, 1_000_000 + i * 1000 + delay) for i, delay in enumerate(delays)]
    assert walls[1:] == [1_000_000 + i * 1000 + 10 for i in range(1, 6)]


def test_segments_that_come_at_once_spread_over_their_time() -> None:
    clock = ArrivalClock()
    for i in range(7):
        clock.at(float(i), 50_000)
    walls = [clock.at(float(i), 56_000) for i in range(7, 13)]
    assert walls == [51_000, 52_000, 53_000, 54_000, 55_000, 56_000]


@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 3000)), min_size=1, max_size=80))
def test_wall_time_is_never_after_arrival_nor_more_than_a_window_before(steps: list[tuple[int, int]]) -> None:
    clock = ArrivalClock()
    t, now = 0.0, 10_000_000
    for ahead, later in steps:
        t, now = t + ahead / 1000, now + later
        wall = clock.at(t, now)
        assert now - 60_001 <= wall <= now
