"""Requests for cameras: list, map, form, status, merging, CSV of requests and of hotspots."""

import tempfile
from collections.abc import Sequence
from pathlib import Path as FilePath
from typing import Annotated, Any, Literal

from fastapi import APIRouter, File, Form, HTTPException, Path, Query, Request, UploadFile
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from pipeline.city.registry import CATEGORIES
from pipeline.desk.areas import scope
from pipeline.desk.context import Desk, Planner, TheDesk
from pipeline.desk.finding import CATEGORY_WORDS
from pipeline.desk.i18n import mark, translate
from pipeline.desk.identity import Person
from pipeline.desk.maps import LETTERS, PLAIN, ward_name
from pipeline.desk.pages import language_of, render
from pipeline.desk.planning import (
    ASKER_WORDS,
    EVENT_WORDS,
    PHOTO_PREFIX,
    PRIORITY_WORDS,
    STATUS_WORDS,
    clean_photo,
    need_point,
    outside,
    photo_key,
)
from pipeline.desk.status import read_state
from pipeline.ops.errors import ConfigError
from pipeline.siting.merging import duplicates, near_same
from pipeline.siting.places import City
from pipeline.siting.tables import batch_of, read_hotspots, read_needs
from pipeline.store.audit import audit
from pipeline.store.needs import (
    OPEN,
    STEPS,
    NeedError,
    NewNeed,
    add_need,
    add_needs,
    get_need,
    history,
    known_batch,
    list_needs,
    merge_needs,
    merged_with,
    set_status,
)
from pipeline.store.siting import add_hotspots, hotspot_sources
from pipeline.store.siting_tables import AskedBy, NeedRow, NeedStatus
from pipeline.store.timeline import latest_cursor

router = APIRouter()
NeedId = Annotated[int, Path(ge=1, le=2**53)]
CSV_BYTES = 20_000_000
MOST = 500
"""Requests on one page; filters find the others."""
OUTSIDE_CITY = mark("Tempat ini di luar kota.")
OUTSIDE_AREA = mark("Tempat ini di luar wilayah Anda.")
NOT_DEGREES = mark("Koordinat harus berupa derajat, seperti -6,2135 dan 106,85.")
NO_PICTURE = mark("Foto harus berupa JPEG, paling besar 12 MB.")
EMPTY = mark("Isi siapa yang meminta dan alasannya.")
TOO_LARGE = mark("Berkas lebih dari 20 MB.")
ROW_OUTSIDE = mark("Baris data ke-{n} di luar wilayah Anda.")
TAKEN_NEEDS = mark("{n} permintaan diterima dari {file}.")
TAKEN_SPOTS = mark("{n} titik rawan diterima dari {file}.")
KNOWN = mark("{file} sudah pernah diimpor. Tidak ada yang berubah.")


def show(request: Request, desk: Desk, person: Person, template: str, http: int = 200, **values: Any) -> Response:
    """Render a page of the planner with what all of them use."""
    with desk.database.reading() as session:
        shared = {"cursor": latest_cursor(session), "state": read_state(desk, person, session)}
    legend = {"statuses": STATUS_WORDS, "categories": CATEGORY_WORDS, "letters": LETTERS, "plain": PLAIN}
    names = {code: ward.name for code, ward in desk.registry.kelurahan.items()}
    return render(request, template, http, askers=ASKER_WORDS, priorities=PRIORITY_WORDS, names=names,
                  **legend, **shared, **values)  # fmt: skip


def find_need(session: Session, person: Person, number: int) -> NeedRow:
    """Return a request within the person's areas.

    Raises:
        HTTPException: 404.
    """
    row = get_need(session, number)
    if row is None or not person.sees(row.kelurahan):
        raise HTTPException(404)
    return row


def pins(request: Request, desk: Desk, rows: Sequence[NeedRow]) -> list[Any]:
    """Return requests as marks on the map, in the reader's language."""
    language = language_of(request)
    return [
        need_point(
            row,
            f"{row.id} · {translate(language, CATEGORY_WORDS.get(row.category, row.category))} · {row.asked_by}",
            f"{translate(language, STATUS_WORDS[row.status])} · {ward_name(desk.registry, row.kelurahan)}",
        )
        for row in rows
    ]


@router.get("/kebutuhan")
def list_page(
    request: Request,
    desk: TheDesk,
    person: Planner,
    status: Annotated[str, Query(max_length=20)] = "",
    category: Annotated[str, Query(max_length=40)] = "",
    said: Annotated[str, Query(max_length=300)] = "",
) -> Response:
    """Show the requests of a person's areas, with those that may be the same on top."""
    wanted: list[NeedStatus] | None = [known for known in STEPS if known == status] or None
    areas = scope(person.areas)
    with desk.database.reading() as session:
        kind = category if category in CATEGORIES else None
        rows = list_needs(session, statuses=wanted, category=kind, areas=areas)
        same = duplicates(list_needs(session, statuses=OPEN, areas=areas), desk.settings.siting.merge_radius_m)
        sources = hotspot_sources(session)
    rows.sort(key=lambda row: (row.status not in OPEN, -row.priority, row.id))
    shown = rows[:MOST]
    return show(request, desk, person, "needs.html", rows=shown, total=len(rows), same=same, sources=sources,
                pins=pins(request, desk, shown), only=status, category=category, said=said)  # fmt: skip


@router.get("/kebutuhan/baru")
def form_page(request: Request, desk: TheDesk, person: Planner) -> Response:
    """Show the form for a request."""
    return show(request, desk, person, "need_new.html", fault="", form={})


@router.post("/kebutuhan")
def create(
    request: Request,
    desk: TheDesk,
    person: Planner,
    lat: Annotated[str, Form(max_length=30)] = "",
    lng: Annotated[str, Form(max_length=30)] = "",
    category: Annotated[str, Form(max_length=40)] = "",
    asked_by_kind: Annotated[AskedBy, Form()] = "rt_rw",
    asked_by: Annotated[str, Form(max_length=120)] = "",
    reason: Annotated[str, Form(max_length=2000)] = "",
    priority: Annotated[int, Form(ge=1, le=5)] = 3,
    photo: Annotated[UploadFile | None, File()] = None,
) -> Response:
    """Keep a request; the page of it then offers those nearby that may be the same."""
    form = {"lat": lat, "lng": lng, "category": category, "asked_by_kind": asked_by_kind, "asked_by": asked_by,
            "reason": reason, "priority": priority}  # fmt: skip
    place = _degrees(lat, lng)
    code = _city(request).code_at(*place) if place else None
    content = photo.file.read() if photo is not None and photo.filename else b""
    picture = clean_photo(content) if content else None
    asked_by, reason = asked_by.replace("\0", "").strip(), reason.replace("\0", "").strip()
    fault = (
        NOT_DEGREES if place is None
        else OUTSIDE_CITY if code is None
        else OUTSIDE_AREA if not person.sees(code)
        else EMPTY if not asked_by or not reason or category not in CATEGORIES
        else NO_PICTURE if content and picture is None
        else ""
    )  # fmt: skip
    if fault or place is None or code is None:
        return show(request, desk, person, "need_new.html", 422, fault=fault, form=form)
    key = None
    if picture is not None:
        key = photo_key()
        desk.evidence.put(key, picture)
    new = NewNeed(*place, category, asked_by_kind, asked_by, code, reason, priority, key)
    number = desk.database.transact(lambda session: add_need(session, new, person.name, desk.clock()).id)
    return RedirectResponse(f"/kebutuhan/{number}", 303)


def _degrees(lat: str, lng: str) -> tuple[float, float] | None:
    """Read coordinates with a decimal point or comma; None for anything else."""
    try:
        place = float(lat.strip().replace(",", ".")), float(lng.strip().replace(",", "."))
    except ValueError:
        return None
    return place if -90 <= place[0] <= 90 and -180 <= place[1] <= 180 else None


def _city(request: Request) -> City:
    city: City = request.app.state.planning.city
    return city


@router.get("/kebutuhan/{number}")
def need_page(request: Request, desk: TheDesk, person: Planner, number: NeedId) -> Response:
    """Show one request, what happened to it, and which others may be the same."""
    return _need_page(request, desk, person, number)


def _need_page(request: Request, desk: Desk, person: Person, number: int, fault: str = "") -> Response:
    """Render the page of one request."""
    with desk.database.reading() as session:
        row = find_need(session, person, number)
        others = [o for o in list_needs(session, statuses=OPEN, areas=scope(person.areas)) if o.id != row.id]
        near = near_same(others, row.lat, row.lng, row.category, desk.settings.siting.merge_radius_m)
        values = {
            "row": row,
            "events": history(session, number),
            "merged": merged_with(session, number),
            "near": near if row.status in OPEN and row.merged_into is None else [],
            "steps": STEPS[row.status] if row.merged_into is None else (),
            "pins": pins(request, desk, [row, *near]),
            "photo": bool(row.photo and row.photo.startswith(PHOTO_PREFIX)),
            "event_words": EVENT_WORDS,
            "metres": round(desk.settings.siting.merge_radius_m),
            "fault": fault,
        }
    return show(request, desk, person, "need.html", 409 if fault else 200, **values)


@router.get("/kebutuhan/{number}/foto")
def photo_of(desk: TheDesk, person: Planner, number: NeedId) -> Response:
    """Return the photo of a request."""
    with desk.database.reading() as session:
        key = find_need(session, person, number).photo or ""
    if not key.startswith(PHOTO_PREFIX) or ".." in key or not desk.evidence.exists(key):
        raise HTTPException(404)
    return Response(desk.evidence.get(key), media_type="image/jpeg", headers={"cache-control": "private, max-age=3600"})


@router.post("/kebutuhan/{number}/status")
def change_status(
    request: Request,
    desk: TheDesk,
    person: Planner,
    number: NeedId,
    status: Annotated[Literal["diajukan", "dikaji", "disetujui", "dipasang", "ditolak"], Form()],
    reason: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Move a request along; a step that is not allowed, or a rejection without a reason, is told (409)."""

    def work(session: Session) -> None:
        find_need(session, person, number)
        set_status(session, number, status, person.name, desk.clock(), reason.replace("\0", ""))
        audit(session, person.name, "need.status", str(number), {"status": status}, desk.clock())

    return _after(request, desk, person, number, work)


@router.post("/kebutuhan/{number}/gabung")
def merge(
    request: Request, desk: TheDesk, person: Planner, number: NeedId, other: Annotated[list[int], Form()]
) -> Response:
    """Merge others into this request."""

    def work(session: Session) -> None:
        for one in (number, *other):
            find_need(session, person, one)
        merge_needs(session, number, other, person.name, desk.clock())
        audit(session, person.name, "need.merged", str(number), {"with": other}, desk.clock())

    return _after(request, desk, person, number, work)


def _after(request: Request, desk: Desk, person: Person, number: int, work: Any) -> Response:
    """Do a piece of work on a request and show its page, with what was refused."""
    try:
        with desk.database.session() as session:  # not `transact`: it would try a refusal again for half a minute
            work(session)
    except NeedError as error:
        return _need_page(request, desk, person, number, str(error))
    return RedirectResponse(f"/kebutuhan/{number}", 303)


@router.get("/impor")
def import_page(request: Request, desk: TheDesk, person: Planner) -> Response:
    """Show the form for CSV files."""
    return show(request, desk, person, "needs_import.html", faults=[], said="")


@router.post("/impor")
def take_file(
    request: Request,
    desk: TheDesk,
    person: Planner,
    what: Annotated[Literal["needs", "hotspots"], Form()],
    file: Annotated[UploadFile, File()],
) -> Response:
    """Take a CSV file whole, or tell every row that is wrong and take nothing."""
    language, name = language_of(request), FilePath(file.filename or "berkas.csv").name[:80]
    content = file.file.read(CSV_BYTES + 1)
    if len(content) > CSV_BYTES:
        return show(request, desk, person, "needs_import.html", 422, faults=[translate(language, TOO_LARGE)], said="")
    try:
        told, count = _take(request, desk, person, what, content)
    except ConfigError as error:
        return show(request, desk, person, "needs_import.html", 422, faults=str(error).splitlines(), said="")
    text = translate(language, told, n=count, file=name) if count else translate(language, KNOWN, file=name)
    return show(request, desk, person, "needs_import.html", faults=[], said=text)


def _take(request: Request, desk: Desk, person: Person, what: str, content: bytes) -> tuple[str, int]:
    """Check and keep the rows; 0 for a file that came before.

    Raises:
        ConfigError: One line for each row that is wrong, `line: column: what`; nothing was kept.
    """
    now, zone, city = desk.clock(), desk.settings.city.timezone, _city(request)
    with tempfile.TemporaryDirectory() as folder:
        file = FilePath(folder) / "csv"
        file.write_bytes(content)
        try:
            needs = read_needs(file, city) if what == "needs" else []
            spots = read_hotspots(file, city, zone, now) if what == "hotspots" else []
            batch = batch_of(file)
        except ConfigError as error:
            raise ConfigError(str(error).replace(f"{file}:", "").replace(str(file), "CSV")) from error
    lost = outside(person.areas, [row.kelurahan for row in needs] + [row.kelurahan for row in spots])
    if lost:
        language = language_of(request)
        raise ConfigError("\n".join(translate(language, ROW_OUTSIDE, n=number) for number in lost[:50]))

    def work(session: Session) -> int:
        count = add_hotspots(session, spots, batch) if spots else 0
        if needs and not known_batch(session, batch):
            count = len(add_needs(session, needs, person.name, now, batch))
        audit(session, person.name, f"{what}.imported", batch[:16], {"rows": count}, now)
        return count

    return TAKEN_NEEDS if needs else TAKEN_SPOTS, desk.database.transact(work)
