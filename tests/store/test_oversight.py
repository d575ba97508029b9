"""What nobody has dealt with, on both databases."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ops.duty import Deadlines
from pipeline.store.database import Database
from pipeline.store.dead_letters import letters
from pipeline.store.incidents import apply_incident, decide, get
from pipeline.store.outbox import Order, enqueue, of_incident
from pipeline.store.oversight import LEVELS, accepted_since, newest_event, outbox_rows, overdue, passed, unreached_posts
from tests.store.making import T0, incident

LIMITS = {"fire": Deadlines(post_s=60, kecamatan_s=30, kota_s=30, city_s=10)}


@given(st.floats(0, 1000))
def test_levels_pass_one_after_the_other(age_s: float) -> None:
    gone = passed("fire", age_s, LIMITS)
    assert gone == LEVELS[: len(gone)]
    assert len(gone) == sum(age_s >= limit for limit in (60, 90, 120, 130))


@pytest.fixture
def opened(database: Database) -> Database:
    """A database with one incident that was just opened."""
    with database.session() as session:
        apply_incident(session, incident(), T0)
    return database


def test_an_incident_is_overdue_until_somebody_decides(opened: Database) -> None:
    with opened.reading() as session:
        row = get(session, "i1")
        assert row is not None
        at_ms = row.opened_ms + 95_000
        assert overdue(session, row.opened_ms, LIMITS) == dict.fromkeys(LEVELS, 0)
        assert overdue(session, at_ms, LIMITS) == {"post": 1, "kecamatan": 1, "kota": 0, "city": 0}
    with opened.session() as session:
        decide(session, "i1", "accepted", expected="waiting", actor="budi", at_ms=at_ms)
    with opened.reading() as session:
        assert overdue(session, at_ms, LIMITS) == dict.fromkeys(LEVELS, 0)


def test_the_time_to_the_first_decision_is_told_once(opened: Database) -> None:
    with opened.session() as session:
        row = get(session, "i1")
        assert row is not None
        row.alerted_ms = T0 + 1000
        cursor = newest_event(session)
        decide(session, "i1", "accepted", expected="waiting", actor="budi", at_ms=T0 + 41_000)
        decide(session, "i1", "done", expected="accepted", actor="budi", at_ms=T0 + 90_000)
    with opened.reading() as session:
        cursor, found = accepted_since(session, cursor)
        assert [(one.kind, one.after_s) for one in found] == [("fire", 40.0)]
        assert accepted_since(session, cursor) == (cursor, [])


def test_a_post_is_unreached_when_every_way_failed_and_none_got_through(opened: Database) -> None:
    with opened.session() as session:
        for name in ("a", "b"):
            enqueue(session, Order("i1", 1, "opened", f"webhook:{name}", "webhook", f"i1:{name}", {}), T0)
    with opened.session() as session:
        assert unreached_posts(session) == 0, "on its way says nothing yet"
        first, _ = of_incident(session, "i1")
        first.state = "dead"
    with opened.session() as session:
        assert unreached_posts(session) == 1
        assert outbox_rows(session) == {("webhook", "dead"): 1, ("webhook", "pending"): 1}
        assert len(letters(session)) == 1
        of_incident(session, "i1")[1].state = "sent"
    with opened.reading() as session:
        assert unreached_posts(session) == 0


def test_a_post_that_a_digest_told_is_reached_when_the_digest_is(opened: Database) -> None:
    with opened.session() as session:
        for name, notice in (("a", "opened"), ("b", "opened"), ("b", "digest")):
            order = Order("i1", 1, notice, f"webhook:{name}", "webhook", f"i1:{notice}:{name}", {})  # type: ignore[arg-type]
            enqueue(session, order, T0)
        dead, digested, digest = of_incident(session, "i1")
        dead.state, digested.state, digested.digest = "dead", "digested", digest.idempotency_key
        session.flush()
        assert unreached_posts(session) == 1
        digest.state = "sent"
        session.flush()
        assert unreached_posts(session) == 0
        digest.state = "dead"
        session.flush()
        assert unreached_posts(session) == 1
