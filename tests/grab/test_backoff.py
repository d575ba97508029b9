from pipeline.grab.backoff import Backoff


def test_waits_grow_to_the_bound_and_never_end() -> None:
    backoff = Backoff.of(0.5, 8, "pasar")
    waits = [backoff.next_s() for _ in range(1000)]
    assert 0.2 <= waits[0] <= 0.4
    assert 0.4 <= waits[1] <= 0.8
    assert all(3.2 <= wait <= 6.4 for wait in waits[6:])
    assert len({round(wait, 6) for wait in waits[6:]}) > 900, "jitter"


def test_a_steady_camera_begins_anew() -> None:
    backoff = Backoff.of(0.5, 8, "pasar")
    for _ in range(9):
        backoff.next_s()
    backoff.reset()
    assert backoff.next_s() <= 0.4


def test_cameras_do_not_come_back_together() -> None:
    firsts = {round(Backoff.of(1, 8, f"camera-{index}").next_s(), 6) for index in range(100)}
    assert len(firsts) > 95


def test_least_above_most() -> None:
    assert Backoff.of(30, 8, "x").next_s() <= 6.4
