"""The outbox: once per key, one holder at a time, in order, nothing lost by a dead worker."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.store.database import Database
from pipeline.store.dead_letters import letters, orphans, resend
from pipeline.store.incidents import apply_incident
from pipeline.store.outbox import (
    Order,
    bury,
    complete,
    enqueue,
    hand_back,
    held,
    informed,
    is_due,
    lease,
    of_incident,
    put_off,
    reclaim,
    supersede,
    waiting,
)
from pipeline.store.tables import OutboxRow
from pipeline.store.timeline import events_of
from tests.store.making import T0, incident


def order(part: str = "opened-1", target: str = "webhook:a", incident_id: str = "i1") -> Order:
    notice, revision = part.split("-")
    key = f"{incident_id}:{part}:{target}"
    return Order(incident_id, int(revision), notice, target, target.split(":")[0], key, {"n": part})  # type: ignore[arg-type]


@pytest.fixture
def filled(database: Database) -> Database:
    """A database with three incidents and no outbox rows."""
    with database.session() as session:
        for id_ in ("i1", "i2", "i3"):
            apply_incident(session, incident(id_), T0)
    return database


def put(database: Database, *orders: Order) -> list[bool]:
    with database.session() as session:
        return [enqueue(session, each, T0) for each in orders]


def take(
    database: Database, at_ms: int = T0, *, limit: int = 10, channel: str = "webhook", owner: str = "w"
) -> list[OutboxRow]:
    with database.session() as session:
        return lease(session, channel, at_ms, 1000, owner=owner, limit=limit)


def states(database: Database) -> dict[str, str]:
    with database.reading() as session:
        return {
            row.idempotency_key.removeprefix("i1:"): row.state
            for id_ in ("i1", "i2", "i3")
            for row in of_incident(session, id_)
        }


def test_once_per_key(filled: Database) -> None:
    assert put(filled, order(), order(), order(target="webhook:b")) == [True, False, True]
    with filled.reading() as session:
        assert informed(session, "i1") == {"webhook:a", "webhook:b"}
        assert waiting(session) == {"webhook": (2, T0)}


def test_a_lease_holds_until_it_is_over(filled: Database) -> None:
    put(filled, order())
    first = take(filled)[0]
    assert (first.state, first.attempts, first.leased_until_ms, first.payload) == (
        "leased",
        1,
        T0 + 1000,
        {"n": "opened-1"},
    )
    assert take(filled, T0 + 999) == []
    second = take(filled, T0 + 1000)[0]
    assert (second.id, second.attempts) == (first.id, 2)
    with filled.session() as session:
        assert held(session, first.id, first.lease) is None
        row = held(session, second.id, second.lease)
        assert row is not None
        complete(session, row, T0 + 1200, {"status": 200})
    with filled.session() as session:
        assert held(session, second.id, second.lease) is None
    assert take(filled, T0 + 99_999) == []
    with filled.reading() as session:
        row = of_incident(session, "i1")[0]
        assert (row.state, row.sent_ms, row.receipt, row.lease) == ("sent", T0 + 1200, {"status": 200}, None)


def test_a_closing_never_overtakes_its_opening(filled: Database) -> None:
    put(filled, order(), order("closed-2"), order("closed-2", "webhook:b"), order(incident_id="i2"))
    first = take(filled)
    assert [row.idempotency_key for row in first] == [
        "i1:opened-1:webhook:a",
        "i1:closed-2:webhook:b",
        "i2:opened-1:webhook:a",
    ]
    assert take(filled) == []
    with filled.session() as session:
        row = held(session, first[0].id, first[0].lease)
        assert row is not None
        assert put_off(session, row, T0 + 500, "HTTP 500")
    assert take(filled, T0 + 100) == []
    again = take(filled, T0 + 500)
    assert [row.notice for row in again] == ["opened"]
    with filled.session() as session:
        row = held(session, again[0].id, again[0].lease)
        assert row is not None
        bury(session, row, T0 + 600, "HTTP 404")
    assert [row.notice for row in take(filled, T0 + 600)] == ["closed"]
    with filled.reading() as session:
        assert [letter.row.last_error for letter in letters(session)] == ["HTTP 404"]
        last = events_of(session, "i1")[-1]
    assert (last.what, last.detail["reason"], last.detail["attempts"]) == ("undelivered", "HTTP 404", 2)


def test_newer_follow_ups_replace_waiting_ones(filled: Database) -> None:
    put(filled, order(), order("updated-2"), order("updated-2", "webhook:b"))
    with filled.session() as session:
        assert supersede(session, "i1", "webhook:a", 3) == 1
        assert supersede(session, "i1", "webhook:a", 3) == 0
    put(filled, order("updated-3"))
    assert states(filled) == {
        "opened-1:webhook:a": "pending", "updated-2:webhook:a": "superseded",
        "updated-2:webhook:b": "pending", "updated-3:webhook:a": "pending",
    }  # fmt: skip


def test_a_follow_up_under_way_is_not_tried_again_when_a_newer_one_waits(filled: Database) -> None:
    put(filled, order("updated-2"))
    row = take(filled)[0]
    with filled.session() as session:
        assert supersede(session, "i1", "webhook:a", 3) == 0
        enqueue(session, order("updated-3"), T0)
        mine = held(session, row.id, row.lease)
        assert mine is not None
        assert not put_off(session, mine, T0 + 50, "HTTP 500")
    assert states(filled) == {"updated-2:webhook:a": "superseded", "updated-3:webhook:a": "pending"}


def test_rows_not_tried_are_handed_back(filled: Database) -> None:
    put(filled, order(), order(incident_id="i2"))
    rows = take(filled)
    with filled.session() as session:
        hand_back(session, rows)
    assert [row.attempts for row in take(filled)] == [1, 1]


def test_a_worker_knows_its_own_rows_after_a_crash(filled: Database) -> None:
    put(filled, order(), order(incident_id="i2"))
    take(filled, limit=1, owner="alert-0")
    take(filled, limit=1, owner="alert-00")
    with filled.session() as session:
        assert reclaim(session, "alert-0", T0) == 1
    assert [row.incident_id for row in take(filled, T0)] == ["i1"]


def test_dead_rows_are_sent_again_on_request(filled: Database) -> None:
    put(filled, order())
    row = take(filled)[0]
    with filled.session() as session:
        assert not resend(session, row.id, T0, "budi")
        mine = held(session, row.id, row.lease)
        assert mine is not None
        bury(session, mine, T0, "HTTP 410")
        assert resend(session, row.id, T0 + 5, "budi")
        assert not resend(session, 999, T0, "budi")
    assert len(take(filled, T0 + 5)) == 1
    with filled.reading() as session:
        assert [(event.what, event.actor) for event in events_of(session, "i1")][-1] == ("resent", "budi")


def test_targets_that_left_are_found(filled: Database) -> None:
    put(filled, order(), order(target="webhook:b"), order(target="desk:1"))
    with filled.reading() as session:
        assert [row.target for row in orphans(session, {"desk"}, {"webhook:b"})] == ["webhook:a"]
        assert len(orphans(session, {"desk"}, ())) == 2
        assert is_due(session, "desk", T0)
        assert not is_due(session, "desk", T0 - 1)
        assert not is_due(session, "webhook", T0, ["webhook:c"])


def test_many_workers_never_hold_the_same_row(filled: Database) -> None:
    put(filled, *(order(target=f"webhook:{number}") for number in range(40)))
    barrier = threading.Barrier(6)

    def work(name: int) -> list[int]:
        barrier.wait(30)
        mine: list[int] = []
        while rows := filled.transact(lambda s: lease(s, "webhook", T0, 60_000, owner=f"w{name}", limit=3)):
            mine += [row.id for row in rows]
        return mine

    with ThreadPoolExecutor(6) as pool:
        taken = [row_id for mine in pool.map(work, range(6)) for row_id in mine]
    # A worker that found rows locked by others may go home early; whoever holds them takes the rest.
    assert sorted(taken) == sorted(set(taken))
    assert len(taken) == 40
