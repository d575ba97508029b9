"""What is old and over leaves the database: outbox rows and timeline events; never of an incident that is open."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipeline.store.decisions import FINAL
from pipeline.store.drills_tables import DrillRow
from pipeline.store.tables import EventRow, EvidenceRow, IncidentRow, OutboxRow

BATCH = 1000
"""Rows of one transaction: nobody waits long for the write lock."""
FINISHED = ("sent", "superseded", "digested", "dead")
"""Outbox rows that nobody works on any more."""


def _over(subject: Any, before_ms: int) -> sa.ColumnElement[bool]:
    """Return the condition that the incident or drill of this id was over before a time.

    An incident is over when nothing is seen any more and a person has decided finally. What names neither an incident
    nor a drill is left alone: its incident may still be on its way.
    """
    incident = sa.exists().where(
        IncidentRow.id == subject,
        IncidentRow.state == "closed",
        IncidentRow.decision.in_(FINAL),
        IncidentRow.closed_ms < before_ms,
        IncidentRow.decision_ms < before_ms,
    )
    return sa.or_(incident, sa.exists().where(DrillRow.id == subject, DrillRow.until_ms < before_ms))


def prune_outbox(session: Session, before_ms: int) -> dict[str, int]:
    """Remove finished rows of what was over before a time; return how many by state.

    The row by which a still was fetched stays as long as the still: it holds the boxes that the desk draws.
    """
    kept = sa.exists().where(EvidenceRow.incident_id == OutboxRow.incident_id, EvidenceRow.removed_ms.is_(None))
    old = (
        sa.select(OutboxRow.id)
        .where(OutboxRow.state.in_(FINISHED), OutboxRow.created_ms < before_ms, _over(OutboxRow.incident_id, before_ms))
        .where(sa.not_(sa.and_(OutboxRow.notice == "still", kept)))
        .order_by(OutboxRow.id)
        .limit(BATCH)
    )
    ids = list(session.scalars(old))
    gone = sa.delete(OutboxRow).where(OutboxRow.id.in_(ids)).returning(OutboxRow.state)
    counts: dict[str, int] = {}
    for state in session.scalars(gone.execution_options(synchronize_session=False)) if ids else ():
        counts[state] = counts.get(state, 0) + 1
    return counts


def prune_timeline(session: Session, before_ms: int) -> int:
    """Remove the timeline of what was over before a time; return how many events."""
    old = sa.select(EventRow.id).where(EventRow.at_ms < before_ms, _over(EventRow.incident_id, before_ms))
    ids = list(session.scalars(old.order_by(EventRow.id).limit(BATCH)))
    if ids:
        session.execute(sa.delete(EventRow).where(EventRow.id.in_(ids)).execution_options(synchronize_session=False))
    return len(ids)
