"""The cameras of a person's areas with their states in plain words; what needs eyes comes first."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from pipeline.desk.context import Desk, TheDesk, Watcher, is_simulated, place_of
from pipeline.desk.identity import Person
from pipeline.desk.pages import render
from pipeline.desk.status import UNWATCHED, read_state
from pipeline.ops.redact import redact_text
from pipeline.store.cameras import CameraState, list_states
from pipeline.store.timeline import latest_cursor

router = APIRouter()


@dataclass(frozen=True)
class CameraView:
    """One camera as shown. `since_ms` is epoch ms, None when no grabber has spoken of it."""

    id: str
    name: str
    kelurahan: str
    state: str
    since_ms: int | None
    reason: str
    simulated: bool

    @property
    def down(self) -> bool:
        """Whether a fire before it would not be seen."""
        return self.state in UNWATCHED


def view_cameras(desk: Desk, person: Person, states: Mapping[str, CameraState]) -> list[CameraView]:
    """Return a person's cameras: those that are down first, then those that connect, then the live ones."""
    views = []
    for camera in desk.cameras_of(person):
        state = states.get(camera.id)
        ward = desk.registry.kelurahan.get(camera.kelurahan)
        views.append(
            CameraView(
                id=camera.id,
                name=place_of(camera),
                kelurahan=ward.name if ward else camera.kelurahan,
                state=state.state if state else "unknown",
                since_ms=state.since_ms if state else None,
                reason=redact_text(state.reason) if state else "",
                simulated=is_simulated(camera),
            )
        )
    return sorted(views, key=lambda view: (not view.down, view.state == "live", view.name))


def _values(desk: Desk, views: list[CameraView]) -> dict[str, Any]:
    """Return what the cameras' templates use."""
    return {"cameras": views, "live": sum(1 for view in views if view.state == "live")}


@router.get("/kamera")
def show_cameras(request: Request, desk: TheDesk, person: Watcher) -> Response:
    """Show all cameras of the person's areas."""
    with desk.database.reading() as session:
        views = view_cameras(desk, person, list_states(session))
        cursor, state = latest_cursor(session), read_state(desk, person, session)
    return render(request, "cameras.html", cursor=cursor, state=state, **_values(desk, views))


@router.get("/kamera/isi")
def show_camera_list(request: Request, desk: TheDesk, person: Watcher) -> Response:
    """Return the list of cameras alone."""
    with desk.database.reading() as session:
        views = view_cameras(desk, person, list_states(session))
    return render(request, "_cameras.html", **_values(desk, views))
