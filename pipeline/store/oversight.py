"""What nobody has dealt with: undecided incidents, posts that no notice reached, decisions as they come.

Reading only; the alert stage's keeper turns it into gauges that Prometheus rules watch.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from pipeline.ops.duty import Deadlines, Level
from pipeline.ops.section import Kind
from pipeline.store.escalation_rules import LEVELS as LEVELS
from pipeline.store.escalation_tables import EscalationRow
from pipeline.store.escalations import overdue_of
from pipeline.store.tables import EventRow, IncidentRow, OutboxRow

BATCH = 500


@dataclass(frozen=True)
class Accepted:
    """A person's first decision on an incident, `after_s` seconds after its first notice was sent."""

    kind: Kind
    kelurahan: str
    after_s: float


def passed(kind: Kind, age_s: float, deadlines: Mapping[Kind, Deadlines]) -> tuple[Level, ...]:
    """Return the levels whose deadline is over for an undecided incident; each begins when the one before ends."""
    limits = deadlines.get(kind, Deadlines())
    gone: list[Level] = []
    for level, limit in zip(LEVELS, (limits.post_s, limits.kecamatan_s, limits.kota_s, limits.city_s), strict=True):
        age_s -= limit
        if age_s < 0:
            break
        gone.append(level)
    return tuple(gone)


def overdue(session: Session, at_ms: int, deadlines: Mapping[Kind, Deadlines]) -> dict[Level, int]:
    """Return how many undecided incidents are past the deadline of each level; every level has a number.

    What counts is how far the escalation has come; an incident without one is judged by its age.
    """
    counts = dict.fromkeys(LEVELS, 0)
    query = sa.select(IncidentRow.kind, IncidentRow.opened_ms, EscalationRow)
    query = query.outerjoin(EscalationRow, EscalationRow.incident_id == IncidentRow.id)
    for kind, opened_ms, row in session.execute(query.where(IncidentRow.decision == "waiting")):
        by_age = passed(kind, (at_ms - opened_ms) / 1000, deadlines) if row is None else ()
        for level in by_age if row is None else overdue_of(row, at_ms):
            counts[level] += 1
    return counts


def unreached_posts(session: Session) -> int:
    """Return how many kelurahan have an undecided incident of which no notice outside the desk got through.

    Only where one failed at least once: a notice that is on its way says nothing yet.
    """
    # What a digest tells has no delivery of its own: it got through when its digest did.
    carrier = aliased(OutboxRow)
    told_by = sa.case((OutboxRow.state == "digested", OutboxRow.digest), else_=OutboxRow.idempotency_key)
    tried = (
        sa.select(OutboxRow.id)
        .join(carrier, carrier.idempotency_key == told_by)
        .where(OutboxRow.incident_id == IncidentRow.id, OutboxRow.notice == "opened", OutboxRow.channel != "desk")
    )
    failed = tried.where(sa.or_(carrier.state == "dead", carrier.last_error.is_not(None)))
    number = session.scalar(
        sa.select(sa.func.count(sa.distinct(IncidentRow.kelurahan)))
        .where(IncidentRow.decision == "waiting", failed.correlate(IncidentRow).exists())
        .where(~tried.where(carrier.state == "sent").correlate(IncidentRow).exists())
    )
    return number or 0


def outbox_rows(session: Session) -> dict[tuple[str, str], int]:
    """Return how many outbox rows there are by channel and state."""
    rows = session.execute(
        sa.select(OutboxRow.channel, OutboxRow.state, sa.func.count()).group_by(OutboxRow.channel, OutboxRow.state)
    )
    return {(channel, state): number for channel, state, number in rows}


def newest_event(session: Session) -> int:
    """Return the number of the newest timeline event, 0 where there is none."""
    return session.scalar(sa.select(sa.func.max(EventRow.id))) or 0


def accepted_since(session: Session, cursor: int) -> tuple[int, list[Accepted]]:
    """Return the first decisions after the event `cursor`, and the new cursor."""
    rows = session.execute(
        sa.select(EventRow, IncidentRow)
        .join(IncidentRow, IncidentRow.id == EventRow.incident_id)
        .where(EventRow.id > cursor, EventRow.what == "decided")
        .order_by(EventRow.id)
        .limit(BATCH)
    )
    found: list[Accepted] = []
    for event, incident in rows:
        cursor = event.id
        if event.detail.get("from") == "waiting" and incident.alerted_ms is not None:
            after_s = max(0, event.at_ms - incident.alerted_ms) / 1000
            found.append(Accepted(incident.kind, incident.kelurahan, after_s))
    return cursor, found
