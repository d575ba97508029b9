"""One incident: what is known of it, and what is decided."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, HTTPException, Path, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from pipeline.city.levels import area_names
from pipeline.desk.board import UNDO_MS, close_threshold_of, read_card, threshold_of
from pipeline.desk.chart import Chart, draw
from pipeline.desk.context import Decider, Desk, Reader, TheDesk, is_simulated, place_of
from pipeline.desk.i18n import mark, translate
from pipeline.desk.identity import Person
from pipeline.desk.maps import incident_pins
from pipeline.desk.metrics import DECISIONS, REFUSED
from pipeline.desk.nearby import nearby
from pipeline.desk.pages import is_part, language_of, render
from pipeline.desk.scores import EXTENT, ScoreKeeper, Span, span_of
from pipeline.desk.status import read_state
from pipeline.desk.story import Reader as Reads
from pipeline.desk.story import reason_line, timeline
from pipeline.desk.words import DECISION_WORDS, FALSE_REASONS, clock_text
from pipeline.store.forwards import take_back
from pipeline.store.incidents import Decided, decide, get, record_of
from pipeline.store.places import places_of
from pipeline.store.tables import Decision, IncidentRow
from pipeline.store.timeline import events_of, latest_cursor

router = APIRouter()
IncidentId = Annotated[str, Path(max_length=120)]
Wanted = Literal["coordination", "disposition", "accepted", "done", "false_alarm"]
Note = Annotated[str, Form(max_length=500)]
SAID = mark(
    {
        "accepted": "Diterima. Anda menangani ini.",
        "coordination": "Dicatat: koordinasi.",
        "disposition": "Dicatat: disposisi.",
        "done": "Selesai.",
        "false_alarm": "Dicatat sebagai bukan kejadian.",
        "waiting": "Dibatalkan. Kejadian kembali menunggu.",
    }
)
TAKEN = mark("Sudah diputuskan: {decision} oleh {actor} pukul {at}. Putusan Anda tidak dipakai.")
TOO_LATE = mark("Sudah lewat 30 detik, atau orang lain sudah memutuskan: tidak bisa dibatalkan lagi.")


@dataclass(frozen=True)
class WitnessView:
    """A camera that saw the incident, by its name; epoch ms."""

    name: str
    first_seen_ms: int
    simulated: bool


@dataclass(frozen=True)
class ScoresView:
    """The chart of an incident's scores, names of its cameras, whether it is all; `version` changes with it."""

    chart: Chart | None
    names: Mapping[str, str]
    outcome: str
    version: str


def find(session: Session, person: Person, incident_id: str) -> IncidentRow:
    """Return an incident within the person's areas.

    Raises:
        HTTPException: 404; also where it exists elsewhere, so that nobody learns of it by asking.
    """
    row = get(session, incident_id)
    if row is None or not (person.sees(row.kelurahan) or _told_beside(session, person, incident_id)):
        if row is not None:
            REFUSED.labels("area").inc()
        raise HTTPException(404)
    return row


def _told_beside(session: Session, person: Person, incident_id: str) -> bool:
    """Say whether a neighbouring kelurahan within the person's areas was told of an incident."""
    return any(person.sees(place) for place in places_of(session, [incident_id]).get(incident_id, ()))


def _values(request: Request, desk: Desk, person: Person, session: Session, incident_id: str) -> dict[str, Any]:
    """Return what the incident's templates use."""
    row = find(session, person, incident_id)
    record, cameras, reader = record_of(row), desk.registry.cameras, _reader(request, desk)
    seen = [(witness.camera, witness.first_seen_ms) for witness in record.witnesses]
    return {
        "item": read_card(desk, person, session, row),
        "threshold": threshold_of(desk, row),
        "witnesses": [
            WitnessView(reader.cameras.get(camera, camera), first_ms, is_simulated(cameras.get(camera)))
            for camera, first_ms in seen or [(row.camera, row.first_seen_ms)]
        ],
        "pins": incident_pins(row, desk.registry, seen, desk.cameras_of(person), reader.t),
        "near": nearby(cameras.get(row.camera), {camera for camera, _ in seen}, desk.cameras_of(person)),
        "model": f"{record.model.name} {record.model.version} ({record.model.sha8})" if record.model else "",
        "reasons": [reason_line(reason, reader) for reason in record.reasons],
        "steps": timeline(events_of(session, row.id), row.camera, row.first_seen_ms, reader),
    }


def _reader(request: Request, desk: Desk) -> Reads:
    """Return who reads this page: language and names."""
    language = language_of(request)
    return Reads(
        language,
        partial(translate, language),
        {camera.id: place_of(camera) for camera in desk.registry.cameras.values()},
        area_names(desk.registry),
    )


def _scores(request: Request, desk: Desk, person: Person, incident_id: str) -> ScoresView:
    """Return the chart of the scores; it may wait for the bus for a second, so no transaction is open meanwhile."""
    with desk.database.reading() as session:
        row = find(session, person, incident_id)
        span, first_ms = span_of(row, desk.clock()), row.first_seen_ms
        opening, keeping = threshold_of(desk, row), close_threshold_of(desk, row)
    keeper: ScoreKeeper = request.app.state.scores
    scores = keeper.get(span)
    points = {camera: scores.points.get(camera, []) for camera in span.cameras}
    extents = {camera: scores.points.get(camera + EXTENT, []) for camera in span.cameras}
    chart = draw(points, opening, keeping, span.start_ms, _end(span, scores.through_ms), first_ms, extents)
    count = sum(len(own) for own in points.values())
    names = _reader(request, desk).cameras
    return ScoresView(
        chart, {camera: names.get(camera, camera) for camera in points}, scores.outcome, f"{count} {scores.outcome}"
    )


def _end(span: Span, through_ms: int) -> int:
    """Return where the chart ends: what is not read yet is not drawn as if nothing had been seen."""
    return min(span.end_ms, max(through_ms, span.start_ms))


@router.get("/kejadian/{incident_id}")
def show_incident(request: Request, desk: TheDesk, person: Reader, incident_id: IncidentId) -> Response:
    """Show the page of one incident."""
    scores = _scores(request, desk, person, incident_id)
    with desk.database.reading() as session:
        values = {"scores": scores, **_values(request, desk, person, session, incident_id)}
        values |= {"cursor": latest_cursor(session), "state": read_state(desk, person, session)}
    return render(request, "incident.html", **values)


@router.get("/kejadian/{incident_id}/isi")
def show_parts(request: Request, desk: TheDesk, person: Reader, incident_id: IncidentId) -> Response:
    """Return the parts of the page of one incident alone."""
    scores = _scores(request, desk, person, incident_id)
    with desk.database.reading() as session:
        values = {"scores": scores, **_values(request, desk, person, session, incident_id)}
    return render(request, "_incident.html", **values)


@router.post("/kejadian/{incident_id}/putusan")
def post_decision(
    request: Request,
    desk: TheDesk,
    person: Decider,
    incident_id: IncidentId,
    decision: Annotated[Wanted, Form()],
    expected: Annotated[Decision, Form()],
    reason: Annotated[str, Form(max_length=40)] = "",
    note: Note = "",
) -> Response:
    """Accept, finish or dismiss an incident, unless somebody decided since the officer looked (409)."""
    if decision == "false_alarm" and reason not in FALSE_REASONS:
        raise HTTPException(422)
    why = reason if decision == "false_alarm" else None

    def work(session: Session) -> Decided:
        find(session, person, incident_id)
        return decide(
            session,
            incident_id,
            decision,
            expected=expected,
            actor=person.name,
            at_ms=desk.clock(),
            note=note.strip(),
            reason=why,
        )

    outcome = desk.database.transact(work)
    return answer_decision(request, desk, person, outcome, decision)


@router.post("/kejadian/{incident_id}/batal")
def post_undo(
    request: Request,
    desk: TheDesk,
    person: Decider,
    incident_id: IncidentId,
    decided_ms: Annotated[int, Form(ge=0)],
) -> Response:
    """Take the own decision back within 30 s, if it still stands; the incident is again as it was before."""

    def work(session: Session) -> Decided:
        row = find(session, person, incident_id)
        before = _before(session, row)
        mine = row.decision_by == person.name and row.decision_ms == decided_ms
        if before is None or not mine or desk.clock() - decided_ms > UNDO_MS:
            return Decided(False, "too_late", row)
        back, now = row.decision, desk.clock()
        undone = decide(session, incident_id, before, expected=back, actor=person.name, at_ms=now, undo=True)
        if undone.ok and back == "disposition":
            take_back(session, incident_id, decided_ms, person.name, now)
        return undone

    return answer_decision(request, desk, person, desk.database.transact(work), "waiting")


def _before(session: Session, row: IncidentRow) -> Decision | None:
    """Return what the incident was before its last decision; None when that was a taking back, or none."""
    decided = [event for event in events_of(session, row.id) if event.what == "decided"]
    if not decided or decided[-1].detail.get("undo"):
        return None
    before: Decision = decided[-1].detail["from"]
    return before


def answer_decision(request: Request, desk: Desk, person: Person, outcome: Decided, wanted: Decision) -> Response:
    """Tell what became of a decision: the page's script gets a note, a plain form goes back to the inbox."""
    row = outcome.row
    if row is None:
        raise HTTPException(404)
    # The same decision twice by the same person is one: the answer to the first was lost on the way.
    again = not outcome.ok and row.decision == wanted and row.decision_by == person.name
    DECISIONS.labels(wanted, "ok" if outcome.ok else "repeated" if again else outcome.reason).inc()
    if outcome.ok or again:
        if not is_part(request):
            return RedirectResponse("/", 303)
        with desk.database.reading() as session:
            item = read_card(desk, person, session, row)
        return render(request, "_note.html", text=SAID[row.decision], values={}, item=item)
    language = language_of(request)
    values = {
        "decision": translate(language, DECISION_WORDS[row.decision]),
        "actor": row.decision_by or "-",
        "at": _at(desk, row),
    }
    text = TOO_LATE if outcome.reason == "too_late" else TAKEN
    template = "_note.html" if is_part(request) else "error.html"
    return render(request, template, 409, text=text, values=values)


def _at(desk: Desk, row: IncidentRow) -> str:
    """Return when the standing decision was made, as a time of day."""
    return clock_text(row.decision_ms or 0, desk.zone, desk.clock(), seconds=True)
