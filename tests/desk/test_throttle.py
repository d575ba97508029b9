from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.desk.throttle import LIMITS, Limit, Throttle, wait_s
from pipeline.store.database import Database, open_database
from tests.postgres import postgres
from tests.store.making import settings_at

__all__ = ["postgres"]


class Clock:
    def __init__(self) -> None:
        self.ms = 1_000_000

    def __call__(self) -> int:
        return self.ms


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(settings_at(tmp_path))
    opened.migrate()
    yield opened
    opened.close()


def test_a_name_at_an_address_is_locked_and_opens_again(database: Database) -> None:
    clock = Clock()
    throttle = Throttle(database, clock)
    for _ in range(LIMITS["pair"].failures):
        assert throttle.begin("budi", "1.1.1.1").wait_s == 0
    assert throttle.begin("Budi", "1.1.1.1").wait_s == 300
    assert throttle.begin("budi", "2.2.2.2").wait_s == 0, "an officer elsewhere is not locked out by a stranger"
    clock.ms += 300_000
    assert throttle.begin("budi", "1.1.1.1").wait_s == 0


def test_a_restart_and_another_process_count_on(database: Database) -> None:
    clock = Clock()
    for _ in range(5):
        assert Throttle(database, clock).begin("budi", "1.1.1.1").wait_s == 0
    assert Throttle(database, clock).begin("budi", "1.1.1.1").wait_s == 300


def test_success_forgets_the_pair_and_itself(database: Database) -> None:
    throttle = Throttle(database, Clock())
    for _ in range(3 * LIMITS["name"].failures):
        one = throttle.begin("budi", "1.1.1.1")
        assert one.wait_s == 0
        throttle.succeeded("budi", "1.1.1.1", one)


def test_one_address_that_tries_many_names_is_locked(database: Database) -> None:
    throttle = Throttle(database, Clock())
    for number in range(LIMITS["address"].failures):
        throttle.begin(f"orang{number}", "1.1.1.1")
    assert throttle.begin("lain", "1.1.1.1").wait_s > 0
    assert throttle.begin("lain", "2.2.2.2").wait_s == 0


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_parallel_tries_do_not_slip_under_the_limit(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = (request.getfixturevalue("postgres").url(),) if kind == "postgresql" else ()
    database = open_database(settings_at(tmp_path, *url))
    database.migrate()
    throttle = Throttle(database, Clock())
    with ThreadPoolExecutor(12) as pool:
        tries = list(pool.map(lambda _: throttle.begin("budi", "x"), range(40)))
    database.close()
    assert sum(one.wait_s == 0 for one in tries) == LIMITS["pair"].failures


@given(st.lists(st.integers(0, 400_000), max_size=40), st.integers(0, 400_000))
def test_never_locked_below_the_limit_and_never_longer_than_the_window(steps: list[int], later: int) -> None:
    at = [sum(steps[: number + 1]) for number in range(len(steps))]
    now = (at[-1] if at else 0) + later
    wait = wait_s(Limit(5, 300), at, now)
    recent = [one for one in at if now - one < 300_000]
    assert (wait > 0) == (len(recent) >= 5)
    assert wait <= 300
    assert wait_s(Limit(5, 300), at, now + wait * 1000) == 0
