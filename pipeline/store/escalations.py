"""Escalations in the database: begun with the incident, held and let go on with its decisions, taken when due.

What is here runs in the transaction of whatever changed the incident, so an escalation and its reason never disagree.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from prometheus_client import Counter
from sqlalchemy.orm import Session

from pipeline.ops.duty import Level
from pipeline.store.counting import count_on_commit
from pipeline.store.escalation_rules import Standing, begin, first_sent, follow, overdue_levels
from pipeline.store.escalation_tables import EscalationRow
from pipeline.store.tables import IncidentRow, OutboxRow

WITHDRAWN = Counter(
    "siaga_alert_escalations_withdrawn_total",
    "Escalated notices that were not sent any more, because of a decision or because nothing is seen",
    ["reason"],
)
DECIDED, CLOSED = "decided", "closed"
_NOT_SENT = ("pending", "gathered")
_MARK = "not sent: "
_OPEN = (IncidentRow.decision == "waiting", IncidentRow.state != "closed")
"""`is_open` as a condition."""


def standing_of(row: EscalationRow) -> Standing:
    """Return a row's standing."""
    return Standing(row.level, row.since_ms, row.due_ms, row.left_ms)


def write(row: EscalationRow, standing: Standing) -> None:
    """Copy a standing into its row."""
    row.level, row.since_ms, row.due_ms, row.left_ms = (
        standing.level,
        standing.since_ms,
        standing.due_ms,
        standing.left_ms,
    )


def start(session: Session, incident_id: str, at_ms: int, limit: int) -> None:
    """Begin the escalation of an incident, once, unless it is decided or over; `limit` is the post's deadline, ms."""
    incident = session.get(IncidentRow, incident_id)
    if incident is None or not is_open(incident) or session.get(EscalationRow, incident_id) is not None:
        return
    row = EscalationRow(incident_id=incident_id, asked=[["post", at_ms]])
    write(row, begin(at_ms, limit))
    session.add(row)
    session.flush()


def is_open(incident: IncidentRow) -> bool:
    """Whether an incident goes on and nobody has decided: only then is anybody else told."""
    return incident.decision == "waiting" and incident.state != "closed"


def first_notice(session: Session, incident_id: str, at_ms: int) -> None:
    """Let the post's deadline run from when the first notice was sent."""
    row = session.get(EscalationRow, incident_id)
    if row is not None and row.level == "post":
        write(row, first_sent(standing_of(row), at_ms))
        row.asked = [["post", at_ms]]


def catch_up(session: Session, incident_id: str, at_ms: int) -> None:
    """Hold the escalation of an incident that is decided or over, let it go on where that was taken back.

    Escalated notices that were not sent yet are withdrawn with it: they would say what is not true any more. They
    come back with it, too. The caller has taken its turn.
    """
    row, incident = session.get(EscalationRow, incident_id), session.get(IncidentRow, incident_id)
    if row is None or incident is None:
        return
    before = standing_of(row)
    after = follow(before, is_open(incident), at_ms)
    write(row, after)
    session.flush()
    if after == before and before.level != "nobody":
        return
    if is_open(incident):
        _restore(session, incident_id, at_ms)
    else:
        _withdraw(session, incident_id, CLOSED if incident.decision == "waiting" else DECIDED)


def _withdraw(session: Session, incident_id: str, reason: str) -> None:
    """Set aside the escalated notices that nobody has tried; what is being sent in this moment is sent."""
    gone = session.execute(
        sa.update(OutboxRow)
        .where(OutboxRow.incident_id == incident_id, OutboxRow.notice == "escalated", OutboxRow.state.in_(_NOT_SENT))
        .values(state="superseded", last_error=_MARK + reason)
        .returning(OutboxRow.id)
        .execution_options(synchronize_session=False)
    ).all()
    count_on_commit(session, WITHDRAWN.labels(reason), len(gone))


def _restore(session: Session, incident_id: str, at_ms: int) -> None:
    """Send the escalated notices after all that were withdrawn."""
    session.execute(
        sa.update(OutboxRow)
        .where(OutboxRow.incident_id == incident_id, OutboxRow.notice == "escalated", OutboxRow.state == "superseded")
        .where(OutboxRow.last_error.startswith(_MARK, autoescape=True))
        .values(state="pending", last_error=None, next_at_ms=at_ms)
        .execution_options(synchronize_session=False)
    )


def take_due(session: Session, at_ms: int, limit: int = 50) -> list[tuple[EscalationRow, IncidentRow]]:
    """Lock and return escalations that are due, the longest overdue first; two workers never get the same one.

    The step is taken in the caller's transaction, so the lock ends with it: on PostgreSQL a row that another worker
    holds is skipped, on SQLite writing transactions take turns. A worker that dies leaves nothing half done.
    """
    query = (
        sa.select(EscalationRow, IncidentRow)
        .join(IncidentRow, IncidentRow.id == EscalationRow.incident_id)
        .where(EscalationRow.due_ms <= at_ms, *_OPEN)
        .order_by(EscalationRow.due_ms, EscalationRow.incident_id)
        .limit(limit)
    )
    locked = session.execute(query.with_for_update(skip_locked=True, of=EscalationRow))
    return [(row, incident) for row, incident in locked]


def any_due(session: Session, at_ms: int) -> bool:
    """Whether `take_due` would find one; asked in a reading transaction it spares the write lock."""
    query = sa.select(EscalationRow.incident_id).join(IncidentRow, IncidentRow.id == EscalationRow.incident_id)
    query = query.where(EscalationRow.due_ms <= at_ms, *_OPEN).limit(1)
    return session.scalar(query) is not None


def of_incidents(session: Session, incident_ids: Sequence[str]) -> dict[str, EscalationRow]:
    """Return the escalations of incidents, by incident."""
    rows = session.scalars(sa.select(EscalationRow).where(EscalationRow.incident_id.in_(incident_ids)))
    return {row.incident_id: row for row in rows}


def overdue_of(row: EscalationRow, at_ms: int) -> tuple[Level, ...]:
    """Return the levels whose deadline is over for an undecided incident."""
    return overdue_levels(standing_of(row), at_ms)
