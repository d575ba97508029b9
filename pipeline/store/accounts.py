"""Who can accept incidents at a desk: what routing asks before it calls a kelurahan reachable."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.orm import Session

from pipeline.ops.errors import StoreError
from pipeline.ops.settings import Settings
from pipeline.store.areas import covers
from pipeline.store.database import open_database
from pipeline.store.tables import UserRow

DUTY, ADMIN = "piket", "admin"
"""The roles that decide on incidents: officers on duty, and administrators besides."""


@dataclass(frozen=True)
class Account:
    """Somebody who may decide on incidents at a desk, in these areas (`*` = the whole city)."""

    name: str
    role: str
    areas: tuple[str, ...]

    def serves(self, kelurahan: str) -> bool:
        """Say whether a kelurahan lies in the account's areas."""
        return any(area == "*" or covers(area, kelurahan) for area in self.areas)


FIRST_START = (Account(ADMIN, ADMIN, ("*",)),)
"""What the first start makes where nobody may sign in yet."""


def list_accounts(session: Session) -> tuple[Account, ...]:
    """Return who may sign in and decide, by name; before the first start, whom it will make."""
    every = session.scalars(sa.select(UserRow).order_by(UserRow.name)).all()
    if not every:
        return FIRST_START
    return tuple(
        Account(row.name, row.role, tuple(row.areas)) for row in every if not row.disabled and row.role in (DUTY, ADMIN)
    )


def read_accounts(settings: Settings) -> Sequence[Account] | None:
    """Return the accounts without making or changing a database; None when it does not answer now.

    A database that was not made yet is one before the first start.

    Raises:
        ConfigError: The URL is wrong.
    """
    if not _made(settings):
        return FIRST_START
    database = open_database(settings)
    try:
        with database.reading() as session:
            if not sa.inspect(session.connection()).has_table(UserRow.__tablename__):
                return FIRST_START
            return list_accounts(session)
    except (StoreError, SQLAlchemyError):
        return None
    finally:
        database.close()


def _made(settings: Settings) -> bool:
    """Say whether the database may exist: a SQLite file that is not there does not, and looking must not make it."""
    try:
        url = make_url(settings.store.url)
    except ArgumentError:
        return True  # opening it says what is wrong
    return url.get_backend_name() != "sqlite" or settings.data_path(url.database or "").is_file()
