"""`/cari`: finding incidents, searches with a name, and the results as CSV."""

from collections.abc import Iterator
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, HTTPException, Path, Query, Request
from fastapi import Form as Field
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response, StreamingResponse

from pipeline.city.registry import CATEGORIES, KINDS
from pipeline.desk.areas import scope
from pipeline.desk.context import Desk, Reader, TheDesk, is_simulated, place_of
from pipeline.desk.finding import CATEGORY_WORDS, VERDICT_WORDS, Form, csv_rows
from pipeline.desk.identity import Person
from pipeline.desk.pages import render
from pipeline.desk.status import read_state
from pipeline.store.audit import audit
from pipeline.store.incidents import Place
from pipeline.store.review_tables import VerdictRow
from pipeline.store.reviews import verdicts_of
from pipeline.store.saved_searches import forget_search, list_searches, save_search
from pipeline.store.search import count_incidents, find_incidents
from pipeline.store.tables import IncidentRow
from pipeline.store.timeline import latest_cursor

router = APIRouter()
PAGE = 50
CSV_PAGE = 500
After = Annotated[str, Query(max_length=160)]


def parse_place(text: str) -> Place | None:
    """Return the place behind which a page begins, `opened_ms~id`; None for the first page, or for anything else."""
    at, _, id_ = text.partition("~")
    return (int(at), id_) if id_ and at.isascii() and at.isdigit() and len(at) < 19 and "\0" not in id_ else None


def _clean(request: Request) -> Form:
    """Return the form of the address; PostgreSQL takes no NUL in a text."""
    return Form.of({name: value.replace("\0", "") for name, value in request.query_params.items()})


def _view(desk: Desk, row: IncidentRow, verdicts: list[VerdictRow]) -> dict[str, Any]:
    """Return what the list shows of an incident."""
    camera, ward = desk.registry.cameras.get(row.camera), desk.registry.kelurahan.get(row.kelurahan)
    return {
        "id": row.id,
        "kind": row.kind,
        "place": place_of(camera) if camera else row.camera,
        "ward": ward.name if ward else row.kelurahan,
        "opened_ms": row.opened_ms,
        "decision": row.decision,
        "verdicts": sorted({verdict.verdict for verdict in verdicts}),
        "tags": sorted({tag for verdict in verdicts for tag in verdict.tags}),
        "simulated": is_simulated(camera),
    }


@router.get("/cari")
def show_search(request: Request, desk: TheDesk, person: Reader, sesudah: After = "") -> Response:
    """Show the form, the person's saved searches, and a page of what matches."""
    form, areas = _clean(request), scope(person.areas)
    criteria = form.criteria(desk.registry, desk.zone)
    with desk.database.reading() as session:
        rows = find_incidents(session, criteria, areas, PAGE + 1, parse_place(sesudah))
        said = verdicts_of(session, [row.id for row in rows])
        values: dict[str, Any] = {
            "found": [_view(desk, row, said[row.id]) for row in rows[:PAGE]],
            "count": count_incidents(session, criteria, areas),
            "saved": [(row.id, row.name, urlencode(row.query)) for row in list_searches(session, person.name)],
            "cursor": latest_cursor(session),
            "state": read_state(desk, person, session),
        }
    last = rows[PAGE - 1] if len(rows) > PAGE else None
    after = urlencode({**form.given, "sesudah": f"{last.opened_ms}~{last.id}"}) if last is not None else ""
    return render(
        request, "search.html", form=form, after=after, query=urlencode(form.given), kinds=KINDS,
        categories={name: CATEGORY_WORDS[name] for name in CATEGORIES}, verdicts=VERDICT_WORDS, **values,
    )  # fmt: skip


@router.get("/cari.csv")
def get_csv(request: Request, desk: TheDesk, person: Reader) -> Response:
    """Return all that matches as CSV, streamed; who took it is written down before the first line."""
    form = _clean(request)
    desk.database.transact(
        lambda session: audit(session, person.name, "search.exported", "cari.csv", form.given, desk.clock())
    )
    headers = {"content-disposition": 'attachment; filename="siaga-kejadian.csv"'}
    lines = csv_rows(_all(desk, person, form), desk.registry, desk.zone)
    return StreamingResponse((line.encode() for line in lines), 200, headers, "text/csv; charset=utf-8")


def _all(desk: Desk, person: Person, form: Form) -> Iterator[tuple[IncidentRow, list[VerdictRow]]]:
    """Yield what matches page by page; no transaction stays open while a slow reader takes them."""
    criteria, areas = form.criteria(desk.registry, desk.zone), scope(person.areas)
    before: Place | None = None
    while True:
        with desk.database.reading() as session:
            rows = find_incidents(session, criteria, areas, CSV_PAGE, before)
            said = verdicts_of(session, [row.id for row in rows])
        yield from ((row, said[row.id]) for row in rows)
        if len(rows) < CSV_PAGE:
            return
        before = rows[-1].opened_ms, rows[-1].id


@router.post("/cari/simpan")
def post_save(
    desk: TheDesk,
    person: Reader,
    name: Annotated[str, Field(min_length=1, max_length=80)],
    query: Annotated[str, Field(max_length=2000)] = "",
) -> Response:
    """Keep a search, in its address's words, under a name.

    Raises:
        HTTPException: 422 for a name of blanks, or when the person has too many.
    """
    form = Form.of(dict(parse_qsl(query.replace("\0", ""))))
    label = name.replace("\0", "").strip()

    def work(session: Session) -> bool:
        return save_search(session, person.name, label, form.given, desk.clock())

    if not label or not desk.database.transact(work):
        raise HTTPException(422)
    return RedirectResponse(f"/cari?{urlencode(form.given)}", 303)


@router.post("/cari/hapus/{number}")
def post_forget(desk: TheDesk, person: Reader, number: Annotated[int, Path(ge=1, le=2**62)]) -> Response:
    """Remove one of the own searches; another's does not exist (404)."""
    if not desk.database.transact(lambda session: forget_search(session, person.name, number)):
        raise HTTPException(404)
    return RedirectResponse("/cari", 303)
