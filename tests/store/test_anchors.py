"""Anchors: what the database alone could not prove."""

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipeline.ops.errors import ConfigError
from pipeline.ops.settings import Settings
from pipeline.store.anchors import AnchorKeeper, keep_anchor, kept_anchors, read_anchors
from pipeline.store.audit import GENESIS, Anchor, Entry, anchor, audit, seal, verify, verify_end
from pipeline.store.audit_tables import AuditHeadRow, AuditRow
from pipeline.store.database import Database, open_database

KEY = b"kunci-audit-rahasia"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, desk={"audit_anchor_every_s": 0.05})


@pytest.fixture
def database(settings: Settings) -> Database:
    made = open_database(settings)
    made.migrate()
    return made


def write(database: Database, count: int) -> None:
    for number in range(count):
        database.transact(lambda session, n=number: audit(session, "bos", "uji", str(n), None, n))  # type: ignore[misc]


def cut(database: Database, keep: int) -> None:
    """Cut rows off the end and make the head fit: what somebody with the database in hand would do."""
    with database.session() as session:
        session.execute(sa.delete(AuditRow).where(AuditRow.n > keep))
        last = session.scalar(sa.select(AuditRow.hash).where(AuditRow.n == keep)) or GENESIS
        session.execute(sa.update(AuditHeadRow).values(n=keep, hash=last))


def make_anew(database: Database) -> None:
    """Change the first row and make every hash fit again."""
    with database.session() as session:
        rows = [Entry(**row._mapping) for row in session.execute(sa.select(AuditRow.__table__).order_by(AuditRow.n))]
        prev = GENESIS
        for row in rows:
            actor = "orang lain" if row.n == 1 else row.actor
            made = seal(Entry(row.n, row.at_ms, actor, row.what, row.subject, row.detail, prev, ""))
            session.execute(sa.update(AuditRow).where(AuditRow.n == row.n).values(**made.__dict__))
            prev = made.hash
        session.execute(sa.update(AuditHeadRow).values(hash=prev))


def test_rows_cut_off_at_the_end_show_by_an_anchor_only(database: Database, settings: Settings) -> None:
    write(database, 5)
    keeper = AnchorKeeper(settings, database)
    assert [keeper.keep(), keeper.keep()] == ["kept", "same"]
    cut(database, 3)
    with database.reading() as session:
        assert verify(session).ok, "the chain itself is whole: this is why anchors are kept"
        assert "rows were removed" in verify(session, kept_anchors(settings)).fault
        assert "rows were removed" in verify_end(session, kept_anchors(settings)).fault
    assert keeper.keep() == "shorter", "the desk notices it while it runs"
    write(database, 4)
    with database.reading() as session:
        assert "made anew" in verify(session, kept_anchors(settings)).fault, "new rows do not heal it"


def test_a_chain_made_anew_shows(database: Database, settings: Settings) -> None:
    write(database, 5)
    AnchorKeeper(settings, database).keep()
    make_anew(database)
    with database.reading() as session:
        assert verify(session).ok
        assert not verify(session, kept_anchors(settings)).ok


def test_anchors_are_signed_where_there_is_a_key(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIAGA_AUDIT_KEY", KEY.decode())
    write(database, 2)
    AnchorKeeper(settings, database).keep()
    file = settings.data_path("audit.anchors")
    assert kept_anchors(settings) == read_anchors(file, KEY)
    assert (file.stat().st_mode & 0o777) == 0o600
    make_anew(database)
    with database.reading() as session:
        head = anchor(session)
    file.write_text(f"{head.n} {head.hash} 1 {'0' * 64}\n")
    with pytest.raises(ConfigError, match=r"audit.anchors:1: not signed"):
        kept_anchors(settings)
    file.write_text(f"{head.n} {head.hash} 1 -\n")
    with pytest.raises(ConfigError, match="not signed"):
        kept_anchors(settings)


def test_the_head_is_kept_while_the_audit_grows(database: Database, settings: Settings) -> None:
    from tests.waiting import wait_for

    write(database, 1)
    stop = threading.Event()
    thread = threading.Thread(target=AnchorKeeper(settings, database).run, args=(stop,))
    thread.start()
    wait_for(lambda: len(kept_anchors(settings)) == 1)
    write(database, 1)
    wait_for(lambda: len(kept_anchors(settings)) == 2)
    write(database, 1)
    stop.set()
    thread.join(10)
    assert [one.n for one in kept_anchors(settings)][-1] == 3, "the last head is kept when the desk ends"


def test_no_file_and_a_bad_file_are_told_apart(tmp_path: Path, database: Database) -> None:
    off = Settings(data_dir=tmp_path, desk={"audit_anchor": ""})
    assert kept_anchors(off) == []
    assert AnchorKeeper(off, database).keep() == "off"
    on = Settings(data_dir=tmp_path)
    assert kept_anchors(on) == []
    on.data_path("audit.anchors").write_text("bukan jangkar\n")
    with pytest.raises(ConfigError, match=":1: not a line"):
        kept_anchors(on)
    assert AnchorKeeper(on, database).keep() == "failed"
    blocked = Settings(data_dir=tmp_path, desk={"audit_anchor": "siaga.db/x"})
    assert AnchorKeeper(blocked, database).keep() == "failed"


def test_the_end_is_checked_without_reading_all(database: Database) -> None:
    write(database, 30)
    with database.session() as session:
        session.execute(sa.update(AuditRow).where(AuditRow.n == 2).values(actor="lain"))
    with database.reading() as session:
        assert verify_end(session, rows=10).ok
        assert not verify(session).ok
        assert not verify_end(session, rows=30).ok
        assert not verify_end(session, [Anchor(25, "0" * 64)], rows=10).ok
    with database.session() as session:
        session.execute(sa.delete(AuditRow).where(AuditRow.n == 28))
    with database.reading() as session:
        assert "missing" in verify_end(session, rows=10).fault


def test_the_same_head_is_appended_once_by_many(tmp_path: Path) -> None:
    file, head = tmp_path / "a" / "jangkar", Anchor(7, "f" * 64)
    outcomes: list[str] = []
    threads = [threading.Thread(target=lambda: outcomes.append(keep_anchor(file, b"", head, 1))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(outcomes) == ["kept", *["same"] * 7]
    assert len(file.read_text().splitlines()) == 1
