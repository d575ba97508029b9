"""Bringing the tables up to date, one process at a time."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from pipeline.ops.errors import StoreError
from pipeline.store.database import READ_ONLY, Database, explain

LOCK = 0x5349_4147_4101  # any number that no one else uses: PostgreSQL's advisory lock of the migration


def config() -> Config:
    """Return alembic's configuration for the migrations that are packaged beside this module."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return made


def head() -> str:
    """Return the newest revision that this program knows."""
    return str(ScriptDirectory.from_config(config()).get_current_head())


def migrate(database: Database) -> None:
    """Run every migration that the database lacks; processes that start together wait for one another.

    Raises:
        StoreError: The database cannot be reached, or was made by a newer Siaga.
    """
    made = config()
    try:
        with _alone(database) as connection:
            made.attributes["connection"] = connection
            command.upgrade(made, "head")
    except CommandError as error:
        raise StoreError(f"database: made by another version of Siaga: {error}") from error
    except (DBAPIError, OSError) as error:
        raise StoreError(explain(error)) from error


@contextmanager
def _alone(database: Database) -> Iterator[Connection]:
    """Yield a connection outside any transaction while no other process migrates this database."""
    if database.file is not None:
        with Path(f"{database.file}.migrate.lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            with database.engine.connect().execution_options(**{READ_ONLY: False}) as connection:
                yield connection
        return
    with database.engine.connect() as connection:
        connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": LOCK})
        connection.commit()
        try:
            yield connection
        finally:
            connection.rollback()
            connection.execute(sa.text("SELECT pg_advisory_unlock(:key)"), {"key": LOCK})
            connection.commit()
