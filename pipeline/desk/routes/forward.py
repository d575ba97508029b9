"""Handing an incident to an agency, and saying that it stood on somebody's screen."""

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from pipeline.desk.context import Decider, Desk, TheDesk
from pipeline.desk.routes.incident import IncidentId, Note, answer_decision, find
from pipeline.desk.words import AGENCIES
from pipeline.store.forwards import How, forward, mark_seen
from pipeline.store.incidents import Decided
from pipeline.store.tables import Decision

router = APIRouter()


def how_told(desk: Desk, agency: str, kind: str) -> How:
    """Return how an agency learns of a kind: by its configured copy of the notices, else by phone."""
    for copy in desk.settings.alert.duty.agencies:
        if copy.agency.casefold() == AGENCIES[agency].casefold() and (not copy.kinds or kind in copy.kinds):
            return "copy"
    return "phone"


@router.post("/kejadian/{incident_id}/terusan")
def post_forward(
    request: Request,
    desk: TheDesk,
    person: Decider,
    incident_id: IncidentId,
    agency: Annotated[str, Form(max_length=20)],
    expected: Annotated[Decision, Form()],
    note: Note = "",
) -> Response:
    """Forward an incident (Disposisi), unless somebody decided since the officer looked (409)."""
    if agency not in AGENCIES:
        raise HTTPException(422)

    def work(session: Session) -> Decided:
        kind = find(session, person, incident_id).kind
        return forward(
            session,
            incident_id,
            agency,
            expected=expected,
            actor=person.name,
            at_ms=desk.clock(),
            note=note.strip(),
            how=how_told(desk, agency, kind),
        )

    return answer_decision(request, desk, person, desk.database.transact(work), "disposition")


@router.post("/kejadian/{incident_id}/dilihat")
def post_seen(desk: TheDesk, person: Decider, incident_id: IncidentId) -> Response:
    """Note once that the incident stood on this person's screen."""

    def work(session: Session) -> bool:
        find(session, person, incident_id)
        return mark_seen(session, incident_id, person.name, desk.clock())

    desk.database.transact(work)
    return Response(status_code=204)
