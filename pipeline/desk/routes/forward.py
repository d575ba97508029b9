"""Handing an incident to an agency, and saying that it stood on somebody's screen."""

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from pipeline.desk.context import Decider, Desk, TheDesk
from pipeline.desk.routes.incident import IncidentId, Note, answer_decision, find
from pipeline.desk.words import AGENCIES
from pipeline.ops.duty import agency_key
from pipeline.store.areas import serves
from pipeline.store.forwards import Copy, forward, mark_seen
from pipeline.store.incidents import Decided
from pipeline.store.tables import Decision

router = APIRouter()


def copies_for(desk: Desk, agency: str, kind: str, kelurahan: str) -> list[Copy]:
    """Return whom to tell at an agency of a kind in a kelurahan; nobody = it is told by phone.

    A target that the alert section does not have is left out: nobody would deliver to it.
    """
    alert, found = desk.settings.alert, dict[str, Copy]()
    channels = {f"{channel}:{reach.name}": channel for channel, reach in alert.named()}
    for copy in alert.duty.agencies:
        if agency_key(copy.agency) != agency or kind not in copy.kinds or not serves(copy.kelurahan, kelurahan):
            continue
        for target in copy.targets:
            if target in channels:
                found[target] = Copy(target, channels[target], f"forwarded to {copy.agency}, kind {kind}")
    return list(found.values())


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
        row = find(session, person, incident_id)
        return forward(
            session,
            incident_id,
            agency,
            expected=expected,
            actor=person.name,
            at_ms=desk.clock(),
            note=note.strip(),
            registry=desk.registry,
            copies=copies_for(desk, agency, row.kind, row.kelurahan),
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
