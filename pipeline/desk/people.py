"""People at the desk: adding them, one-time passwords, roles and areas, locking; the first start makes one admin.

Every change is audited in the transaction that makes it.
"""

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlalchemy.orm import Session

from pipeline.desk.areas import EVERYWHERE, valid_area
from pipeline.desk.i18n import mark
from pipeline.desk.identity import ROLES
from pipeline.desk.passwords import generate_password, hash_password
from pipeline.ops.clock import Clock, now_ms
from pipeline.ops.errors import ConfigError
from pipeline.store import people
from pipeline.store.audit import audit
from pipeline.store.database import Database
from pipeline.store.tables import UserRow

T = TypeVar("T")
FIRST_ADMIN = "admin"
COMMAND = "siaga"
"""Who the audit names for what the command line, or the first start, did."""
LAST_ADMIN = mark("Ini satu-satunya admin seluruh kota yang bisa masuk. Tambahkan admin lain dulu.")
_NAME = re.compile(r"^[a-z0-9][a-z0-9._-]{1,39}$")


class LastAdminError(ConfigError):
    """Nobody would be left who may manage people."""


def valid_name(name: str) -> bool:
    """Say whether a sign-in name is 2 to 40 of a-z, 0-9, `.`, `_`, `-`."""
    return bool(_NAME.fullmatch(name))


def check_role_and_areas(role: str, areas: Sequence[str]) -> None:
    """Refuse what is no role or no area.

    Raises:
        ConfigError: Names what is wrong.
    """
    if role not in ROLES:
        raise ConfigError(f"role: {role!r} is not one of {', '.join(ROLES)}")
    if not areas:
        raise ConfigError("area: at least one code like 31.71.01.1001, 31.71.01, 31.71, or '*' for the city")
    for area in areas:
        if not valid_area(area):
            raise ConfigError(f"area: {area!r} is not '*' or a code like 31.71.01.1001, 31.71.01 or 31.71")


def add_person(
    database: Database,
    name: str,
    role: str,
    areas: Sequence[str],
    clock: Clock = now_ms,
    *,
    actor: str = COMMAND,
    sso: bool = False,
) -> str:
    """Add a person and return their one-time password; it must be changed at the first sign-in.

    Args:
        database: Where people are kept.
        name: 2 to 40 of a-z, 0-9, `.`, `_`, `-`.
        role: One of the roles.
        areas: Codes of kelurahan, kecamatan or kota, or `*`.
        clock: Time now, epoch ms.
        actor: Who adds them, for the audit.
        sso: They sign in at the city's provider under this name: there is no password, and an empty text is returned.

    Raises:
        ConfigError: The name, the role or an area is not valid, or the name is taken.
    """
    if not valid_name(name):
        raise ConfigError(f"name: {name!r} is not 2 to 40 of a-z, 0-9, '.', '_', '-'")
    check_role_and_areas(role, areas)
    password = "" if sso else generate_password()
    stored = people.SSO_ONLY if sso else hash_password(password)

    def work(session: Session) -> UserRow | None:
        row = people.add_user(session, name, stored, role, areas, clock(), must_change=not sso)
        if row is not None:
            detail = {"role": role, "areas": list(areas), "by": "sso" if sso else "password"}
            audit(session, actor, "person.added", name, detail, clock())
        return row

    if database.transact(work) is None:
        raise ConfigError(f"name: {name!r} is taken")
    return password


def change(
    database: Database, name: str, actor: str, what: str, work: Callable[[Session, UserRow], T], clock: Clock = now_ms
) -> T:
    """Change a person and audit it as `what`, with what `work` returns as its detail if that is a mapping.

    Raises:
        ConfigError: There is no such person.
        LastAdminError: Nobody could manage people any more; nothing is changed.
    """

    def whole(session: Session) -> T:
        row = people.get_user(session, name)
        if row is None:
            raise ConfigError(f"name: there is no {name!r}")
        had = people.count_admins(session)
        outcome = work(session, row)
        session.flush()
        if had and not people.count_admins(session):
            raise LastAdminError(LAST_ADMIN)
        audit(session, actor, what, name, outcome if isinstance(outcome, dict) else None, clock())
        return outcome

    return database.transact(whole)


def set_role_and_areas(
    database: Database, name: str, role: str, areas: Sequence[str], actor: str, clock: Clock = now_ms
) -> None:
    """Give a person another role or other areas; open sessions see it with their next request.

    Raises:
        ConfigError: There is no such person, role or area, or nobody could manage people any more.
    """
    check_role_and_areas(role, areas)

    def work(_session: Session, row: UserRow) -> dict[str, object]:
        detail: dict[str, object] = {"role": [row.role, role], "areas": [list(row.areas), list(areas)]}
        row.role, row.areas = role, list(areas)
        return detail

    change(database, name, actor, "person.changed", work, clock)


def set_locked(database: Database, name: str, locked: bool, actor: str, clock: Clock = now_ms) -> None:
    """Lock a person out, their sessions end at once, or let them in again.

    Raises:
        ConfigError: There is no such person, or nobody could manage people any more.
    """

    def work(session: Session, row: UserRow) -> None:
        people.set_disabled(session, row.name, locked)

    change(database, name, actor, "person.locked" if locked else "person.unlocked", work, clock)


def end_sessions(database: Database, name: str, actor: str, clock: Clock = now_ms) -> None:
    """End all sign-ins of a person.

    Raises:
        ConfigError: There is no such person.
    """
    change(
        database, name, actor, "person.sessions_ended", lambda session, row: people.end_sessions(session, row.name),
        clock,
    )  # fmt: skip


def reset_password(database: Database, name: str, clock: Clock = now_ms, *, actor: str = COMMAND) -> str:
    """Give a person a new one-time password, end their sign-ins and return it; a single sign-on ends being their way.

    Raises:
        ConfigError: There is no such person.
    """
    password = generate_password()
    stored = hash_password(password)

    def work(session: Session, row: UserRow) -> None:
        people.set_password(session, row.name, stored)
        row.must_change, row.subject = True, None

    change(database, name, actor, "person.password_reset", work, clock)
    return password


def use_sso(database: Database, name: str, actor: str, clock: Clock = now_ms) -> None:
    """Let a person sign in at the city's provider: no password, sessions end, the next of that name is bound.

    Raises:
        ConfigError: There is no such person.
    """

    def work(session: Session, row: UserRow) -> None:
        people.set_password(session, row.name, people.SSO_ONLY)
        row.subject = None

    change(database, name, actor, "person.sso", work, clock)


def first_admin(database: Database, clock: Clock = now_ms) -> str | None:
    """Make the first admin when nobody may sign in yet; return the one-time password, or None when people exist."""
    with database.reading() as session:
        if people.count_users(session):
            return None
    try:
        return add_person(database, FIRST_ADMIN, "admin", [EVERYWHERE], clock)
    except ConfigError:
        return None  # another process was first in between: the password is in its hands
