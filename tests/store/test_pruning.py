"""Old rows go, a batch at a time; nothing of an open incident ever does."""

import pytest

from pipeline.store import drills, pruning
from pipeline.store.database import Database
from pipeline.store.evidence import Evidence, record_evidence
from pipeline.store.incidents import apply_incident, decide
from pipeline.store.outbox import Order, bury, complete, enqueue, lease, of_incident
from pipeline.store.pruning import prune_outbox, prune_timeline
from pipeline.store.tables import OutboxRow
from pipeline.store.timeline import events_of
from tests.store.making import T0, incident

LATER = T0 + 100_000


def make(database: Database, id_: str, *, closed: bool = True, final: bool = True) -> None:
    """An incident with a sent, a dead and a pending notice."""
    with database.session() as session:
        apply_incident(session, incident(id_), T0)
        if closed:
            apply_incident(session, incident(id_, revision=2, state="closed", updated_ms=T0 + 1000), T0 + 1000)
        if final:
            decide(session, id_, "done", expected="waiting", actor="budi", at_ms=T0 + 2000)
        for target in ("webhook:sent", "telegram:dead", "mqtt:pending"):
            channel = target.split(":")[0]
            enqueue(session, Order(id_, 1, "opened", target, channel, f"{id_}:opened:{target}", {}), T0)
    with database.session() as session:
        for row in lease(session, "webhook", T0, 1000):
            complete(session, row, T0, {})
        for row in lease(session, "telegram", T0, 1000):
            bury(session, row, T0, "HTTP 404")


@pytest.mark.parametrize(("closed", "final"), [(False, False), (False, True), (True, False)])
def test_nothing_of_an_open_incident_goes(database: Database, closed: bool, final: bool) -> None:
    make(database, "i1", closed=closed, final=final)
    with database.session() as session:
        before = len(events_of(session, "i1"))
        assert prune_outbox(session, LATER) == {}
        assert prune_timeline(session, LATER) == 0
        assert (len(of_incident(session, "i1")), len(events_of(session, "i1"))) == (3, before)


def test_what_is_over_and_old_goes_and_is_counted(database: Database) -> None:
    make(database, "i1")
    make(database, "i2")
    with database.session() as session:
        assert prune_outbox(session, T0 + 2000) == {}  # decided later than that
        assert prune_timeline(session, T0 + 2000) == 0
        assert prune_outbox(session, LATER) == {"sent": 2, "dead": 2}
        assert [row.state for row in of_incident(session, "i1")] == ["pending"]
        events = len(events_of(session, "i1")) + len(events_of(session, "i2"))
        assert prune_timeline(session, LATER) == events > 0
        assert events_of(session, "i1") == []
        assert (prune_outbox(session, LATER), prune_timeline(session, LATER)) == ({}, 0)


def test_a_still_keeps_the_row_that_holds_its_boxes(database: Database) -> None:
    make(database, "i1")
    with database.session() as session:
        enqueue(session, Order("i1", 1, "still", "still:cam-1", "still", "i1:still:cam-1", {"boxes": []}), T0)
        complete(session, lease(session, "still", T0, 1000)[0], T0, {})
        row = record_evidence(session, Evidence("i1", "cam-1", "still", "bus", T0, T0), b"x", T0)
        prune_outbox(session, LATER)
        assert "still" in [one.notice for one in of_incident(session, "i1")]
        row.removed_ms = T0 + 5
        session.flush()
        assert prune_outbox(session, LATER) == {"sent": 1}


def test_drills_are_over_when_their_time_is(database: Database) -> None:
    order = Order("d1", 0, "drill", "webhook:a", "webhook", "d1:drill:webhook:a", {})
    with database.session() as session:
        drills.begin(session, "d1", "drill", "31.71.01.1001", T0, T0 + 500, [order])
        complete(session, lease(session, "webhook", T0, 1000)[0], T0, {})
        assert prune_outbox(session, T0 + 500) == {}
        assert prune_outbox(session, T0 + 501) == {"sent": 1}
        assert prune_timeline(session, T0 + 501) == 1


def test_a_batch_at_a_time_and_numbers_never_again(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "BATCH", 3)
    make(database, "i1")
    make(database, "i2")
    with database.session() as session:
        assert sum(prune_outbox(session, LATER).values()) == 3
        assert sum(prune_outbox(session, LATER).values()) == 1
        newest = max(row.id for row in (*of_incident(session, "i1"), *of_incident(session, "i2")))
        for row in of_incident(session, "i2"):
            session.delete(row)
        session.flush()
        enqueue(session, Order("i1", 1, "opened", "webhook:b", "webhook", "x", {}), T0)
        assert session.query(OutboxRow).filter_by(idempotency_key="x").one().id > newest
