"""People who may sign in, and their sign-ins. Passwords and tokens are the desk's business; here only hashes lie."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipeline.store.tables import SessionRow, UserRow

SSO_ONLY = "sso"
"""Stands where a password's hash would: this person signs in at the city's provider. No password makes this hash."""


def add_user(
    session: Session,
    name: str,
    password_hash: str,
    role: str,
    areas: Sequence[str],
    at_ms: int,
    must_change: bool = False,
    subject: str | None = None,
) -> UserRow | None:
    """Add a person; None when the name is taken. `must_change` asks for a new password at the first sign-in.

    `subject` is `issuer|sub` of who comes from the city's provider.
    """
    if session.get(UserRow, name) is not None:
        return None
    row = UserRow(
        name=name,
        password_hash=password_hash,
        role=role,
        areas=list(areas),
        created_ms=at_ms,
        disabled=False,
        must_change=must_change,
        subject=subject,
    )
    session.add(row)
    session.flush()
    return row


def get_user(session: Session, name: str) -> UserRow | None:
    """Return a person by name."""
    return session.get(UserRow, name)


def by_subject(session: Session, subject: str) -> UserRow | None:
    """Return whose `issuer|sub` at the city's provider this is."""
    return session.scalar(sa.select(UserRow).where(UserRow.subject == subject))


def waits_for_sso(row: UserRow) -> bool:
    """Say whether this account was made for single sign-on and its person has not come yet."""
    return row.password_hash == SSO_ONLY and row.subject is None


def list_users(session: Session) -> list[UserRow]:
    """Return all people by name."""
    return list(session.scalars(sa.select(UserRow).order_by(UserRow.name)))


def count_users(session: Session) -> int:
    """Return how many people there are; 0 means that this is the first start."""
    return session.scalar(sa.select(sa.func.count()).select_from(UserRow)) or 0


def count_admins(session: Session) -> int:
    """Return how many admins of the whole city may sign in."""
    rows = session.scalars(sa.select(UserRow).where(UserRow.role == "admin", UserRow.disabled.is_(False)))
    return sum("*" in row.areas for row in rows)


def count_sessions(session: Session, at_ms: int, idle_ms: int) -> dict[str, int]:
    """Return how many sign-ins of each person are open."""
    seen = sa.func.coalesce(SessionRow.seen_ms, SessionRow.created_ms)
    query = (
        sa.select(SessionRow.user, sa.func.count())
        .where(SessionRow.expires_ms > at_ms, seen > at_ms - idle_ms)
        .group_by(SessionRow.user)
    )
    return {row[0]: row[1] for row in session.execute(query)}


def set_password(session: Session, name: str, password_hash: str) -> bool:
    """Change a password to one of the person's own and end their sign-ins; False when there is no such person."""
    row = session.get(UserRow, name)
    if row is None:
        return False
    row.password_hash = password_hash
    row.must_change = False
    end_sessions(session, name)
    return True


def set_disabled(session: Session, name: str, disabled: bool) -> bool:
    """Lock a person out (sign-ins end at once) or let in again; False when there is no such person."""
    row = session.get(UserRow, name)
    if row is None:
        return False
    row.disabled = disabled
    if disabled:
        end_sessions(session, name)
    return True


def open_session(session: Session, token_hash: str, user: str, at_ms: int, expires_ms: int) -> None:
    """Keep a sign-in by the sha256 of its token."""
    session.add(SessionRow(token_hash=token_hash, user=user, created_ms=at_ms, expires_ms=expires_ms))
    session.flush()


def session_user(session: Session, token_hash: str, at_ms: int, idle_ms: int | None = None) -> UserRow | None:
    """Return whose sign-in this is; None when it is unknown or over, or the person is locked out.

    With `idle_ms` it is also over when it was not used for that long.
    """
    found = live_session(session, token_hash, at_ms, idle_ms)
    return found[0] if found is not None else None


def live_session(
    session: Session, token_hash: str, at_ms: int, idle_ms: int | None = None
) -> tuple[UserRow, int] | None:
    """Return whose sign-in this is and about when it was last used, epoch ms; None as `session_user` does."""
    seen = sa.func.coalesce(SessionRow.seen_ms, SessionRow.created_ms)
    query = (
        sa.select(UserRow, seen)
        .join(SessionRow, SessionRow.user == UserRow.name)
        .where(SessionRow.token_hash == token_hash, SessionRow.expires_ms > at_ms, UserRow.disabled.is_(False))
    )
    if idle_ms is not None:
        query = query.where(seen > at_ms - idle_ms)
    row = session.execute(query).first()
    return (row[0], row[1]) if row is not None else None


def touch_session(session: Session, token_hash: str, at_ms: int) -> None:
    """Note that a sign-in is in use."""
    session.execute(sa.update(SessionRow).where(SessionRow.token_hash == token_hash).values(seen_ms=at_ms))


def close_session(session: Session, token_hash: str) -> None:
    """Sign out."""
    session.execute(sa.delete(SessionRow).where(SessionRow.token_hash == token_hash))


def end_sessions(session: Session, user: str) -> None:
    """End all sign-ins of a person."""
    session.execute(sa.delete(SessionRow).where(SessionRow.user == user))


def forget_sessions(session: Session, at_ms: int, idle_ms: int | None = None) -> None:
    """Remove the sign-ins that are over, with `idle_ms` also those that were not used for that long."""
    over = SessionRow.expires_ms <= at_ms
    if idle_ms is not None:
        over = sa.or_(over, sa.func.coalesce(SessionRow.seen_ms, SessionRow.created_ms) <= at_ms - idle_ms)
    session.execute(sa.delete(SessionRow).where(over))
