"""The inbox: what needs a decision now, what is in hand, and the lines that every page carries."""

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from pipeline.desk.board import read_board
from pipeline.desk.context import Reader, TheDesk, ThePerson
from pipeline.desk.identity import Right
from pipeline.desk.pages import render
from pipeline.desk.status import read_state
from pipeline.store.timeline import latest_cursor

router = APIRouter()


@router.get("/")
def show_inbox(request: Request, desk: TheDesk, person: ThePerson) -> Response:
    """Show the inbox; its cursor is of the same picture of the data, so that the stream goes on where it ends.

    Who sees no incidents is sent to where they begin.
    """
    if not person.may(Right.SEE_INCIDENTS):
        return RedirectResponse(person.home, 303)
    with desk.database.reading() as session:
        cursor = latest_cursor(session)
        board, state = read_board(desk, person, session), read_state(desk, person, session)
    return render(request, "inbox.html", cursor=cursor, board=board, state=state)


@router.get("/isi")
def show_list(request: Request, desk: TheDesk, person: Reader) -> Response:
    """Return the inbox' list alone."""
    with desk.database.reading() as session:
        board, state = read_board(desk, person, session), read_state(desk, person, session)
    return render(request, "_list.html", board=board, state=state)


@router.get("/keadaan")
def show_state(request: Request, desk: TheDesk, person: Reader) -> Response:
    """Return the bottom line alone."""
    with desk.database.reading() as session:
        state = read_state(desk, person, session)
    return render(request, "_state.html", state=state)
