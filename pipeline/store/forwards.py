"""Forwarding an incident to an agency: a decision (Disposisi), a line in the timeline, and what the outbox tells it.

All of it is one transaction, so an agency is never told of what was not decided.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipeline.city.registry import Registry
from pipeline.store.incidents import Decided, decide, record_of
from pipeline.store.outbox import Order, enqueue, of_incident
from pipeline.store.payloads import payload_of
from pipeline.store.tables import Decision, Document, EventRow, IncidentRow, Notice, OutboxRow
from pipeline.store.timeline import add_event, take_turn

How = Literal["copy", "phone"]
"""How the agency learns of it: by a notice to a configured target, or by phone."""


@dataclass(frozen=True)
class Copy:
    """A target of the agency: `target` is `channel:name`, `why` says in one line why it is told."""

    target: str
    channel: str
    why: str


def forward(
    session: Session,
    incident_id: str,
    agency: str,
    *,
    expected: Decision,
    actor: str,
    at_ms: int,
    registry: Registry,
    note: str = "",
    copies: Sequence[Copy] = (),
) -> Decided:
    """Hand an incident to an agency, unless somebody else decided since the officer looked.

    Args:
        session: A writing transaction.
        incident_id: The incident.
        agency: Key of the agency.
        expected: The decision that the officer saw.
        actor: Who forwards.
        at_ms: Now.
        registry: Names of cameras and kelurahan.
        note: Free text, kept in the timeline and told to the agency.
        copies: Whom to tell at the agency; nobody there = it is told by phone.
    """
    take_turn(session)
    row = session.get(IncidentRow, incident_id, populate_existing=True)
    if row is not None and row.decision == expected == "disposition":
        outcome = Decided(True, "decided", row)  # a further agency: the word stays, the line is added
    else:
        outcome = decide(session, incident_id, "disposition", expected=expected, actor=actor, at_ms=at_ms, note=note)
    if outcome.ok and outcome.row is not None:
        how: How = "copy" if copies else "phone"
        add_event(session, incident_id, at_ms, "forwarded", {"agency": agency, "note": note, "how": how}, actor)
        told: Document = {"agency": agency, "by": actor, "note": note, "at_ms": at_ms}
        _tell(session, outcome.row, copies, registry, told)
    return outcome


def _tell(session: Session, row: IncidentRow, copies: Sequence[Copy], registry: Registry, told: Document) -> None:
    """Write the outbox rows: an opening for those who had none, else a notice that no update sets aside."""
    rows, record = of_incident(session, row.id), record_of(row)
    informed = {one.target for one in rows if one.notice == "opened" and one.state != "superseded"}
    for copy in copies:
        notice: Notice = "forwarded" if copy.target in informed else "opened"
        key = f"{_prefix(row.id)}{told['at_ms']}:{copy.target}"
        content = payload_of(record, row.kelurahan, notice, key, registry, copy.target, copy.why)
        content["forwarded"] = told
        order = Order(row.id, record.revision, notice, copy.target, copy.channel, key, content)
        enqueue(session, order, told["at_ms"])


def _prefix(incident_id: str) -> str:
    """Return how the idempotency keys of an incident's forwards begin."""
    return f"{incident_id}:forwarded-"


def take_back(session: Session, incident_id: str, since_ms: int, actor: str, at_ms: int) -> tuple[list[str], list[str]]:
    """Cancel what is still pending of the forwards since `since_ms`; the timeline says what was, and what was too late.

    Returns:
        The targets that are not told any more, and those that were told already or are being told now.
    """
    take_turn(session)
    mine = (
        OutboxRow.incident_id == incident_id,
        OutboxRow.idempotency_key.startswith(_prefix(incident_id), autoescape=True),
        OutboxRow.created_ms >= since_ms,
    )
    # In one statement: a worker that leases the row in this moment keeps it.
    cancelled = session.scalars(
        sa.update(OutboxRow)
        .where(*mine, OutboxRow.state == "pending")
        .values(state="superseded", last_error=f"taken back by {actor}")
        .returning(OutboxRow.target)
        .execution_options(synchronize_session=False)
    ).all()
    told = session.scalars(sa.select(OutboxRow.target).where(*mine, OutboxRow.state.in_(("leased", "sent")))).all()
    for what, targets in (("forward_cancelled", sorted(cancelled)), ("forward_stands", sorted(told))):
        if targets:
            add_event(session, incident_id, at_ms, what, {"targets": targets}, actor)
    return sorted(cancelled), sorted(told)


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
