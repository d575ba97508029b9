"""A hundred officers decide one incident at the same moment: one wins, ninety-nine are told."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import httpx
import pytest

from pipeline.desk.gate import COOKIE
from pipeline.desk.identity import csrf_of, new_token, token_hash
from pipeline.store import people
from pipeline.store.incidents import get
from pipeline.store.timeline import events_of
from tests.desk.world import GAMBIR, HASH, World
from tests.postgres import postgres

__all__ = ["postgres"]
OFFICERS = 100


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    url = "sqlite:///siaga.db" if request.param == "sqlite" else request.getfixturevalue("postgres").url()
    made = World.build(tmp_path, store={"url": url})
    yield made
    made.database.close()


def sign_all_in(world: World) -> list[str]:
    """Return the tokens of a hundred people's sessions."""
    tokens = [new_token() for _ in range(OFFICERS)]
    now = world.clock()
    with world.database.session() as session:
        for number, token in enumerate(tokens):
            people.add_user(session, f"petugas-{number}", HASH, "piket", [GAMBIR], now)
            people.open_session(session, token_hash(token), f"petugas-{number}", now, now + 3_600_000)
    return tokens


def test_of_a_hundred_at_once_one_wins_and_the_others_are_told(world: World) -> None:
    world.raise_incident()
    tokens = sign_all_in(world)
    together = Barrier(OFFICERS, timeout=60)
    with world.serve() as url:

        def decide(token: str) -> tuple[int, bool]:
            fields = {"csrf": csrf_of(token), "decision": "accepted", "expected": "waiting"}
            with httpx.Client(base_url=url, cookies={COOKIE: token}, headers={"x-siaga": "part"}, timeout=90) as client:
                together.wait()
                answer = client.post("/kejadian/kejadian-1/putusan", data=fields)
            return answer.status_code, "Sudah diputuskan: Proses oleh petugas-" in answer.text

        with ThreadPoolExecutor(OFFICERS) as pool:
            answers = sorted(pool.map(decide, tokens))
    assert answers == [(200, False)] + [(409, True)] * (OFFICERS - 1)
    with world.database.reading() as session:
        row = get(session, "kejadian-1")
        decided = [event for event in events_of(session, "kejadian-1") if event.what == "decided"]
    assert row is not None
    assert [(event.actor, event.detail["to"]) for event in decided] == [(row.decision_by, "accepted")]
