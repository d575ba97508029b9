"""The wall: every camera of a person's areas with its live still, ordered by what needs eyes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from pipeline.desk.context import Desk, TheDesk, Watcher
from pipeline.desk.identity import Person, Right
from pipeline.desk.pages import render
from pipeline.desk.routes.cameras import CameraView, view_cameras
from pipeline.desk.status import read_state
from pipeline.store.cameras import list_states
from pipeline.store.decisions import FINAL
from pipeline.store.tables import IncidentRow
from pipeline.store.timeline import latest_cursor

router = APIRouter()


@dataclass(frozen=True)
class Tile:
    """A camera on the wall, with the kind and id of the incident that is open before it."""

    camera: CameraView
    kind: str = ""
    incident: str = ""


def order(views: list[CameraView], open_before: Mapping[str, tuple[str, str]]) -> list[Tile]:
    """Return the tiles: cameras that see an open incident, then those that see nothing, then the rest as they come."""
    tiles = [Tile(view, *open_before.get(view.id, ("", ""))) for view in views]
    return sorted(tiles, key=lambda tile: (not tile.incident, not tile.camera.down))


def open_incidents(session: Session, cameras: list[str]) -> dict[str, tuple[str, str]]:
    """Return kind and id of each camera's newest open incident."""
    query = (
        sa.select(IncidentRow.camera, IncidentRow.kind, IncidentRow.id)
        .where(IncidentRow.decision.not_in(FINAL))
        .order_by(IncidentRow.opened_ms)
    )
    mine = set(cameras)
    return {camera: (kind, number) for camera, kind, number in session.execute(query) if camera in mine}


def _values(desk: Desk, person: Person, session: Session) -> dict[str, Any]:
    """Return what the wall's templates use."""
    views = view_cameras(desk, person, list_states(session))
    seen = open_incidents(session, [view.id for view in views]) if person.may(Right.SEE_INCIDENTS) else {}
    return {"tiles": order(views, seen), "live": sum(view.state == "live" for view in views)}


@router.get("/dinding")
def show_wall(request: Request, desk: TheDesk, person: Watcher) -> Response:
    """Show the wall."""
    with desk.database.reading() as session:
        values = _values(desk, person, session)
        cursor, state = latest_cursor(session), read_state(desk, person, session)
    return render(request, "wall.html", cursor=cursor, state=state, **values)


@router.get("/dinding/isi")
def show_tiles(request: Request, desk: TheDesk, person: Watcher) -> Response:
    """Return the tiles alone."""
    with desk.database.reading() as session:
        values = _values(desk, person, session)
    return render(request, "_wall.html", **values)
