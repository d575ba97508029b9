"""The map of a person's areas: cameras by state and category, open incidents by kind, kelurahan."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from pipeline.desk.areas import scope
from pipeline.desk.assets import packed
from pipeline.desk.context import Desk, TheDesk, Watcher, place_of
from pipeline.desk.finding import CATEGORY_WORDS
from pipeline.desk.i18n import translate
from pipeline.desk.identity import Person, Right
from pipeline.desk.maps import LETTERS, PLAIN, SIGNS, CityMap, camera_table, ward_name
from pipeline.desk.pages import language_of, render
from pipeline.desk.routes.cameras import view_cameras
from pipeline.desk.status import read_state
from pipeline.store.areas import within
from pipeline.store.cameras import list_states
from pipeline.store.decisions import FINAL
from pipeline.store.tables import IncidentRow
from pipeline.store.timeline import latest_cursor

router = APIRouter()
MOST_DOWN = 40
"""Cameras that are down and named beside the map; all of them are marked on it."""


@dataclass(frozen=True)
class Spot:
    """An open incident where its camera stands, or at the kelurahan's centroid; `since_ms` epoch ms."""

    id: str
    kind: str
    place: str
    kelurahan: str
    lat: float
    lng: float
    decision: str
    since_ms: int


def spots_of(desk: Desk, person: Person, session: Session) -> list[Spot]:
    """Return the open incidents of a person's areas that have a place, newest first."""
    query = sa.select(IncidentRow).where(IncidentRow.decision.not_in(FINAL)).order_by(IncidentRow.opened_ms.desc())
    areas = scope(person.areas)
    if areas is not None:
        query = query.where(within(IncidentRow.kelurahan, areas))
    found = []
    for row in session.scalars(query):
        camera, ward = desk.registry.cameras.get(row.camera), desk.registry.kelurahan.get(row.kelurahan)
        spot = camera or ward
        if spot is not None:
            name = place_of(camera) if camera else row.camera
            found.append(
                Spot(row.id, row.kind, name, ward_name(desk.registry, row.kelurahan), spot.lat, spot.lng,
                     row.decision, row.opened_ms)
            )  # fmt: skip
    return found


def _values(desk: Desk, person: Person, session: Session) -> dict[str, Any]:
    """Return what changes on the map."""
    views = view_cameras(desk, person, list_states(session))
    states: dict[str, list[str]] = {}
    for view in views:
        if view.state != "live":
            states.setdefault(view.state, []).append(view.id)
    return {
        "spots": spots_of(desk, person, session) if person.may(Right.SEE_INCIDENTS) else [],
        "states": states,
        "down": [view for view in views if view.down],
        "most": MOST_DOWN,
        "live": sum(view.state == "live" for view in views),
        "n": len(views),
    }


@router.get("/peta")
def show_map(request: Request, desk: TheDesk, person: Watcher) -> Response:
    """Show the map."""
    with desk.database.reading() as session:
        values = _values(desk, person, session)
        cursor, state = latest_cursor(session), read_state(desk, person, session)
    legend: dict[str, Any] = {"categories": CATEGORY_WORDS, "letters": LETTERS, "plain": PLAIN, "signs": SIGNS}
    return render(request, "map.html", cursor=cursor, state=state, **legend, **values)


@router.get("/peta/isi")
def show_now(request: Request, desk: TheDesk, person: Watcher) -> Response:
    """Return what changes on the map alone: open incidents, and the cameras that are not live."""
    with desk.database.reading() as session:
        values = _values(desk, person, session)
    return render(request, "_map_now.html", **values)


@router.get("/peta/kamera.json")
def read_cameras(request: Request, desk: TheDesk, person: Watcher) -> Response:
    """Return the cameras of a person's areas, without their addresses."""
    say = partial(translate, language_of(request))
    return packed(request, camera_table(desk.cameras_of(person), partial(ward_name, desk.registry), say))


@router.get("/peta/batas.json")
def read_outlines(request: Request, desk: TheDesk, person: Watcher) -> Response:
    """Return the outlines of the kelurahan of a person's areas."""
    city: CityMap = request.app.state.city_map
    return packed(request, city.outlines(tuple(sorted(person.areas))))
