"""Opening the database: SQLite in WAL mode by default, PostgreSQL by URL."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from prometheus_client import Counter
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.orm import Session

from pipeline.ops.errors import ConfigError, StoreError
from pipeline.ops.redact import redact_text
from pipeline.ops.settings import Settings

T = TypeVar("T")
BUSY_TIMEOUT_MS = 10_000  # SQLite waits this long for another writer before it says "locked"
CONNECT_TIMEOUT_S = 5
RETRY_FOR_S = 30.0
MOST_CONNECTIONS = 40  # a desk answers from that many threads; PostgreSQL serves several processes out of 100
READ_ONLY = "siaga_read_only"

_RETRIES = Counter("siaga_store_retries_total", "Transactions begun again, by reason", ["reason"])


class Database:
    """An open database. Threads share it; a session belongs to one thread.

    `session()` is for writing: on SQLite it takes the write lock at once, so that a transaction never fails half-way
    because another writer came first. `reading()` never waits for writers.
    """

    def __init__(self, url: URL) -> None:
        self._url = url
        self.dialect = url.get_backend_name()
        self.engine = _engine(url)
        self._reader = self.engine.execution_options(**{READ_ONLY: True})

    @property
    def url_redacted(self) -> str:
        """The address without its password, safe to log."""
        return self._url.render_as_string(hide_password=True)

    @property
    def file(self) -> Path | None:
        """The database file of SQLite, None for PostgreSQL."""
        return Path(self._url.database or "") if self.dialect == "sqlite" else None

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A writing transaction: committed at the end, rolled back when the block raises.

        Raises:
            StoreError: The write lock or the connection was not to be had within 30 s.
        """
        with Session(self.engine, expire_on_commit=False, autoflush=True) as session:
            _begin(session)
            try:
                yield session
                session.commit()
            except BaseException:
                session.rollback()
                raise

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A reading transaction over one consistent picture of the data; writing in it is an error of the caller."""
        with Session(self._reader, expire_on_commit=False, autoflush=False) as session:
            yield session
            session.expunge_all()  # a rollback would empty the rows that were read; closing ends the transaction

    def transact(self, work: Callable[[Session], T], stop: threading.Event | None = None) -> T:
        """Run `work` in a writing transaction, as `attempt` does.

        Raises:
            StoreError: It was stopped or gave up; the message is the last error.
        """

        def once() -> T:
            with self.session() as session:
                return work(session)

        return self.attempt(once, stop)

    def attempt(self, call: Callable[[], T], stop: threading.Event | None = None) -> T:
        """Call, and call again from the start while the database is busy, down or deadlocked.

        With `stop` it retries until that is set; without it, for 30 s. `call` must be safe to run again.

        Raises:
            StoreError: It was stopped or gave up; the message is the last error.
        """
        pause, started = 0.05, time.monotonic()
        while True:
            try:
                return call()
            except (StoreError, OperationalError, InterfaceError) as error:
                gave_up = stop.is_set() if stop else time.monotonic() - started > RETRY_FOR_S
                if gave_up:
                    raise StoreError(explain(error)) from error
                _RETRIES.labels(reason_of(error)).inc()
                (stop or threading.Event()).wait(pause)
                pause = min(pause * 2, 2.0)

    def migrate(self) -> None:
        """Bring the tables up to date; processes that start together wait for one another.

        Raises:
            StoreError: The database cannot be reached or was made by a newer Siaga.
        """
        from pipeline.store.migrate import migrate

        migrate(self)

    def close(self) -> None:
        """Close all pooled connections."""
        self.engine.dispose()


def open_database(settings: Settings) -> Database:
    """Open the database that `store.url` names; tables are made by `migrate()`.

    Raises:
        ConfigError: The URL is malformed or names a database that Siaga does not know.
    """
    return Database(resolve_url(settings))


def resolve_url(settings: Settings) -> URL:
    """Return the database URL with its driver; a relative SQLite path is put under the data folder.

    Raises:
        ConfigError: The URL is malformed or names a database that Siaga does not know.
    """
    try:
        url = make_url(settings.store.url)
    except ArgumentError as error:
        raise ConfigError("store.url: not a database URL like sqlite:///var/siaga.db") from error
    if url.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return url.set(drivername="postgresql+psycopg")
    if url.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise ConfigError(f"store.url: {url.drivername} is not sqlite or postgresql")
    if url.database in (None, "", ":memory:"):
        raise ConfigError("store.url: SQLite needs a file; several processes share it")
    path = settings.data_path(str(url.database))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"store.url: {path.parent}: cannot be made: {error.strerror}") from error
    return url.set(drivername="sqlite+pysqlite", database=str(path))


def explain(error: BaseException) -> str:
    """Say a database error in one line, without SQL, parameters and passwords."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return redact_text(f"database: {' '.join(str(cause).split())}"[:300])


def reason_of(error: BaseException) -> str:
    """Return a metric label for a database error: busy, deadlock or down."""
    text = str(error).lower()
    if "locked" in text or "busy" in text:
        return "busy"
    return "deadlock" if "deadlock" in text or "serialize" in text else "down"


def _engine(url: URL) -> sa.Engine:
    """Make the engine of one process."""
    if url.get_backend_name() == "sqlite":
        engine = sa.create_engine(
            url,
            max_overflow=MOST_CONNECTIONS,
            connect_args={"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False},
        )
        sa.event.listen(engine, "connect", _sqlite_connect)
        sa.event.listen(engine, "begin", _sqlite_begin)
        return engine
    return sa.create_engine(
        url,
        pool_pre_ping=True,
        max_overflow=MOST_CONNECTIONS // 2,
        connect_args={"connect_timeout": CONNECT_TIMEOUT_S, "application_name": "siaga"},
    )


def _sqlite_connect(connection: Any, _record: Any) -> None:
    """Set a new SQLite connection up; transactions are begun by us, as the driver begins them too late."""
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", f"busy_timeout={BUSY_TIMEOUT_MS}"):
        connection.execute(f"PRAGMA {pragma}").close()


def _sqlite_begin(connection: Connection) -> None:
    """Begin: a writer takes the lock now, a reader takes none."""
    read_only = connection.get_execution_options().get(READ_ONLY, False)
    connection.exec_driver_sql("BEGIN DEFERRED" if read_only else "BEGIN IMMEDIATE")


def _begin(session: Session) -> None:
    """Begin the transaction, again while SQLite is busy."""
    started = time.monotonic()
    while True:
        try:
            session.connection()
            return
        except OperationalError as error:
            session.rollback()
            if reason_of(error) != "busy" or time.monotonic() - started > RETRY_FOR_S:
                raise StoreError(explain(error)) from error
            _RETRIES.labels("busy").inc()
            threading.Event().wait(0.05)
