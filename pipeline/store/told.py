"""What the timeline of an incident says of whom it is told to."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipeline.store.tables import Document, EventRow


def routes_of(session: Session, incident_id: str) -> list[Document]:
    """Return who is told and who is not, as it was written down each time somebody joined, oldest first."""
    query = sa.select(EventRow.detail).where(EventRow.incident_id == incident_id, EventRow.what == "routed")
    return list(session.scalars(query.order_by(EventRow.id)))
