"""Incidents and their timeline in the database."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from pipeline.bus.records import Incident, Witness
from pipeline.store.audit import entries
from pipeline.store.database import Database
from pipeline.store.incidents import apply_incident, count_waiting, decide, get, list_incidents, record_of
from pipeline.store.tables import EventRow, IncidentRow
from pipeline.store.timeline import add_event, events_after, events_of, latest_cursor
from tests.store.making import T0, incident


def whats(database: Database, id_: str = "i1") -> list[str]:
    with database.reading() as session:
        return [event.what for event in events_of(session, id_)]


def apply(database: Database, *records: Incident) -> list[str]:
    effects = []
    for number, record in enumerate(records):
        with database.session() as session:
            effects.append(apply_incident(session, record, T0 + 2000 + number).effect)
    return effects


def test_an_incident_lives_and_closes_and_comes_again(database: Database) -> None:
    second = Witness(camera="cam-2", first_seen_ms=T0 + 500, score=0.6)
    effects = apply(
        database,
        incident(),
        incident(),
        incident(revision=3, state="updated", score=0.9, updated_ms=T0 + 9000, witnesses=[second]),
        incident(revision=2, state="updated", score=0.1),
        incident(revision=4, state="closed", updated_ms=T0 + 20_000, witnesses=[second]),
        incident(revision=5, state="updated", witnesses=[second]),
    )
    assert effects == ["opened", "ignored", "updated", "ignored", "closed", "reopened"]
    assert whats(database) == ["opened", "updated", "witness", "closed", "reopened"]
    with database.reading() as session:
        row = get(session, "i1")
        assert row is not None
        assert (row.state, row.revision, row.closed_ms, row.decision) == ("updated", 5, None, "waiting")
        assert record_of(row) == incident(revision=5, state="updated", witnesses=[second])
        events = events_of(session, "i1")
    assert events[0].kelurahan == "31.71.01.1001"
    assert events[0].detail["reason"] == "first record"
    assert [event.at_ms for event in events][:2] == [T0 + 2000, T0 + 2002]


def test_first_seen_closed_is_opened_and_closed(database: Database) -> None:
    assert apply(database, incident(revision=7, state="closed")) == ["opened"]
    assert whats(database) == ["opened", "closed"]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.sampled_from(["opened", "updated", "closed"])), min_size=1, max_size=8))
def test_any_order_with_replays_ends_at_the_highest_revision(database: Database, flow: list[tuple[int, str]]) -> None:
    by_revision = dict(flow)  # one record a revision, as the bus has it
    records = [incident(revision=revision, state=by_revision[revision]) for revision, _ in flow]
    with database.session() as session:
        session.execute(delete(EventRow))
        session.execute(delete(IncidentRow))
    apply(database, *records, *records)
    with database.reading() as session:
        row = get(session, "i1")
        assert row is not None
        assert row.revision == max(by_revision)
        assert row.state == by_revision[row.revision]
        assert [event.what for event in events_of(session, "i1")].count("opened") == 1


def test_people_decide_and_the_second_is_told(database: Database) -> None:
    apply(database, incident())
    with database.session() as session:
        first = decide(session, "i1", "accepted", expected="waiting", actor="budi", at_ms=T0 + 5, note="menuju lokasi")
    with database.session() as session:
        second = decide(session, "i1", "false_alarm", expected="waiting", actor="ani", at_ms=T0 + 6)
        again = decide(session, "i1", "accepted", expected="accepted", actor="ani", at_ms=T0 + 7)
        unknown = decide(session, "none", "accepted", expected="waiting", actor="ani", at_ms=T0 + 8)
    assert first.ok
    assert [result.reason for result in (second, again, unknown)] == [
        "decided_meanwhile", "already_so", "unknown_incident",
    ]  # fmt: skip
    assert second.row is not None
    assert (second.row.decision, second.row.decision_by, second.row.decision_note) == (
        "accepted", "budi", "menuju lokasi",
    )  # fmt: skip
    with database.reading() as session:
        decided = [event for event in events_of(session, "i1") if event.what == "decided"]
        audited = [(entry.actor, entry.what, entry.subject) for entry in entries(session)]
    assert [(event.actor, event.detail) for event in decided] == [
        ("budi", {"from": "waiting", "to": "accepted", "note": "menuju lokasi"})
    ]
    assert audited == [("budi", "incident.decided", "i1")], "what was refused is not a decision"


def test_a_decision_outlives_later_records(database: Database) -> None:
    apply(database, incident())
    with database.session() as session:
        decide(session, "i1", "done", expected="waiting", actor="budi", at_ms=T0)
    apply(database, incident(revision=2, state="closed"))
    with database.reading() as session:
        row = get(session, "i1")
        assert row is not None
        assert (row.state, row.decision, row.decision_by) == ("closed", "done", "budi")


def test_of_many_at_once_one_wins(database: Database) -> None:
    apply(database, incident())
    barrier = threading.Barrier(8)

    def try_it(actor: int) -> bool:
        barrier.wait(30)
        return database.transact(
            lambda s: decide(s, "i1", "accepted", expected="waiting", actor=f"a{actor}", at_ms=T0)
        ).ok

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(try_it, range(8))) == 1
    assert whats(database).count("decided") == 1


def test_lists_by_area_page_and_decision(database: Database) -> None:
    codes = ["31.71.01.1001", "31.71.01.1002", "31.71.02.1001", "31.72.01.1001"]
    apply(
        database,
        *(incident(f"i{number}", kelurahan=codes[number % 4], opened_ms=T0 + number // 2) for number in range(8)),
    )
    with database.session() as session:
        decide(session, "i0", "done", expected="waiting", actor="budi", at_ms=T0)
        decide(session, "i4", "accepted", expected="waiting", actor="budi", at_ms=T0)
    with database.reading() as session:

        def ids(**query: object) -> list[str]:
            return [row.id for row in list_incidents(session, **query)]  # type: ignore[arg-type]

        assert ids() == ["i7", "i6", "i5", "i4", "i3", "i2", "i1", "i0"]
        assert ids(areas=["31.71.01"]) == ["i5", "i4", "i1", "i0"]
        assert ids(areas=["31.71.01.1002", "31.72"]) == ["i7", "i5", "i3", "i1"]
        assert ids(areas=[]) == ids(areas=[""]) == ids(areas=["31.7"]) == ids(areas=["%"]) == []
        assert ids(open_only=True, areas=["31.71.01.1001"]) == ["i4"]
        page = list_incidents(session, limit=3)
        assert ids(limit=3, before=(page[-1].opened_ms, page[-1].id)) == ["i4", "i3", "i2"]
        assert count_waiting(session) == 6
        assert count_waiting(session, ["31.71.01"]) == 2


def test_the_stream_goes_on_behind_a_cursor(database: Database) -> None:
    apply(database, incident("a"), incident("b", kelurahan="31.72.01.1001"))
    with database.session() as session:
        add_event(session, "unknown", T0, "evidence")
    with database.reading() as session:
        assert latest_cursor(session) == events_after(session, 0)[-1].cursor
        assert [event.incident_id for event in events_after(session, 0)] == ["a", "b", "unknown"]
        first = events_after(session, 0, limit=1)[0]
        assert [event.incident_id for event in events_after(session, first.cursor)] == ["b", "unknown"]
        assert [event.incident_id for event in events_after(session, 0, areas=["31.72"])] == ["b"]
        assert events_after(session, 0)[-1].kelurahan == ""


@pytest.mark.parametrize("threads", [4])
def test_a_reader_behind_a_cursor_misses_nothing(database: Database, threads: int) -> None:
    """Numbers are drawn before commits: a reader must never see N+1 while N is still to come."""
    done = threading.Event()
    seen: list[int] = []

    def follow() -> None:
        cursor = 0
        while True:
            ended = done.is_set()
            with database.reading() as session:
                events = events_after(session, cursor)
            seen.extend(event.cursor for event in events)
            cursor = events[-1].cursor if events else cursor
            if ended and not events:
                return

    def write(name: int) -> None:
        for at_ms in range(25):
            database.transact(lambda s: [add_event(s, f"i{name}", at_ms, "updated") for _ in range(2)])  # noqa: B023

    reader = threading.Thread(target=follow)
    reader.start()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(write, range(threads)))
    done.set()
    reader.join(60)
    assert len(seen) == threads * 50
    assert seen == sorted(seen)
