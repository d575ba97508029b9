"""CAP documents: made once, read by the feed at the desk and by whoever is sent them."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipeline.store.channel_tables import CapRow


def find(session: Session, identifier: str) -> CapRow | None:
    """Return the document of this identifier."""
    return session.scalar(sa.select(CapRow).where(CapRow.identifier == identifier))


def of_incident(session: Session, incident_id: str) -> Sequence[CapRow]:
    """Return the documents of an incident, in the order in which they were made."""
    query = sa.select(CapRow).where(CapRow.incident_id == incident_id).order_by(CapRow.id)
    return session.scalars(query).all()


def keep(session: Session, row: CapRow) -> None:
    """Keep a new document; the caller has taken its turn."""
    session.add(row)
    session.flush()


def publish(session: Session, identifier: str) -> None:
    """Put a document into the feed."""
    session.execute(sa.update(CapRow).where(CapRow.identifier == identifier).values(published=True))


def feed(session: Session, limit: int) -> Sequence[CapRow]:
    """Return the published documents, newest first."""
    query = sa.select(CapRow).where(CapRow.published.is_(True)).order_by(CapRow.id.desc()).limit(limit)
    return session.scalars(query).all()
