from hypothesis import given
from hypothesis import strategies as st

from pipeline.desk.throttle import LIMITS, MAX_KEYS, Throttle


class Clock:
    def __init__(self) -> None:
        self.ms = 1_000_000

    def __call__(self) -> int:
        return self.ms


def test_a_name_at_an_address_is_locked_and_opens_again() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    for _ in range(LIMITS["pair"].failures):
        assert throttle.wait_s("budi", "1.1.1.1") == 0
        throttle.failed("budi", "1.1.1.1")
    assert throttle.wait_s("Budi", "1.1.1.1") == 300
    assert throttle.wait_s("budi", "2.2.2.2") == 0, "an officer elsewhere is not locked out by a stranger"
    clock.ms += 300_000
    assert throttle.wait_s("budi", "1.1.1.1") == 0


def test_success_forgets_the_pair_only() -> None:
    throttle = Throttle(Clock())
    for _ in range(4):
        throttle.failed("budi", "1.1.1.1")
    throttle.succeeded("budi", "1.1.1.1")
    throttle.failed("budi", "1.1.1.1")
    assert throttle.wait_s("budi", "1.1.1.1") == 0


def test_one_address_that_tries_many_names_is_locked() -> None:
    throttle = Throttle(Clock())
    for number in range(LIMITS["address"].failures):
        throttle.failed(f"orang{number}", "1.1.1.1")
    assert throttle.wait_s("lain", "1.1.1.1") > 0
    assert throttle.wait_s("lain", "2.2.2.2") == 0


def test_memory_is_bounded() -> None:
    throttle = Throttle(Clock())
    for number in range(MAX_KEYS):
        throttle.failed(f"orang{number}", f"a{number}")
    assert len(throttle._failures) <= MAX_KEYS


@given(st.lists(st.integers(0, 400_000), max_size=40))
def test_never_locked_below_the_limit_and_never_longer_than_the_window(steps: list[int]) -> None:
    clock = Clock()
    throttle, at = Throttle(clock), []
    for step in steps:
        clock.ms += step
        wait = throttle.wait_s("budi", "x")
        recent = [one for one in at if clock.ms - one < 300_000]
        if len(recent) < 5:
            assert wait == 0 or len(at) >= LIMITS["name"].failures
        assert wait <= 900
        throttle.failed("budi", "x")
        at.append(clock.ms)
