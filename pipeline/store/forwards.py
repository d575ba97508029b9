"""Forwarding an incident to an agency: a decision (Disposisi) and a line in the timeline, in one transaction."""

from typing import Literal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipeline.store.incidents import Decided, decide
from pipeline.store.tables import Decision, EventRow, IncidentRow
from pipeline.store.timeline import add_event, take_turn

How = Literal["copy", "phone"]
"""How the agency learns of it: it has a copy of the notices by a configured target, or is told by phone."""


def forward(
    session: Session,
    incident_id: str,
    agency: str,
    *,
    expected: Decision,
    actor: str,
    at_ms: int,
    note: str = "",
    how: How = "phone",
) -> Decided:
    """Hand an incident to an agency, unless somebody else decided since the officer looked.

    Args:
        session: A writing transaction.
        incident_id: The incident.
        agency: Key of the agency.
        expected: The decision that the officer saw.
        actor: Who forwards.
        at_ms: Now.
        note: Free text, kept in the timeline.
        how: How the agency learns of it.
    """
    take_turn(session)
    row = session.get(IncidentRow, incident_id, populate_existing=True)
    if row is not None and row.decision == expected == "disposition":
        outcome = Decided(True, "decided", row)  # a further agency: the word stays, the line is added
    else:
        outcome = decide(session, incident_id, "disposition", expected=expected, actor=actor, at_ms=at_ms, note=note)
    if outcome.ok:
        add_event(session, incident_id, at_ms, "forwarded", {"agency": agency, "note": note, "how": how}, actor)
    return outcome


def mark_seen(session: Session, incident_id: str, actor: str, at_ms: int) -> bool:
    """Write once a person that the incident stood on their screen; False when it was known."""
    take_turn(session)
    known = sa.select(EventRow.id).where(
        EventRow.incident_id == incident_id, EventRow.what == "seen", EventRow.actor == actor
    )
    if session.scalar(known) is not None:
        return False
    add_event(session, incident_id, at_ms, "seen", {}, actor)
    return True
