"""Searches that a person gave a name."""

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipeline.store.review_tables import SavedSearchRow

MOST = 50
"""Of one person; a list longer than this helps nobody."""


def list_searches(session: Session, owner: str) -> list[SavedSearchRow]:
    """Return a person's searches by name."""
    query = sa.select(SavedSearchRow).where(SavedSearchRow.owner == owner).order_by(SavedSearchRow.name)
    return list(session.scalars(query))


def save_search(session: Session, owner: str, name: str, query: Mapping[str, str], at_ms: int) -> bool:
    """Keep a search under a name, in place of an earlier one of that name; False when the person has too many."""
    kept = list_searches(session, owner)
    row = next((row for row in kept if row.name == name), None)
    if row is None:
        if len(kept) >= MOST:
            return False
        row = SavedSearchRow(owner=owner, name=name, created_ms=at_ms)
        session.add(row)
    row.query = dict(query)
    session.flush()
    return True


def forget_search(session: Session, owner: str, number: int) -> bool:
    """Remove one of a person's searches; False when there is none of theirs with this number."""
    query = sa.select(SavedSearchRow).where(SavedSearchRow.owner == owner, SavedSearchRow.id == number)
    row = session.scalar(query)
    if row is None:
        return False
    session.delete(row)
    session.flush()
    return True
