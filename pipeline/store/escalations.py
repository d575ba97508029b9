"""Escalations: which incident waits for somebody to accept it, how far it was told of, and what comes next.

An escalation is written with its incident. It needs no word to stop: a step is due only while the incident's decision
is `waiting`, so any decision anywhere stops it, and one that is taken back lets it go on.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipeline.store.delivery_tables import EscalationRow, Level
from pipeline.store.tables import IncidentRow


def begin(session: Session, incident_id: str, at_ms: int, next_level: Level | None, next_at_ms: int | None) -> None:
    """Start the escalation of an incident that its post was told of at `at_ms`; once."""
    if session.get(EscalationRow, incident_id) is None:
        session.add(
            EscalationRow(
                incident_id=incident_id, level="post", since_ms=at_ms, next_level=next_level, next_at_ms=next_at_ms
            )
        )
        session.flush()


def next_step(session: Session, incident_id: str) -> tuple[Level, int] | None:
    """Return the level that is told next and when, epoch ms; None when somebody decided or nobody is left to tell."""
    row = session.execute(_open().where(EscalationRow.incident_id == incident_id)).first()
    return None if row is None or row.next_level == "nobody" else (row.next_level, row.next_at_ms)


def next_steps(session: Session, incident_ids: list[str]) -> dict[str, tuple[Level, int]]:
    """Return the next step of many incidents, by incident; those without one are left out."""
    rows = session.execute(_open().where(EscalationRow.incident_id.in_(incident_ids)))
    return {row.incident_id: (row.next_level, row.next_at_ms) for row in rows if row.next_level != "nobody"}


def take_due(session: Session, at_ms: int, limit: int = 50) -> list[EscalationRow]:
    """Lock and return escalations whose step is due; two workers never get the same one.

    The step is taken in the caller's transaction, so that the lock ends with it: on PostgreSQL rows that another
    worker holds are skipped, on SQLite writing transactions take turns.
    """
    query = (
        sa.select(EscalationRow)
        .join(IncidentRow, IncidentRow.id == EscalationRow.incident_id)
        .where(IncidentRow.decision == "waiting", EscalationRow.next_at_ms <= at_ms)
        .order_by(EscalationRow.next_at_ms, EscalationRow.incident_id)
        .limit(limit)
    )
    return list(session.scalars(query.with_for_update(skip_locked=True, of=EscalationRow)))


def is_due(session: Session, at_ms: int) -> bool:
    """Whether `take_due` would find one; asked in a reading transaction it spares the write lock."""
    return session.execute(_open().where(EscalationRow.next_at_ms <= at_ms).limit(1)).first() is not None


def move(row: EscalationRow, at_ms: int, next_level: Level | None, next_at_ms: int | None) -> None:
    """Note that a step was taken at `at_ms`."""
    row.level, row.since_ms = row.next_level or row.level, at_ms
    row.next_level, row.next_at_ms = next_level, next_at_ms


def overdue(session: Session) -> dict[Level, int]:
    """Return how many undecided incidents passed the deadline of each level: of the highest one that was told."""
    before: dict[Level, Level] = {"kecamatan": "post", "kota": "kecamatan", "city": "kota", "nobody": "city"}
    counts: dict[Level, int] = dict.fromkeys(before.values(), 0)
    rows = session.execute(
        sa.select(EscalationRow.level, sa.func.count())
        .join(IncidentRow, IncidentRow.id == EscalationRow.incident_id)
        .where(IncidentRow.decision == "waiting", EscalationRow.level != "post")
        .group_by(EscalationRow.level)
    )
    for level, number in rows:
        counts[before[level]] += number
    return counts


def _open() -> Any:
    """Select the steps to come of undecided incidents."""
    return (
        sa.select(EscalationRow.incident_id, EscalationRow.next_level, EscalationRow.next_at_ms)
        .join(IncidentRow, IncidentRow.id == EscalationRow.incident_id)
        .where(IncidentRow.decision == "waiting", EscalationRow.next_at_ms.is_not(None))
    )
