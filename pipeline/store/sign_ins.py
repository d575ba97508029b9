"""Sign-ins at the city's provider that are under way: each comes back once, in the browser it began in, or never."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipeline.store.access import take_turns
from pipeline.store.access_tables import AttemptRow

LIFE_MS = 10 * 60_000
MOST_PER_ADDRESS = 60
"""An office behind one address may begin this many at a time; a flood of beginnings fills no table."""


@dataclass(frozen=True)
class Attempt:
    """A sign-in that has begun. `state_hash`, `visit` and `address` are sha256; `goes_to` is a path of the desk."""

    state_hash: str
    visit: str
    address: str
    nonce: str
    verifier: str
    goes_to: str


def begin_attempt(session: Session, attempt: Attempt, at_ms: int) -> bool:
    """Remember a sign-in that begins; False when this address has too many under way."""
    take_turns(session)
    session.execute(sa.delete(AttemptRow).where(AttemptRow.expires_ms <= at_ms))
    same = sa.select(sa.func.count()).select_from(AttemptRow).where(AttemptRow.address == attempt.address)
    if (session.scalar(same) or 0) >= MOST_PER_ADDRESS:
        return False
    session.add(AttemptRow(**attempt.__dict__, expires_ms=at_ms + LIFE_MS))
    session.flush()
    return True


def take_attempt(session: Session, state_hash: str, at_ms: int) -> Attempt | None:
    """Take a sign-in out by its state; None when it is unknown, over, or was taken before."""
    query = sa.delete(AttemptRow).where(AttemptRow.state_hash == state_hash).returning(*AttemptRow.__table__.columns)
    row = session.execute(query).first()
    if row is None or row.expires_ms <= at_ms:
        return None
    return Attempt(row.state_hash, row.visit, row.address or "", row.nonce, row.verifier, row.goes_to)
