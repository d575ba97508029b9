"""Receipts that come later: a receiver says that a notice arrived, was seen, or was acknowledged by a person."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipeline.ops.section import Kind
from pipeline.store.outbox import concerned
from pipeline.store.tables import Document, EventRow, IncidentRow, OutboxRow
from pipeline.store.timeline import add_event, take_turn

Receipt = Literal["delivered", "seen", "acknowledged"]
WHATS: dict[Receipt, str] = {"delivered": "arrived", "seen": "seen", "acknowledged": "acknowledged"}
"""The event of each receipt; `delivered` itself is what Siaga writes when a target takes a notice."""
BATCH = 500


def row_of(session: Session, key: str) -> OutboxRow | None:
    """Return the outbox row of an idempotency key."""
    return session.scalar(sa.select(OutboxRow).where(OutboxRow.idempotency_key == key))


def note(session: Session, row: OutboxRow, receipt: Receipt, actor: str, at_ms: int) -> list[str]:
    """Write a receipt into the timelines of what the notice told, once for each person; return the incidents."""
    take_turn(session)
    what, written = WHATS[receipt], list[str]()
    for incident_id in concerned(session, row):
        known = sa.select(EventRow.id).where(
            EventRow.incident_id == incident_id, EventRow.what == what, EventRow.actor == actor
        )
        if session.scalar(known.limit(1)) is not None:
            continue
        detail: Document = {"target": row.target, "notice": row.notice}
        if receipt == "delivered" and row.sent_ms is not None:
            detail["seconds"] = max(0, at_ms - row.sent_ms) / 1000
        add_event(session, incident_id, at_ms, what, detail, actor)
        written.append(incident_id)
    return written


@dataclass(frozen=True)
class Arrival:
    """That a notice arrived, `seconds` after it was sent."""

    kind: Kind
    kelurahan: str
    seconds: float


def arrivals_since(session: Session, cursor: int) -> tuple[int, Sequence[Arrival]]:
    """Return what arrived by the word of its receiver after the timeline event `cursor`, and the new cursor."""
    query = sa.select(EventRow, IncidentRow).join(IncidentRow, IncidentRow.id == EventRow.incident_id)
    query = query.where(EventRow.id > cursor, EventRow.what == "arrived").order_by(EventRow.id).limit(BATCH)
    found: list[Arrival] = []
    for event, incident in session.execute(query):
        cursor = event.id
        if event.detail.get("notice") in ("opened", "digest") and "seconds" in event.detail:
            found.append(Arrival(incident.kind, incident.kelurahan, event.detail["seconds"]))
    return cursor, found
