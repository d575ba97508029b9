"""Shift handover: what happened in this shift, what is open, which cameras are down. One page, made to be printed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from fastapi import APIRouter, HTTPException, Query, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from pipeline.desk.areas import scope
from pipeline.desk.context import Desk, Reader, TheDesk, place_of
from pipeline.desk.identity import Person
from pipeline.desk.pages import render
from pipeline.desk.routes.cameras import view_cameras
from pipeline.desk.status import read_state
from pipeline.desk.words import local
from pipeline.store.cameras import list_states
from pipeline.store.decisions import FINAL
from pipeline.store.places import visible
from pipeline.store.tables import IncidentRow
from pipeline.store.timeline import latest_cursor

router = APIRouter()
MOST = 300
"""Most incidents on the page; the newest are kept, and the page says that there were more."""
SINCE = re.compile(r"(?:(\d{4}-\d{2}-\d{2})T)?([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True)
class Line:
    """An incident on the handover page; times are epoch ms."""

    id: str
    kind: str
    place: str
    kelurahan: str
    opened_ms: int
    decision: str
    decided_by: str
    decided_ms: int | None
    note: str

    @property
    def open(self) -> bool:
        """Whether somebody still has to see to it."""
        return self.decision not in FINAL


def shift_start(now_ms: int, zone: ZoneInfo, shifts: Sequence[str]) -> int:
    """Return when the running shift began, epoch ms; `shifts` are times of day "HH:MM" in the city."""
    now = local(now_ms, zone)
    starts = [
        datetime.combine(now.date() - timedelta(days=back), datetime.strptime(time, "%H:%M").time(), zone)
        for time in shifts
        for back in (0, 1)
    ]
    return int(max(start for start in starts if start <= now).timestamp() * 1000)


def since(text: str, now_ms: int, zone: ZoneInfo) -> int:
    """Return the moment that `HH:MM` (its last occurrence) or `YYYY-MM-DDTHH:MM` names in the city, epoch ms.

    Raises:
        ValueError: It names none.
    """
    found = SINCE.fullmatch(text)
    if found is None:
        raise ValueError(f"no time: {text!r}")
    if found.group(1) is None:
        return shift_start(now_ms, zone, [text])
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)


def incidents_since(desk: Desk, person: Person, session: Session, start_ms: int) -> list[Line]:
    """Return what was raised or decided from `start_ms` on and whatever is still open, newest first; `MOST` + 1."""
    query = sa.select(IncidentRow).where(
        sa.or_(
            IncidentRow.opened_ms >= start_ms,
            IncidentRow.decision_ms >= start_ms,
            IncidentRow.decision.not_in(FINAL),
        )
    )
    areas = scope(person.areas)
    if areas is not None:
        query = query.where(visible(areas))
    rows = session.scalars(query.order_by(IncidentRow.opened_ms.desc()).limit(MOST + 1))
    return [_line(desk, row) for row in rows]


def _line(desk: Desk, row: IncidentRow) -> Line:
    camera, ward = desk.registry.cameras.get(row.camera), desk.registry.kelurahan.get(row.kelurahan)
    return Line(
        id=row.id,
        kind=row.kind,
        place=place_of(camera) if camera else row.camera,
        kelurahan=ward.name if ward else row.kelurahan,
        opened_ms=row.opened_ms,
        decision=row.decision,
        decided_by=row.decision_by or "",
        decided_ms=row.decision_ms,
        note=row.decision_note,
    )


@router.get("/serah-terima")
def show_handover(
    request: Request, desk: TheDesk, person: Reader, sejak: Annotated[str, Query(max_length=20)] = ""
) -> Response:
    """Show the handover of the running shift, or since `sejak`.

    Raises:
        HTTPException: 400, when `sejak` is no time.
    """
    now = desk.clock()
    try:
        start = since(sejak, now, desk.zone) if sejak else shift_start(now, desk.zone, desk.settings.desk.shifts)
    except ValueError as error:
        raise HTTPException(400) from error
    with desk.database.reading() as session:
        lines = incidents_since(desk, person, session, start)
        cameras = view_cameras(desk, person, list_states(session))
        cursor, state = latest_cursor(session), read_state(desk, person, session)
    return render(
        request, "handover.html", cursor=cursor, state=state, start_ms=start, more=len(lines) > MOST, cameras=cameras,
        open_lines=[line for line in lines[:MOST] if line.open],
        ended=[line for line in lines[:MOST] if not line.open],
    )  # fmt: skip
