"""Drills (latihan) and tests (uji coba): the running ones on every page, accepting one, and the page of all posts."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from pipeline.desk.areas import scope
from pipeline.desk.context import Decider, Reader, TheDesk
from pipeline.desk.drills import SHOWN, overview, running_view
from pipeline.desk.i18n import mark
from pipeline.desk.metrics import REFUSED
from pipeline.desk.pages import is_part, render
from pipeline.desk.status import read_state
from pipeline.store import drills
from pipeline.store.drills import Answered
from pipeline.store.timeline import latest_cursor

router = APIRouter()
BACK_MS = 70 * 86_400_000
"""The page looks back over ten weeks of drills."""
SAID = mark(
    {
        "answered": "Latihan diterima. Ini bukan kejadian.",
        "answered_already": "Sudah diterima oleh {actor}.",
        "over": "Latihan ini sudah berakhir.",
    }
)
OUTCOMES = mark(
    {
        "missed": "Tidak menjawab latihan terakhir",
        "running": "Sedang berlangsung",
        "accepted": "Menjawab",
        "skipped": "Dilewati: ada kejadian yang menunggu",
    }
)
WORDS = mark(
    {
        "missed": "tidak menjawab",
        "running": "berlangsung",
        "accepted": "{time} · {by}",
        "skipped": "dilewati",
    }
)


@router.get("/latihan")
def show_drills(request: Request, desk: TheDesk, person: Reader) -> Response:
    """Show how the posts of the person's areas answered their last drills."""
    now, areas = desk.clock(), scope(person.areas)
    with desk.database.reading() as session:
        rows = drills.latest(session, areas, now - BACK_MS)
        active = running_view(drills.running(session, areas, now), desk.registry.kelurahan)
        cursor, state = latest_cursor(session), read_state(desk, person, session)
    return render(
        request, "drills.html", cursor=cursor, state=state, seen=overview(rows, desk.registry.kelurahan, now),
        active=active, section=desk.settings.alert.drill, outcomes=OUTCOMES, told=WORDS,
    )  # fmt: skip


@router.get("/latihan/berjalan")
def show_running(request: Request, desk: TheDesk, person: Reader) -> Response:
    """Return what can be accepted now, for the head of every page."""
    with desk.database.reading() as session:
        rows = drills.running(session, scope(person.areas), desk.clock())
    active = running_view(rows, desk.registry.kelurahan)
    return render(request, "_drills.html", active=active, shown=SHOWN)


@router.post("/latihan/{drill_id}/terima")
def post_accept(
    request: Request, desk: TheDesk, person: Decider, drill_id: Annotated[str, Path(max_length=120)]
) -> Response:
    """Accept a drill or test for its post; 409 when somebody else was first or its time is over.

    Raises:
        HTTPException: 404, also for a post outside the person's areas.
    """

    def work(session: Session) -> Answered:
        row = drills.find(session, drill_id)
        if row is None or not person.sees(row.post):
            REFUSED.labels("area" if row is not None else "unknown").inc()
            raise HTTPException(404)
        return drills.answer(session, drill_id, person.name, desk.clock())

    outcome = desk.database.transact(work)
    if outcome.row is None:
        raise HTTPException(404)
    again = outcome.reason == "answered_already" and outcome.row.answered_by == person.name
    if (outcome.ok or again) and not is_part(request):
        return RedirectResponse("/latihan", 303)
    text = SAID["answered" if again else outcome.reason]
    template = "_note.html" if is_part(request) else "error.html"
    values = {"actor": outcome.row.answered_by or ""}
    return render(request, template, 200 if outcome.ok or again else 409, text=text, values=values)
