"""Waits and the circuit breaker; secrets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.alert.backoff import FAILURES_TO_OPEN, Breaker, delay_ms
from pipeline.alert.secret import resolve_secret
from pipeline.ops.errors import ConfigError

share = st.floats(0, 1)


@given(st.integers(0, 10_000), st.floats(0.001, 10), st.floats(10, 1000), share)
def test_the_wait_doubles_within_bounds(attempt: int, low: float, high: float, drawn: float) -> None:
    wait = delay_ms(attempt, low, high, lambda: drawn)
    full = min(high, low * 2.0 ** min(max(attempt, 1) - 1, 40))
    assert max(1, int(500 * full)) <= wait <= int(1000 * full) + 1


def test_the_first_waits() -> None:
    assert [delay_ms(n, 1, 300, lambda: 1.0) for n in (1, 2, 3, 9, 10, 99)] == [
        1000, 2000, 4000, 256_000, 300_000, 300_000,
    ]  # fmt: skip


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5000)), max_size=60))
def test_the_breaker_opens_after_outages_in_a_row_only(steps: list[tuple[bool, int]]) -> None:
    breaker = Breaker(1, 300, lambda: 0.5)
    now = in_a_row = 0
    for answered, pause in steps:
        now += pause
        if answered:
            breaker.answered()
            in_a_row = 0
        else:
            breaker.failed(now)
            in_a_row += 1
        assert breaker.is_open == (in_a_row >= FAILURES_TO_OPEN)
        assert breaker.allows(now) != breaker.is_open
        assert breaker.allows(now + 300_000)


def test_an_open_breaker_waits_longer_each_time() -> None:
    breaker = Breaker(1, 300, lambda: 1.0)
    waits = []
    for _ in range(FAILURES_TO_OPEN + 3):
        breaker.failed(0)
        waits.append(breaker.open_until_ms)
    assert waits[FAILURES_TO_OPEN - 1 :] == [1000, 2000, 4000, 8000]


def test_secrets() -> None:
    environment = {"GOOD": "0123456789abcdef", "SHORT": "kurang"}
    assert resolve_secret("plain-secret-0123", "k", environment) == b"plain-secret-0123"
    assert resolve_secret("env:GOOD", "k", environment) == b"0123456789abcdef"
    for value, said in (("env:NONE", "NONE is not set"), ("env:SHORT", "SHORT is shorter than 16")):
        with pytest.raises(ConfigError, match=rf"^k: .*{said}") as caught:
            resolve_secret(value, "k", environment)
        assert "kurang" not in str(caught.value)
