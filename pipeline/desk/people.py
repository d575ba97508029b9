"""Adding people and giving them passwords; the first start makes one admin."""

import re
from collections.abc import Sequence

from sqlalchemy.orm import Session

from pipeline.desk.areas import EVERYWHERE, valid_area
from pipeline.desk.identity import ROLES
from pipeline.desk.passwords import generate_password, hash_password
from pipeline.ops.clock import Clock, now_ms
from pipeline.ops.errors import ConfigError
from pipeline.store import people
from pipeline.store.database import Database

FIRST_ADMIN = "admin"
_NAME = re.compile(r"^[a-z0-9][a-z0-9._-]{1,39}$")


def valid_name(name: str) -> bool:
    """Say whether a sign-in name is 2 to 40 of a-z, 0-9, `.`, `_`, `-`."""
    return bool(_NAME.fullmatch(name))


def add_person(database: Database, name: str, role: str, areas: Sequence[str], clock: Clock = now_ms) -> str:
    """Add a person and return their one-time password; it must be changed at the first sign-in.

    Args:
        database: Where people are kept.
        name: 2 to 40 of a-z, 0-9, `.`, `_`, `-`.
        role: piket, satpol, engineer or admin.
        areas: Codes of kelurahan, kecamatan or kota, or `*`.
        clock: Time now, epoch ms.

    Raises:
        ConfigError: The name, the role or an area is not valid, or the name is taken.
    """
    if not valid_name(name):
        raise ConfigError(f"name: {name!r} is not 2 to 40 of a-z, 0-9, '.', '_', '-'")
    if role not in ROLES:
        raise ConfigError(f"role: {role!r} is not one of {', '.join(ROLES)}")
    if not areas:
        raise ConfigError("area: at least one code like 31.71.01.1001, 31.71.01, 31.71, or '*' for the city")
    for area in areas:
        if not valid_area(area):
            raise ConfigError(f"area: {area!r} is not '*' or a code like 31.71.01.1001, 31.71.01 or 31.71")
    password = generate_password()
    stored = hash_password(password)
    row = database.transact(
        lambda session: people.add_user(session, name, stored, role, areas, clock(), must_change=True)
    )
    if row is None:
        raise ConfigError(f"name: {name!r} is taken")
    return password


def reset_password(database: Database, name: str) -> str:
    """Give a person a new one-time password, end their sign-ins and return it.

    Raises:
        ConfigError: There is no such person.
    """
    password = generate_password()
    stored = hash_password(password)

    def work(session: Session) -> bool:
        if not people.set_password(session, name, stored):
            return False
        row = people.get_user(session, name)
        if row is not None:
            row.must_change = True
        return row is not None

    if not database.transact(work):
        raise ConfigError(f"name: there is no {name!r}")
    return password


def first_admin(database: Database, clock: Clock = now_ms) -> str | None:
    """Make the first admin when nobody may sign in yet; return the one-time password, or None when people exist."""
    with database.reading() as session:
        if people.count_users(session):
            return None
    try:
        return add_person(database, FIRST_ADMIN, "admin", [EVERYWHERE], clock)
    except ConfigError:
        return None  # another process was first in between: the password is in its hands
