"""Incidents: written from the bus, decided by people, read by the desk."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipeline.bus.records import Incident
from pipeline.store.audit import audit
from pipeline.store.decisions import FINAL, refuse
from pipeline.store.escalations import catch_up
from pipeline.store.places import visible
from pipeline.store.revisions import Change, Known, cameras_of, judge
from pipeline.store.tables import Decision, Document, IncidentRow
from pipeline.store.timeline import add_event, take_turn

Place = tuple[int, str]
"""`(opened_ms, id)` of a row: where the next page begins."""


@dataclass(frozen=True)
class Decided:
    """How a decision went: `ok`, or why not (`unknown_incident`, `decided_meanwhile`, `already_so`); and the row."""

    ok: bool
    reason: str
    row: IncidentRow | None


def record_of(row: IncidentRow) -> Incident:
    """Return the newest bus record of a row."""
    return Incident.model_validate(row.record)


def get(session: Session, incident_id: str) -> IncidentRow | None:
    """Return one incident."""
    return session.get(IncidentRow, incident_id)


def apply_incident(session: Session, incident: Incident, at_ms: int) -> Change:
    """Write what a record of `siaga.incidents` says, and its line in the timeline; older revisions change nothing.

    Args:
        session: A writing transaction.
        incident: The record.
        at_ms: Now.
    """
    take_turn(session)
    row = session.get(IncidentRow, incident.id)
    known = Known(row.revision, row.state, frozenset(cameras_of(record_of(row)))) if row is not None else None
    change = judge(known, incident)
    if not change.applied:
        return change
    if row is None:
        row = IncidentRow(id=incident.id, decision="waiting", decision_note="")
        session.add(row)
    _write(row, incident)
    session.flush()
    detail = {"revision": incident.revision, "score": incident.score, "reason": change.reason}
    if incident.reasons:
        detail["reasons"] = list(incident.reasons)
    add_event(session, incident.id, at_ms, change.effect, {**detail, "camera": incident.camera})
    for camera in change.joined if change.effect != "opened" else ():
        add_event(session, incident.id, at_ms, "witness", {"camera": camera})
    if change.effect == "opened" and incident.state == "closed":
        add_event(
            session,
            incident.id,
            at_ms,
            "closed",
            {"revision": incident.revision, "reason": "closed before it was written"},
        )
    return change


def _write(row: IncidentRow, incident: Incident) -> None:
    """Copy the record's columns; what people decided and when the first notice went out stay."""
    for name in ("kind", "camera", "kelurahan", "state", "revision", "trace", "first_seen_ms", "opened_ms"):
        setattr(row, name, getattr(incident, name))
    for name in ("updated_ms", "closed_ms", "decided_ms", "score"):
        setattr(row, name, getattr(incident, name))
    row.record = incident.model_dump(mode="json", by_alias=True)


def decide(
    session: Session,
    incident_id: str,
    decision: Decision,
    *,
    expected: Decision,
    actor: str,
    at_ms: int,
    note: str = "",
    reason: str | None = None,
    undo: bool = False,
) -> Decided:
    """Decide an incident, unless somebody else decided since the officer looked.

    Args:
        session: A writing transaction.
        incident_id: The incident.
        decision: What is decided.
        expected: The decision that the officer saw.
        actor: Who decides.
        at_ms: Now.
        note: Free text, kept in the timeline.
        reason: Why it was no incident, a word of the desk's list.
        undo: The officer takes their own decision back.
    """
    take_turn(session)
    row = session.get(IncidentRow, incident_id, populate_existing=True)
    if row is None:
        return Decided(False, "unknown_incident", None)
    refused = refuse(row.decision, expected, decision)
    if refused is not None:
        return Decided(False, refused, row)
    detail: Document = {"from": row.decision, "to": decision, "note": note}
    detail |= {"reason": reason} if reason else {}
    detail |= {"undo": True} if undo else {}
    row.decision, row.decision_by, row.decision_ms, row.decision_note = decision, actor, at_ms, note
    row.decision_reason = reason
    add_event(session, incident_id, at_ms, "decided", detail, actor)
    audit(session, actor, "incident.decided", incident_id, detail, at_ms)
    session.flush()
    catch_up(session, incident_id, at_ms)
    return Decided(True, "decided", row)


def list_incidents(
    session: Session,
    *,
    areas: Sequence[str] | None = None,
    open_only: bool = False,
    limit: int = 50,
    before: Place | None = None,
) -> list[IncidentRow]:
    """Return incidents, the newest opening first.

    Args:
        session: Any transaction.
        areas: Codes of kelurahan, kecamatan or kota that may be seen; None = the whole city, empty = none.
        open_only: Only those on which nobody has decided finally (waiting or in hand).
        limit: At most this many.
        before: Only those behind this place (the last row of the page before).
    """
    query = sa.select(IncidentRow).order_by(IncidentRow.opened_ms.desc(), IncidentRow.id.desc()).limit(limit)
    if areas is not None:
        query = query.where(visible(areas))
    if open_only:
        query = query.where(IncidentRow.decision.not_in(FINAL))
    if before is not None:
        query = query.where(sa.tuple_(IncidentRow.opened_ms, IncidentRow.id) < sa.tuple_(*before))
    return list(session.scalars(query))


def count_waiting(session: Session, areas: Sequence[str] | None = None) -> int:
    """Return how many incidents nobody has decided on."""
    query = sa.select(sa.func.count()).select_from(IncidentRow).where(IncidentRow.decision == "waiting")
    if areas is not None:
        query = query.where(visible(areas))
    return session.scalar(query) or 0
