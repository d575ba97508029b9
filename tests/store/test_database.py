"""Opening, transactions, waiting for others, and what is said when it goes wrong."""

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from pipeline.ops.errors import ConfigError, StoreError
from pipeline.store import database as module
from pipeline.store.database import Database, open_database, reason_of
from pipeline.store.timeline import add_event, latest_cursor
from tests.store.making import settings_at


def test_a_relative_path_is_under_the_data_folder(tmp_path: Path) -> None:
    database = open_database(settings_at(tmp_path, "sqlite:///deep/er/siaga.db"))
    assert database.file == tmp_path / "deep" / "er" / "siaga.db"
    assert database.dialect == "sqlite"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://u:hidden@h/d", "mysql is not sqlite or postgresql"),
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
        ("no url hidden", "not a database URL"),
        ("sqlite:////proc/none/siaga.db", "cannot be made"),
    ],
)
def test_a_wrong_url_is_one_clear_error(tmp_path: Path, url: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        open_database(settings_at(tmp_path, url))
    assert "hidden" not in str(caught.value)
    assert str(caught.value).startswith("store.url: ")


def test_the_password_is_not_shown(tmp_path: Path) -> None:
    database = open_database(settings_at(tmp_path, "postgresql://siaga:rahasia@127.0.0.1:1/siaga"))
    assert "rahasia" not in database.url_redacted
    assert database.url_redacted.startswith("postgresql+psycopg://siaga:***@")
    assert database.file is None
    with pytest.raises(StoreError) as caught:
        database.migrate()
    assert "rahasia" not in str(caught.value)


def test_sqlite_is_set_up(tmp_path: Path) -> None:
    database = open_database(settings_at(tmp_path))
    with database.session() as session:
        pragmas = {
            name: session.scalar(sa.text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 1, "foreign_keys": 1, "busy_timeout": 10_000}


def test_a_transaction_is_whole(database: Database) -> None:
    with pytest.raises(RuntimeError), database.session() as session:
        add_event(session, "i", 1, "opened")
        raise RuntimeError
    with database.reading() as session:
        assert latest_cursor(session) == 0


def test_a_reader_sees_one_picture_and_never_waits(database: Database) -> None:
    with database.session() as writer:
        add_event(writer, "i", 1, "opened")
        writer.flush()
        with database.reading() as reader:
            assert latest_cursor(reader) == 0
    with database.reading() as reader:
        assert latest_cursor(reader) == 1


def test_many_writers_take_turns(database: Database) -> None:
    def write(name: str) -> None:
        for at_ms in range(20):
            database.transact(lambda session: add_event(session, name, at_ms, "updated"))  # noqa: B023

    threads = [threading.Thread(target=write, args=(f"i{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with database.reading() as session:
        assert latest_cursor(session) >= 120
        assert session.scalar(sa.text("SELECT count(*) FROM incident_events")) == 120


def test_a_writer_waits_for_another_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUSY_TIMEOUT_MS", 10)
    database = open_database(settings_at(tmp_path))
    database.migrate()
    inside, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with database.session() as session:
            add_event(session, "first", 1, "opened")
            inside.set()
            leave.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    inside.wait(10)
    threading.Timer(0.3, leave.set).start()
    database.transact(lambda session: add_event(session, "second", 2, "opened"))
    holder.join(10)
    with database.reading() as session:
        assert latest_cursor(session) == 2


def test_a_lock_that_never_ends_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUSY_TIMEOUT_MS", 10)
    monkeypatch.setattr(module, "RETRY_FOR_S", 0.2)
    database = open_database(settings_at(tmp_path))
    database.migrate()
    with (
        database.session(),
        pytest.raises(StoreError, match="locked"),
    ):
        database.transact(lambda session: add_event(session, "i", 1, "opened"))


def test_attempt_tries_again_until_it_works_or_is_stopped(database: Database) -> None:
    calls: list[int] = []

    def third_time() -> str:
        calls.append(1)
        if len(calls) < 3:
            raise OperationalError("", {}, Exception("deadlock detected"))
        return "done"

    assert database.attempt(third_time) == "done"
    stop = threading.Event()
    stop.set()

    def never() -> None:
        raise OperationalError("", {}, Exception("server closed the connection"))

    with pytest.raises(StoreError, match="server closed"):
        database.attempt(never, stop)


def test_reasons_are_labels() -> None:
    assert reason_of(Exception("database is locked")) == "busy"
    assert reason_of(Exception("deadlock detected")) == "deadlock"
    assert reason_of(Exception("connection refused")) == "down"
