"""Who was told of an incident, and what its timeline says of whom to tell."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipeline.store.tables import Document, EventRow, OutboxRow

TELLING = ("opened", "escalated")
"""Notices from which somebody learns of an incident."""


def listeners(session: Session, incident_id: str) -> dict[str, str]:
    """Return the channel of each target that was told of an incident, or will be: it hears what becomes of it.

    One whose opening was taken back before it was sent knows nothing and is left out.
    """
    query = (
        sa.select(OutboxRow.target, OutboxRow.channel)
        .where(OutboxRow.incident_id == incident_id, OutboxRow.notice.in_(TELLING))
        .where(OutboxRow.state != "superseded")
        .order_by(OutboxRow.id)
    )
    return {row.target: row.channel for row in session.execute(query)}


def routes_of(session: Session, incident_id: str) -> list[Document]:
    """Return what the timeline says of who is told and who is not, oldest first."""
    query = sa.select(EventRow.detail).where(EventRow.incident_id == incident_id, EventRow.what == "routed")
    return list(session.scalars(query.order_by(EventRow.id)))
