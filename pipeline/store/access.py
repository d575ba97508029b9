"""Failed sign-ins and the keys of signed links."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipeline.store.access_tables import FailureRow, SigningKeyRow

LOCK = 0x5349_4147_4102  # PostgreSQL's advisory lock of those who count; SQLite has one writer anyway
KEYS_KEPT = 2


def take_turns(session: Session) -> None:
    """Let no other transaction count at the same time, so that parallel tries cannot slip under a limit."""
    if session.connection().dialect.name == "postgresql":
        session.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))


def add_failures(session: Session, keys: Sequence[str], at_ms: int) -> list[int]:
    """Count a failed sign-in against each key and return the rows' numbers."""
    rows = [FailureRow(key=key, at_ms=at_ms) for key in keys]
    session.add_all(rows)
    session.flush()
    return [row.id for row in rows]


def failures_since(session: Session, since_ms: Mapping[str, int]) -> dict[str, list[int]]:
    """Return for each key the times of its failures after a time of its own, oldest first, epoch ms."""
    found: dict[str, list[int]] = {}
    for key, after in since_ms.items():
        query = sa.select(FailureRow.at_ms).where(FailureRow.key == key, FailureRow.at_ms > after)
        found[key] = list(session.scalars(query.order_by(FailureRow.at_ms)))
    return found


def forget_failures(session: Session, ids: Sequence[int], key: str) -> None:
    """Take back what was counted for a try that succeeded, and all failures of one key."""
    session.execute(sa.delete(FailureRow).where(sa.or_(FailureRow.id.in_(ids), FailureRow.key == key)))


def prune_failures(session: Session, before_ms: int) -> None:
    """Remove the failures that no limit looks at any more."""
    session.execute(sa.delete(FailureRow).where(FailureRow.at_ms < before_ms))


def signing_keys(session: Session) -> list[tuple[int, str]]:
    """Return the keys of signed links, newest first, as (when it was made in epoch ms, secret)."""
    query = sa.select(SigningKeyRow.created_ms, SigningKeyRow.secret).order_by(SigningKeyRow.created_ms.desc())
    return [(row.created_ms, row.secret) for row in session.execute(query)]


def rotate_keys(session: Session, secret: str, at_ms: int, life_ms: int) -> list[tuple[int, str]]:
    """Add a key when the newest is older than its life, remove those before the last two; return what is there."""
    take_turns(session)
    keys = signing_keys(session)
    if not keys or at_ms - keys[0][0] >= life_ms:
        session.add(SigningKeyRow(created_ms=at_ms, secret=secret))
        session.flush()
        keys = signing_keys(session)
        for created_ms, _ in keys[KEYS_KEPT:]:
            session.execute(sa.delete(SigningKeyRow).where(SigningKeyRow.created_ms == created_ms))
    return keys[:KEYS_KEPT]
