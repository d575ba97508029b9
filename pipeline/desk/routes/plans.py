"""Coverage as it is, and plans: asked for, worked out beside the desk, looked at, changed by hand, approved, built."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, HTTPException, Path, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from pipeline.desk.areas import sees
from pipeline.desk.context import Desk, Planner, TheDesk
from pipeline.desk.i18n import mark, translate
from pipeline.desk.identity import Person
from pipeline.desk.maps import Point
from pipeline.desk.pages import language_of
from pipeline.desk.plan_jobs import Job, PlanJobs
from pipeline.desk.plan_room import PlanningRoom
from pipeline.desk.plan_work import Place, Task, within_areas
from pipeline.desk.planning import STEP_WORDS, curve_of, sees_plan
from pipeline.desk.routes.needs import show
from pipeline.ops.errors import ConfigError, StoreError
from pipeline.siting.gather import Files, gather
from pipeline.siting.money import parse_budget, rupiah
from pipeline.siting.report.files import report_files
from pipeline.store.audit import audit
from pipeline.store.needs import get_need
from pipeline.store.siting import NewSite, approve_plan, get_plan, install_site, list_installed, list_plans, name_camera
from pipeline.store.siting_tables import InstalledSiteRow, SitePlanRow

router = APIRouter()
Number = Annotated[int, Path(ge=1, le=2**53)]
FILES = {
    "laporan.html": "text/html; charset=utf-8",
    "laporan.pdf": "application/pdf",
    "rencana.geojson": "application/geo+json",
    "lokasi.csv": "text/csv; charset=utf-8",
    "permintaan.csv": "text/csv; charset=utf-8",
    "kelurahan.csv": "text/csv; charset=utf-8",
    "kurva.csv": "text/csv; charset=utf-8",
    "kepekaan.csv": "text/csv; charset=utf-8",
    "rencana.json": "application/json",
}
KINDS = mark({"request": "Permintaan", "hotspot": "Titik rawan", "incident": "Kejadian"})
PLACED = "peta-"
"""Ids of candidates that somebody put on the map by hand."""
NOT_APPROVED = mark("Setujui dulu rencana ini.")
NO_SITE = mark("Lokasi ini tidak ada dalam rencana.")
OUTSIDE = mark("Tempat ini di luar kota atau di luar wilayah Anda.")
Text = Annotated[str, Form(max_length=4000)]
MOST_FLOOR = 1000


def find_plan(session: Session, person: Person, number: int) -> SitePlanRow:
    """Return a plan whose areas the person sees all of.

    Raises:
        HTTPException: 404.
    """
    row = get_plan(session, number)
    if row is None or not sees_plan(person.areas, row.settings):
        raise HTTPException(404)
    return row


def _room(request: Request) -> PlanningRoom:
    room: PlanningRoom = request.app.state.planning
    return room


def _jobs(request: Request) -> PlanJobs:
    return _room(request).jobs


@router.get("/cakupan")
def coverage_page(request: Request, desk: TheDesk, person: Planner) -> Response:
    """Show what the cameras see today; while it is worked out, say so."""
    areas, room = tuple(sorted(person.areas)), _room(request)
    with desk.database.reading() as session:
        stamp, built = room.stamp(session, desk.clock()), list_installed(session)
    told = room.coverage(areas, stamp)
    if told is None:
        job = room.jobs.submit(Task(areas, desk.clock(), stamp))
        return show(request, desk, person, "job.html", job=job, step=STEP_WORDS[job.step or ""], url="/cakupan")
    near = {row["code"]: row for row in told["by_kelurahan"]}
    blind = [near[code] for code in told["blind"] if code in near]
    wards = desk.registry.kelurahan
    pins = [Point(wards[r["code"]].lat, wards[r["code"]].lng, "blind", r["name"], "", "", "!") for r in blind]
    mine = [row for row in built if sees(person.areas, row.kelurahan)]
    pins += [Point(r.lat, r.lng, "built", f"{r.site or r.id}", "", "", "✓", r.range_m) for r in mine]
    return show(request, desk, person, "coverage.html", told=told, blind=blind, pins=pins, kinds=KINDS, built=mine)


@router.get("/rencana")
def plans_page(request: Request, desk: TheDesk, person: Planner) -> Response:
    """Show the plans, the form for a new one, and what is being worked out."""
    return _plans(request, desk, person)


def _plans(
    request: Request, desk: Desk, person: Person, fault: str = "", form: Mapping[str, str] | None = None
) -> Response:
    """Render the list of plans."""
    with desk.database.reading() as session:
        rows = [row for row in list_plans(session) if sees_plan(person.areas, row.settings)]
    running = [job for job in _jobs(request).running() if _is_mine(job, person) and job.task.budget is not None]
    return show(request, desk, person, "plans.html", 422 if fault else 200, rows=rows, running=running, fault=fault,
                form=form or {}, steps=STEP_WORDS)  # fmt: skip


def _is_mine(job: Job, person: Person) -> bool:
    return sees_plan(person.areas, {"areas": job.task.areas})


@router.post("/rencana")
def ask_plan(
    request: Request,
    desk: TheDesk,
    person: Planner,
    budget: Annotated[str, Form(max_length=60)] = "",
    name: Annotated[str, Form(max_length=100)] = "",
    method: Annotated[Literal["exact", "greedy"], Form()] = "exact",
    per_kota: Annotated[int, Form(ge=0, le=MOST_FLOOR)] = 0,
    per_kelurahan: Annotated[int, Form(ge=0, le=MOST_FLOOR)] = 0,
    moves: Annotated[int, Form(ge=0, le=MOST_FLOOR)] = 0,
    grid: Annotated[bool, Form()] = False,
) -> Response:
    """Begin to work a plan out; its page says how far it is."""
    floors = {area: least for area, least in (("kota", per_kota), ("kelurahan", per_kelurahan)) if least}
    try:
        money = parse_budget(budget)
    except ConfigError as error:
        return _plans(request, desk, person, str(error), {"budget": budget, "name": name})
    title = name.replace("\0", "").strip()
    task = Task(tuple(sorted(person.areas)), desk.clock(), (), money, title, person.name, method, floors,
                moves=moves, grid=grid)  # fmt: skip
    return RedirectResponse(f"/rencana/kerja/{_jobs(request).submit(task).number}", 303)


@router.get("/rencana/kerja/{number}")
def job_page(request: Request, desk: TheDesk, person: Planner, number: Number) -> Response:
    """Show how far a job is; one that is done leads to its plan."""
    job = _jobs(request).get(number)
    if job is None or not _is_mine(job, person):
        raise HTTPException(404)
    if job.step == "done":
        return RedirectResponse(f"/rencana/{job.plan}" if job.plan else "/cakupan", 303)
    return show(request, desk, person, "job.html", job=job, step=STEP_WORDS[job.step or ""],
                url=f"/rencana/kerja/{number}")  # fmt: skip


@router.get("/rencana/{number}")
def plan_page(request: Request, desk: TheDesk, person: Planner, number: Number) -> Response:
    """Show a plan: map, curve and list side by side."""
    return _plan_page(request, desk, person, number)


def _plan_page(request: Request, desk: Desk, person: Person, number: int, fault: str = "") -> Response:
    """Render a plan."""
    with desk.database.reading() as session:
        row = find_plan(session, person, number)
        parent = get_plan(session, row.settings.get("parent") or 0)
        built = {site.site: site for site in list_installed(session) if site.plan_id == number}
        told = row.result
        status = {ref: need.status for ref in {r for s in told["sites"] for r in s["requests"]}
                  if (need := get_need(session, int(ref))) is not None}  # fmt: skip
    before = parent.result if parent is not None and sees_plan(person.areas, parent.settings) else None
    return show(
        request, desk, person, "plan.html", 409 if fault else 200, plan=row, told=told, curve=curve_of(told),
        built=built, need_status=status, money=rupiah, fault=fault, files=list(FILES),
        forced=tuple(told["ask"]["force_in"]), barred=tuple(told["ask"]["force_out"]),
        before=before, parent=parent if before is not None else None,
        rejected=[r for r in told["requests"] if r["status"] in ("tidak_terpilih", "tanpa_calon")][:200],
    )  # fmt: skip


@router.post("/rencana/{number}/andai")
def what_if(
    request: Request,
    desk: TheDesk,
    person: Planner,
    number: Number,
    force_in: Annotated[list[str] | None, Form()] = None,
    force_out: Annotated[list[str] | None, Form()] = None,
    lat: Annotated[str, Form(max_length=30)] = "",
    lng: Annotated[str, Form(max_length=30)] = "",
    budget: Annotated[str, Form(max_length=60)] = "",
) -> Response:
    """Work the plan out again with sites forced in or out by hand, and with a place put on the map."""
    with desk.database.reading() as session:
        row = find_plan(session, person, number)
        asked, old = dict(row.settings), row.result["ask"]
        base, name = row.budget, row.name
    places = [Place(**place) for place in asked.get("places", ())]
    inside = [one[:120] for one in force_in or ()]
    try:
        money = parse_budget(budget or base)
        if lat.strip() and lng.strip():
            places.append(_placed(request, person, lat, lng, len(places)))
            inside.append(places[-1].id)
    except ConfigError as error:
        return _plan_page(request, desk, person, number, str(error))
    outside = tuple(sorted({one[:120] for one in force_out or ()} - set(inside)))
    task = Task(tuple(asked.get("areas", person.areas)), desk.clock(), (), money, name, person.name, old["method"],
                old["floors"], tuple(dict.fromkeys(inside)), outside, old["moves"], old["grid"], tuple(places),
                number)  # fmt: skip
    return RedirectResponse(f"/rencana/kerja/{_jobs(request).submit(task).number}", 303)


def _placed(request: Request, person: Person, lat: str, lng: str, taken: int) -> Place:
    """Return a place from the map as a candidate.

    Raises:
        ConfigError: It lies outside.
    """
    city = _room(request).city
    try:
        at = float(lat.replace(",", ".")), float(lng.replace(",", "."))
    except ValueError:
        at = (0.0, 0.0)
    code = city.code_at(*at) if -90 <= at[0] <= 90 and -180 <= at[1] <= 180 else None
    if code is None or not person.sees(code):
        raise ConfigError(translate(language_of(request), OUTSIDE))
    return Place(f"{PLACED}{taken + 1}", round(at[0], 6), round(at[1], 6), code)


@router.post("/rencana/{number}/setujui")
def approve(request: Request, desk: TheDesk, person: Planner, number: Number) -> Response:
    """Approve a plan: the requests that its sites answer become `disetujui`."""

    def work(session: Session) -> None:
        told = find_plan(session, person, number).result
        needs = sorted({int(ref) for site in told["sites"] for ref in site["requests"]})
        moved = approve_plan(session, number, needs, person.name, desk.clock())
        audit(session, person.name, "plan.approved", str(number), {"needs": moved}, desk.clock())

    return _after(request, desk, person, number, work)


@router.post("/rencana/{number}/pasang")
def build(
    request: Request,
    desk: TheDesk,
    person: Planner,
    number: Number,
    site: Annotated[str, Form(max_length=120)] = "",
    camera: Annotated[str, Form(max_length=80)] = "",
) -> Response:
    """Note that a site of an approved plan was built: it counts as coverage from now on."""
    language = language_of(request)

    def work(session: Session) -> None:
        row = find_plan(session, person, number)
        found = next((one for one in row.result["sites"] if one["id"] == site), None)
        if found is None or row.state != "approved":
            raise StoreError(translate(language, NO_SITE if found is None else NOT_APPROVED))
        new = NewSite(found["lat"], found["lng"], found["range_m"], found["kelurahan"], found["bearing"],
                      found["angle"], number, site, camera.strip() or None)  # fmt: skip
        rows = [need for ref in found["requests"] if (need := get_need(session, int(ref))) is not None]
        ready = [need.id for need in rows if need.status == "disetujui" and need.merged_into is None]
        installed = install_site(session, new, ready, person.name, desk.clock())
        audit(session, person.name, "site.built", str(installed.id), {"plan": number, "site": site}, desk.clock())

    return _after(request, desk, person, number, work)


@router.post("/terpasang/{number}/kamera")
def name_built(
    request: Request, desk: TheDesk, person: Planner, number: Number, camera: Annotated[str, Form(max_length=80)] = ""
) -> Response:
    """Say which camera of the registry a built site has become; its row there counts from then on."""

    def work(session: Session) -> None:
        row = session.get(InstalledSiteRow, number)
        known = desk.registry.cameras.get(camera.strip())
        if row is None or not person.sees(row.kelurahan) or known is None or not person.sees(known.kelurahan):
            raise HTTPException(404)
        name_camera(session, number, known.id)
        audit(session, person.name, "site.camera", str(number), {"camera": known.id}, desk.clock())

    desk.database.transact(work)
    return RedirectResponse("/cakupan", 303)


def _after(request: Request, desk: Desk, person: Person, number: int, work: Any) -> Response:
    """Do a piece of work on a plan and show its page, with what was refused."""
    try:
        with desk.database.session() as session:  # not `transact`: it would try a refusal again for half a minute
            work(session)
    except StoreError as error:
        return _plan_page(request, desk, person, number, str(error))
    return RedirectResponse(f"/rencana/{number}", 303)


@router.get("/rencana/{number}/unduh/{name}")
def download(
    request: Request, desk: TheDesk, person: Planner, number: Number, name: Annotated[str, Path(max_length=40)]
) -> Response:
    """Return a file of a plan's report, made from its document."""
    if name not in FILES:
        raise HTTPException(404)
    with desk.database.reading() as session:
        row = find_plan(session, person, number)
        told, areas = row.result, tuple(row.settings.get("areas", ("*",)))
        inputs = within_areas(gather(desk.settings, desk.registry, session, Files(), told["made_ms"]), areas)
    content = report_files(told, inputs.city, inputs.views)[name]
    headers = {"content-disposition": f'attachment; filename="rencana-{number}-{name}"'}
    return Response(content, media_type=FILES[name], headers=headers)
