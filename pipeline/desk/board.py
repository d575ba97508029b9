"""Incidents as the desk shows them: the store's rows joined with the registry, in the words of words.py."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipeline.bus.records import Box, Incident
from pipeline.city.registry import Kelurahan
from pipeline.desk.areas import scope
from pipeline.desk.context import Desk, is_simulated, place_of
from pipeline.desk.countdown import Countdown, countdown_of
from pipeline.desk.flooding import Flooding, flooding_of
from pipeline.desk.identity import Person, Right
from pipeline.desk.need import by_need
from pipeline.desk.words import sureness
from pipeline.store.decisions import FINAL, IN_HAND
from pipeline.store.escalation_tables import EscalationRow
from pipeline.store.escalations import of_incidents
from pipeline.store.incidents import list_incidents, record_of
from pipeline.store.places import visible
from pipeline.store.tables import EvidenceRow, IncidentRow, OutboxRow

UNDO_MS = 30_000
STILL_LATE_MS = 60_000  # stills and clips come within seconds of what they show; after this none is promised any more
CLIP_LATE_MS = 180_000
MOST = 200  # incidents on one board; more than this is a catastrophe that no list helps with


@dataclass(frozen=True)
class Picture:
    """A still or clip that can be shown: its row's number, what it was made from, the boxes drawn on it (0..1)."""

    id: int
    camera: str
    made_from: str
    boxes: tuple[Box, ...] = ()


@dataclass(frozen=True)
class Card:
    """One incident on the desk. Times are epoch ms; `version` changes whenever anything shown changes."""

    id: str
    kind: str
    camera: str
    place: str
    kelurahan: str
    kecamatan: str
    simulated: bool
    decision: str
    decision_by: str | None
    decision_ms: int | None
    decision_note: str
    decision_reason: str | None
    first_seen_ms: int
    opened_ms: int
    closed_ms: int | None
    alert_s: float | None
    score: float
    sure: str
    witnesses: tuple[str, ...]
    still: Picture | None
    clip: Picture | None
    still_late: bool
    clip_late: bool
    may_decide: bool
    undo_until_ms: int | None
    countdown: Countdown | None = None
    flooding: Flooding | None = None
    version: str = ""


def _boxes(record: Incident) -> tuple[Box, ...]:
    """Return the boxes of what the incident is about; people and other things that the detector saw are left out."""
    return tuple(detection.box for detection in record.boxes if detection.label in ("fire", "smoke", record.kind))


@dataclass(frozen=True)
class Kept:
    """What is kept of one incident: its stills and clips, and by camera the boxes of the frame each still shows."""

    rows: tuple[EvidenceRow, ...] = ()
    boxes: Mapping[str, tuple[Box, ...]] = field(default_factory=dict)

    def newest(self, kind: str, camera: str) -> EvidenceRow | None:
        """Return the newest still or clip that was not removed, of the incident's own camera where there is one."""
        here = [row for row in self.rows if row.kind == kind and row.removed_ms is None]
        return min(here, key=lambda row: (row.camera != camera, -row.id), default=None)


def _still(kept: Kept, camera: str, record: Incident) -> Picture | None:
    """Return the still with the boxes of its own frame; the record's serve only where none were kept for it."""
    row = kept.newest("still", camera)
    if row is None:
        return None
    spare = _boxes(record) if row.camera == camera else ()
    return Picture(row.id, row.camera, row.made_from, kept.boxes.get(row.camera, spare))


def _clip(kept: Kept, camera: str) -> Picture | None:
    """Return the clip."""
    row = kept.newest("clip", camera)
    return Picture(row.id, row.camera, row.made_from) if row is not None else None


def _undo_until(row: IncidentRow, person: Person, now: int) -> int | None:
    """Return until when this person may take their own decision back; None when there is nothing to take back."""
    if row.decision == "waiting" or row.decision_by != person.name or row.decision_ms is None:
        return None
    until = row.decision_ms + UNDO_MS
    return until if now < until and person.may(Right.DECIDE) else None


def threshold_of(desk: Desk, row: IncidentRow) -> float:
    """Return the score, 0..1, from which a frame of this camera speaks for this kind, as configured now."""
    confirm = desk.settings.confirm
    own = [rule.threshold for rule in confirm.cameras.get(row.camera, ()) if rule.kind == row.kind]
    kind = confirm.kinds.get(row.kind)
    return next((value for value in own if value is not None), kind.threshold if kind else 0.5)


def close_threshold_of(desk: Desk, row: IncidentRow) -> float:
    """Return the score, 0..1, below which a frame of this camera speaks against this kind; never above the other."""
    confirm = desk.settings.confirm
    own = [rule.close_threshold for rule in confirm.cameras.get(row.camera, ()) if rule.kind == row.kind]
    kind = confirm.kinds.get(row.kind)
    close = next((value for value in own if value is not None), kind.close_threshold if kind else 0.25)
    return min(close, threshold_of(desk, row))


def card_of(desk: Desk, person: Person, row: IncidentRow, kept: Kept, escalation: EscalationRow | None = None) -> Card:
    """Make the card of one incident for one person."""
    record = record_of(row)
    camera = desk.registry.cameras.get(row.camera)
    ward = desk.registry.kelurahan.get(row.kelurahan, Kelurahan(row.kelurahan, row.kelurahan, "", "", 0, 0))
    witnesses = tuple(dict.fromkeys((row.camera, *(witness.camera for witness in record.witnesses))))
    card = Card(
        id=row.id,
        kind=row.kind,
        camera=row.camera,
        place=place_of(camera) if camera else row.camera,
        kelurahan=ward.name,
        kecamatan=ward.kecamatan,
        simulated=is_simulated(camera),
        decision=row.decision,
        decision_by=row.decision_by,
        decision_ms=row.decision_ms,
        decision_note=row.decision_note,
        decision_reason=row.decision_reason,
        first_seen_ms=row.first_seen_ms,
        opened_ms=row.opened_ms,
        closed_ms=row.closed_ms,
        alert_s=(row.alerted_ms - row.first_seen_ms) / 1000 if row.alerted_ms is not None else None,
        score=row.score,
        sure=sureness(row.score, threshold_of(desk, row), len(witnesses)),
        witnesses=witnesses,
        still=_still(kept, row.camera, record),
        clip=_clip(kept, row.camera),
        still_late=desk.clock() - row.opened_ms > STILL_LATE_MS,
        clip_late=desk.clock() - row.opened_ms > CLIP_LATE_MS,
        may_decide=person.may(Right.DECIDE),
        undo_until_ms=_undo_until(row, person, desk.clock()),
        countdown=countdown_of(escalation, row, desk.registry.kelurahan.get(row.kelurahan), person.areas),
        flooding=flooding_of(record.water),
    )
    return _versioned(card)


def _versioned(card: Card) -> Card:
    """Return the card with a hash of all it shows."""
    text = json.dumps(
        {**card.__dict__, **{name: repr(card.__dict__[name]) for name in ("still", "clip", "flooding", "countdown")}},
        sort_keys=True,
    )
    return Card(**{**card.__dict__, "version": hashlib.sha256(text.encode()).hexdigest()[:16]})


@dataclass(frozen=True)
class Board:
    """The inbox of one person: what waits for a decision, what is in hand, what they closed within the last 30 s."""

    waiting: tuple[Card, ...]
    accepted: tuple[Card, ...]
    just_closed: tuple[Card, ...]


def read_board(desk: Desk, person: Person, session: Session) -> Board:
    """Read a person's inbox: the largest need first, in hand the newest first."""
    areas = scope(person.areas)
    rows = list_incidents(session, areas=areas, open_only=True, limit=MOST)
    closed = sa.select(IncidentRow).where(
        IncidentRow.decision.in_(FINAL),
        IncidentRow.decision_by == person.name,
        IncidentRow.decision_ms > desk.clock() - UNDO_MS,
    )
    if areas is not None:
        closed = closed.where(visible(areas))
    rows += session.scalars(closed.order_by(IncidentRow.decision_ms.desc()))
    kept = _kept(session, [row.id for row in rows])
    rising = of_incidents(session, [row.id for row in rows if row.decision == "waiting"])
    cards = [card_of(desk, person, row, kept[row.id], rising.get(row.id)) for row in rows]
    return Board(
        tuple(by_need([card for card in cards if card.decision == "waiting"])),
        tuple(card for card in cards if card.decision in IN_HAND),
        tuple(card for card in cards if card.decision in FINAL),
    )


def read_card(desk: Desk, person: Person, session: Session, row: IncidentRow) -> Card:
    """Make the card of one incident for one person."""
    rising = of_incidents(session, [row.id])
    return card_of(desk, person, row, _kept(session, [row.id])[row.id], rising.get(row.id))


def _kept(session: Session, ids: Sequence[str]) -> Mapping[str, Kept]:
    """Read what is kept of many incidents, in two queries."""
    rows: dict[str, list[EvidenceRow]] = {id_: [] for id_ in ids}
    boxes: dict[str, dict[str, tuple[Box, ...]]] = {id_: {} for id_ in ids}
    for row in session.scalars(sa.select(EvidenceRow).where(EvidenceRow.incident_id.in_(ids))):
        rows[row.incident_id].append(row)
    stills = sa.select(OutboxRow.incident_id, OutboxRow.payload).where(OutboxRow.notice == "still")
    for incident_id, payload in session.execute(stills.where(OutboxRow.incident_id.in_(ids))):
        if "boxes" in payload:
            boxes[incident_id][payload["camera"]] = tuple(tuple(box) for box in payload["boxes"])
    return {id_: Kept(tuple(rows[id_]), boxes[id_]) for id_ in ids}
