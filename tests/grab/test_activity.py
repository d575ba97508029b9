import numpy as np

from pipeline.grab.activity import HOLD_S, Activity, Baseline
from pipeline.grab.look import Look, look_at
from tests.grab.video import street


def run(activity: Activity, seconds: range, size: int, jitter: int = 0) -> list[int]:
    """25 packets a second of about `size` bytes; the seconds in which something moved."""
    rng = np.random.default_rng(seconds.start)
    active = []
    for second in seconds:
        for index in range(25):
            t = second + index / 25
            activity.packet(t, size * 10 if index == 0 else size + int(rng.integers(0, jitter + 1)), index == 0)
        if activity.active(second + 0.99):
            active.append(second)
    return active


def test_a_rise_above_the_cameras_own_usual() -> None:
    activity = Activity()
    assert run(activity, range(60), 400, 100) == []
    assert run(activity, range(60, 64), 2000, 100) == [61, 62, 63]
    after = run(activity, range(64, 80), 400, 100)
    assert after
    assert max(after) <= 64 + HOLD_S + 1


def test_a_busy_street_is_usual_after_a_while() -> None:
    activity = Activity()
    run(activity, range(100), 3000, 600)
    assert run(activity, range(100, 200), 3000, 600) == []


def test_nothing_is_said_of_packets_before_the_usual_is_known() -> None:
    activity = Activity()
    assert run(activity, range(10), 400) == []
    assert run(activity, range(10, 13), 9000) == []


def picture(x: int | None) -> Look:
    image = street()
    if x is not None:
        image[40:120, x : x + 60] = 255
    return look_at(image)


def test_what_clearly_moves_counts_from_the_second_picture_on() -> None:
    activity = Activity()
    activity.picture(0, picture(0))
    assert not activity.active(0)
    activity.picture(1, picture(150))
    assert activity.active(1)
    assert not activity.active(1 + HOLD_S)


def test_pictures_of_a_quiet_camera() -> None:
    activity = Activity()
    for second in range(40):
        activity.picture(second, picture(None))
    assert not activity.active(40)
    activity.picture(41, picture(100))
    assert activity.active(41)


def test_a_stream_that_begins_anew_does_not_stay_active() -> None:
    activity = Activity()
    activity.picture(5000, picture(0))
    activity.picture(5001, picture(150))
    assert activity.active(5001)
    assert not activity.active(3)
    activity.packet(3, 100, False)
    activity.packet(9000, 100, False)


def test_baseline_needs_a_clear_rise() -> None:
    baseline = Baseline()
    for value in [100.0, 110.0] * 20:
        assert not baseline.unusual(value, 5)
    assert not baseline.unusual(125, 5)
    assert baseline.unusual(400, 5)
    assert not baseline.unusual(400, 500)
