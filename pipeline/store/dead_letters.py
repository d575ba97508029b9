"""Dead letters: outbox rows that were given up, sent again by a person; rows whose target left the configuration."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipeline.store.areas import within
from pipeline.store.audit import audit
from pipeline.store.drills_tables import DrillRow
from pipeline.store.outbox import concerned
from pipeline.store.tables import IncidentRow, OutboxRow
from pipeline.store.timeline import add_event, take_turn


def resend(session: Session, row_id: int, at_ms: int, actor: str) -> bool:
    """Put a dead row back as pending, its key and payload unchanged; False when it is not dead.

    Who asked for it stands in the timeline and in the audit. The waits and the time to give up begin anew.
    """
    take_turn(session)
    row = session.get(OutboxRow, row_id, populate_existing=True)
    if row is None or row.state != "dead":
        return False
    row.state, row.next_at_ms, row.created_ms, row.attempts = "pending", at_ms, at_ms, 0
    detail = {"notice": row.notice, "target": row.target}
    for incident_id in concerned(session, row):
        add_event(session, incident_id, at_ms, "resent", detail, actor)
    audit(session, actor, "outbox.resent", row.incident_id, {**detail, "key": row.idempotency_key}, at_ms)
    return True


@dataclass(frozen=True)
class Letter:
    """A row that was given up, with the incident it tells of (None: a drill or test) and the kelurahan it concerns."""

    row: OutboxRow
    incident: IncidentRow | None
    place: str


def letters(
    session: Session, areas: Sequence[str] | None = None, limit: int = 200, target: str | None = None
) -> list[Letter]:
    """Return the rows that were given up, the newest first.

    Args:
        session: Any transaction.
        areas: Only of incidents and drills within these; None = the whole city.
        limit: At most this many.
        target: Only for this target; None = for all.
    """
    query = (
        sa.select(OutboxRow, IncidentRow, DrillRow.post)
        .outerjoin(IncidentRow, IncidentRow.id == OutboxRow.incident_id)
        .outerjoin(DrillRow, DrillRow.id == OutboxRow.incident_id)
        .where(OutboxRow.state == "dead")
    )
    if areas is not None:
        query = query.where(sa.or_(within(IncidentRow.kelurahan, areas), within(DrillRow.post, areas)))
    if target is not None:
        query = query.where(OutboxRow.target == target)
    rows = session.execute(query.order_by(OutboxRow.id.desc()).limit(limit))
    return [Letter(row, incident, incident.kelurahan if incident else post or "") for row, incident, post in rows]


def place_of(session: Session, row_id: int) -> str | None:
    """Return the kelurahan that a row concerns, empty where it has none; None when there is no such row."""
    row = session.get(OutboxRow, row_id)
    if row is None:
        return None
    incident, drill = session.get(IncidentRow, row.incident_id), session.get(DrillRow, row.incident_id)
    return incident.kelurahan if incident is not None else drill.post if drill is not None else ""


def orphans(session: Session, channels: Collection[str], targets: Collection[str], limit: int = 200) -> list[OutboxRow]:
    """Return rows that wait for a target which nobody serves: it, or its whole channel, left the configuration.

    Args:
        session: Any transaction.
        channels: Channels of which every target is served.
        targets: The targets that are served of all others.
        limit: At most this many.
    """
    query = sa.select(OutboxRow).where(OutboxRow.state == "pending", OutboxRow.channel.not_in(channels))
    return list(session.scalars(query.where(OutboxRow.target.not_in(targets)).order_by(OutboxRow.id).limit(limit)))
