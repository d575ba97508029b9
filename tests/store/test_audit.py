"""The audit: one chain on both databases, and whatever is done to it is found."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from pipeline.store.audit import GENESIS, Anchor, Entry, anchor, audit, audit_once, check, entries, seal, verify
from pipeline.store.audit_tables import AuditHeadRow, AuditRow
from pipeline.store.database import Database


def _fill(database: Database, rows: int = 5) -> None:
    for number in range(rows):
        with database.session() as session:
            audit(session, "budi", "clip.viewed", str(number), {"kamera": f"c-{number}"}, 1000 + number)


def chain(rows: int) -> list[Entry]:
    """A good chain without a database."""
    made: list[Entry] = []
    for n in range(1, rows + 1):
        last = made[-1].hash if made else GENESIS
        made.append(seal(Entry(n, 1000 + n, f"orang{n % 3}", "sign_in.ok", str(n), f'{{"n":{n}}}', last, "")))
    return made


def test_an_empty_audit_is_whole(database: Database) -> None:
    with database.reading() as session:
        assert verify(session).ok
        assert anchor(session) == Anchor(0, GENESIS)


def test_rows_make_one_chain(database: Database) -> None:
    _fill(database)
    with database.reading() as session:
        rows = list(entries(session))
        assert verify(session).rows == 5
    assert [row.n for row in rows] == [1, 2, 3, 4, 5]
    assert rows[0].prev == GENESIS
    assert rows[3].prev == rows[2].hash


def test_writers_at_the_same_time_make_one_chain(database: Database) -> None:
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: _fill(database, 5), range(6)))
    with database.reading() as session:
        verdict = verify(session)
    assert (verdict.fault, verdict.rows) == ("", 30)


def test_a_transaction_that_is_taken_back_leaves_no_row(database: Database) -> None:
    _fill(database, 1)
    with pytest.raises(RuntimeError), database.session() as session:
        audit(session, "budi", "clip.viewed", "x", None, 5)
        raise RuntimeError
    _fill(database, 1)
    with database.reading() as session:
        assert verify(session).rows == 2


def test_the_same_view_again_is_one(database: Database) -> None:
    with database.session() as session:
        assert audit_once(session, "budi", "clip.viewed", "1", None, 1000, 600)
        assert audit_once(session, "budi", "clip.viewed", "1", None, 1500, 600) is None
        assert audit_once(session, "sari", "clip.viewed", "1", None, 1500, 600)
        assert audit_once(session, "budi", "clip.viewed", "1", None, 1601, 600)


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        (sa.update(AuditRow).where(AuditRow.n == 3).values(actor="lain"), "row 3 was altered"),
        (sa.update(AuditRow).where(AuditRow.n == 3).values(at_ms=7), "row 3 was altered"),
        (sa.delete(AuditRow).where(AuditRow.n == 3), "row 3 is missing"),
        (sa.delete(AuditRow).where(AuditRow.n == 1), "row 1 is missing"),
        (sa.delete(AuditRow).where(AuditRow.n == 5), "the head says 5 rows"),
        (sa.delete(AuditRow), "the head says 5 rows"),
        (sa.delete(AuditHeadRow), "the head says -1 rows"),
    ],
)
def test_what_is_done_to_the_tables_is_found(database: Database, statement: sa.Executable, says: str) -> None:
    _fill(database)
    with database.session() as session:
        session.execute(statement)
    with database.reading() as session:
        assert says in verify(session).fault


def test_a_chain_that_was_made_anew_is_found_by_an_anchor(database: Database) -> None:
    _fill(database, 3)
    with database.reading() as session:
        kept = anchor(session)
    with database.session() as session:
        session.execute(sa.delete(AuditRow))
        session.execute(sa.update(AuditHeadRow).values(n=0, hash=GENESIS))
    with database.reading() as session:
        assert verify(session).ok, "without an anchor an emptied audit looks like a new one"
        assert "rows were removed" in verify(session, [kept]).fault
    _fill(database, 2)
    with database.session() as session:
        audit(session, "lain", "clip.viewed", "x", None, 1)
    with database.reading() as session:
        assert "made anew" in verify(session, [kept]).fault


FIELDS = st.sampled_from(["n", "at_ms", "actor", "what", "subject", "detail", "prev", "hash"])


@given(st.integers(1, 12), st.data())
def test_any_altered_field_is_found(rows: int, data: st.DataObject) -> None:
    good = chain(rows)
    at, field = data.draw(st.integers(0, rows - 1)), data.draw(FIELDS)
    old = getattr(good[at], field)
    new = data.draw((st.integers(-5, 10**13) if isinstance(old, int) else st.text()).filter(lambda v: v != old))
    bad = [Entry(**{**row.__dict__, field: new}) if i == at else row for i, row in enumerate(good)]
    assert check(good, Anchor(rows, good[-1].hash)).ok
    assert not check(bad, Anchor(rows, good[-1].hash)).ok


@given(st.integers(1, 12), st.data())
def test_any_removed_repeated_or_moved_row_is_found(rows: int, data: st.DataObject) -> None:
    good = chain(rows)
    picked = data.draw(st.lists(st.integers(0, rows - 1), max_size=rows + 2).filter(lambda p: p != list(range(rows))))
    assert not check([good[at] for at in picked], Anchor(rows, good[-1].hash)).ok


@given(st.integers(2, 10), st.data())
def test_sealing_an_altered_row_again_is_found(rows: int, data: st.DataObject) -> None:
    good = chain(rows)
    at = data.draw(st.integers(0, rows - 1))
    bad = list(good)
    bad[at] = seal(Entry(**{**good[at].__dict__, "actor": "lain"}))
    assert not check(bad, Anchor(rows, good[-1].hash)).ok
