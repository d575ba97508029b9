"""The timeline: everything that happened to an incident, in the order in which it was committed.

The desk streams it by cursor. A reader that has seen cursor N may never meet a smaller one later, so on PostgreSQL
(where numbers are drawn before they are committed) writers of incidents take turns by one advisory lock, as they do
on SQLite anyway. Taking it first also gives all of them one order of locks: they cannot deadlock.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipeline.store.areas import within
from pipeline.store.drills_tables import DrillRow
from pipeline.store.places import places_of, visible
from pipeline.store.tables import Document, EventRow, IncidentRow

WRITERS = 0x5349_4147_4102  # PostgreSQL's advisory lock of everyone who writes to incidents
TURN = "siaga turn"
SYSTEM = "siaga"
"""The actor of what no person did."""


@dataclass(frozen=True)
class Event:
    """One line of a timeline; `cursor` rises with every event of the city. `also` are other kelurahan told of it."""

    cursor: int
    incident_id: str
    kelurahan: str
    at_ms: int
    actor: str
    what: str
    detail: Document
    also: tuple[str, ...] = ()


def take_turn(session: Session) -> None:
    """Wait until this transaction is the only one that writes to incidents (SQLite's write lock says so already)."""
    if session.get_bind().dialect.name == "postgresql" and TURN not in session.info:
        session.info[TURN] = True  # a session is one transaction (`Database.session`): the lock is held to its end
        session.execute(sa.select(sa.func.pg_advisory_xact_lock(WRITERS)))


def add_event(
    session: Session, incident_id: str, at_ms: int, what: str, detail: Document | None = None, actor: str = SYSTEM
) -> None:
    """Write one line into an incident's timeline, in the caller's transaction."""
    take_turn(session)
    session.add(EventRow(incident_id=incident_id, at_ms=at_ms, actor=actor, what=what, detail=detail or {}))
    session.flush()


def events_after(session: Session, cursor: int, limit: int = 500, areas: Sequence[str] | None = None) -> list[Event]:
    """Return the events behind `cursor`, oldest first; of the given areas only, where `areas` is not None."""
    query = _events().where(EventRow.id > cursor).order_by(EventRow.id).limit(limit)
    if areas is not None:
        query = query.where(sa.or_(visible(areas), within(DrillRow.post, areas)))
    return _read(session, query)


def events_of(session: Session, incident_id: str) -> list[Event]:
    """Return the whole timeline of one incident, oldest first."""
    return _read(session, _events().where(EventRow.incident_id == incident_id).order_by(EventRow.id))


def latest_cursor(session: Session) -> int:
    """Return the cursor of the newest event, 0 when there is none."""
    return session.scalar(sa.select(sa.func.max(EventRow.id))) or 0


def _events() -> Any:
    """Select events with the kelurahan of their incident or drill (empty while the incident is not written yet)."""
    place = sa.func.coalesce(IncidentRow.kelurahan, DrillRow.post)
    query = sa.select(EventRow, place).outerjoin(IncidentRow, IncidentRow.id == EventRow.incident_id)
    return query.outerjoin(DrillRow, DrillRow.id == EventRow.incident_id)


def _read(session: Session, query: Any) -> list[Event]:
    """Run a query of `_events()`."""
    rows = [(row, kelurahan or "") for row, kelurahan in session.execute(query)]
    also = places_of(session, {row.incident_id for row, _ in rows}) if rows else {}
    return [
        Event(
            row.id,
            row.incident_id,
            kelurahan,
            row.at_ms,
            row.actor,
            row.what,
            row.detail,
            also.get(row.incident_id, ()),
        )
        for row, kelurahan in rows
    ]
