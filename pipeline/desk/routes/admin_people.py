"""`/admin/orang`: people, their roles and areas, one-time passwords, locking, ending sessions; `/admin/wilayah`."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Form, HTTPException, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from pipeline.desk import people as desk_people
from pipeline.desk.adminview import UNKNOWN_AREA, WHOLE_CITY, area_names, area_tree, describe_areas, manages
from pipeline.desk.areas import inside, parse_areas, valid_area
from pipeline.desk.context import Desk, PeopleAdmin, TheDesk
from pipeline.desk.i18n import mark
from pipeline.desk.identity import ROLES, Person
from pipeline.desk.pages import render
from pipeline.desk.people import LAST_ADMIN, LastAdminError, add_person, valid_name
from pipeline.desk.status import read_state
from pipeline.ops.errors import ConfigError
from pipeline.store import people
from pipeline.store.tables import UserRow
from pipeline.store.timeline import latest_cursor

router = APIRouter()
BAD_NAME = mark("Nama masuk: 2 sampai 40 huruf kecil, angka, titik, garis bawah atau tanda hubung.")
TAKEN = mark("Nama itu sudah dipakai.")
BAD_ROLE = mark("Pilih satu peran.")
BAD_AREA = mark("Tulis paling sedikit satu kode wilayah, seperti 31.71.01.1001, 31.71.01, 31.71 atau *.")
OUTSIDE = mark("Wilayah itu di luar wilayah Anda sendiri.")
YOURSELF = mark("Anda tidak bisa mengunci diri sendiri atau mengubah peran sendiri.")
DONE = mark(
    {
        "ubah": "Peran dan wilayah disimpan.",
        "kunci": "Akun dikunci; semua sesinya berakhir.",
        "buka": "Akun dibuka lagi.",
        "keluar": "Semua sesi orang ini berakhir.",
        "sso": "Orang ini sekarang masuk lewat SSO kota.",
    }
)
Name = Annotated[str, Form(max_length=60)]
Areas = Annotated[str, Form(max_length=4000)]
Short = Annotated[str, Form(max_length=20)]


def page_values(desk: Desk, person: Person, session: Session) -> dict[str, Any]:
    """Return what every page inside the desk's frame needs."""
    return {"cursor": latest_cursor(session), "state": read_state(desk, person, session)}


def _fault(admin: Person, role: str, areas: list[str]) -> str:
    """Return what is wrong with a role and areas that an admin gives; empty: nothing."""
    if role not in ROLES:
        return BAD_ROLE
    if not areas or not all(valid_area(area) for area in areas):
        return BAD_AREA
    return "" if inside(areas, admin.areas) else OUTSIDE


def _list(request: Request, desk: Desk, admin: Person, status: int = 200, **values: Any) -> Response:
    """Render the list of people with the form for a new one."""
    with desk.database.reading() as session:
        rows = [row for row in people.list_users(session) if manages(admin, row)]
        sessions = people.count_sessions(session, desk.clock(), desk.idle_ms)
        shared = page_values(desk, admin, session)
    names = area_names(desk.registry.kelurahan)
    shown = [(row, describe_areas(row.areas, names), sessions.get(row.name, 0)) for row in rows]
    given = {"name": "", "role": "piket", "areas": "", "fault": "", "password": "", "added": "", **values}
    return render(
        request,
        "admin_people.html",
        status,
        shown=shown,
        roles=ROLES,
        given=given,
        sso=_sso(desk),
        whole=WHOLE_CITY,
        unknown=UNKNOWN_AREA,
        **shared,
    )


def _sso(desk: Desk) -> str:
    """Return the name of the city's provider; empty where there is none."""
    oidc = desk.settings.desk.oidc
    return oidc.name if oidc.issuer else ""


@router.get("/admin/orang")
def show_people(request: Request, desk: TheDesk, admin: PeopleAdmin) -> Response:
    """Show the people whom this admin manages."""
    return _list(request, desk, admin)


@router.post("/admin/orang")
def add(
    request: Request, desk: TheDesk, admin: PeopleAdmin, name: Name, role: Short, areas: Areas, way: Short = "sandi"
) -> Response:
    """Add a person; the one-time password stands on the answer, once, and nowhere else."""
    name, codes = name.strip().lower(), parse_areas(areas)
    fault = _fault(admin, role, codes) if valid_name(name) else BAD_NAME
    password = ""
    if not fault:
        sso = way == "sso" and bool(_sso(desk))
        try:
            password = add_person(desk.database, name, role, codes, desk.clock, actor=admin.name, sso=sso)
        except ConfigError:
            fault = TAKEN
    if fault:
        return _list(request, desk, admin, 400, name=name, role=role, areas=areas, fault=fault)
    return _list(request, desk, admin, password=password, added=name)


def _find(desk: Desk, admin: Person, user: str) -> UserRow:
    """Return a person whom this admin manages.

    Raises:
        HTTPException: 404, when there is none.
    """
    with desk.database.reading() as session:
        row = people.get_user(session, user) if "\0" not in user else None
    if row is None or not manages(admin, row):
        raise HTTPException(404)
    return row


def _person(request: Request, desk: Desk, admin: Person, row: UserRow, status: int = 200, **values: Any) -> Response:
    """Render the page of one person."""
    with desk.database.reading() as session:
        sessions = people.count_sessions(session, desk.clock(), desk.idle_ms).get(row.name, 0)
        shared = page_values(desk, admin, session)
    given = {"role": row.role, "areas": "\n".join(row.areas), "fault": "", "done": "", "password": "", **values}
    shown = describe_areas(row.areas, area_names(desk.registry.kelurahan))
    return render(
        request, "admin_person.html", status, row=row, shown=shown, roles=ROLES, given=given, sessions=sessions,
        sso=_sso(desk), waits=people.waits_for_sso(row), whole=WHOLE_CITY, unknown=UNKNOWN_AREA, **shared,
    )  # fmt: skip


@router.get("/admin/orang/{user}")
def show_person(request: Request, desk: TheDesk, admin: PeopleAdmin, user: str, selesai: str = "") -> Response:
    """Show one person."""
    return _person(request, desk, admin, _find(desk, admin, user), done=DONE.get(selesai, ""))


def _act(
    request: Request, desk: Desk, admin: Person, row: UserRow, done: str, work: Callable[[], None], itself: bool = False
) -> Response:
    """Do something to a person and go back to their page; `itself` says whether people may do it to themselves."""
    if row.name == admin.name and not itself:
        return _person(request, desk, admin, row, 409, fault=YOURSELF)
    try:
        work()
    except LastAdminError:
        return _person(request, desk, admin, row, 409, fault=LAST_ADMIN)
    except ConfigError:
        raise HTTPException(404) from None
    return RedirectResponse(f"/admin/orang/{row.name}?selesai={done}", 303)


@router.post("/admin/orang/{user}")
def change(request: Request, desk: TheDesk, admin: PeopleAdmin, user: str, role: Short, areas: Areas) -> Response:
    """Give a person another role or other areas."""
    row, codes = _find(desk, admin, user), parse_areas(areas)
    fault = _fault(admin, role, codes)
    if fault:
        return _person(request, desk, admin, row, 400, role=role, areas=areas, fault=fault)
    return _act(
        request, desk, admin, row, "ubah",
        lambda: desk_people.set_role_and_areas(desk.database, row.name, role, codes, admin.name, desk.clock),
    )  # fmt: skip


@router.post("/admin/orang/{user}/kunci")
def lock(request: Request, desk: TheDesk, admin: PeopleAdmin, user: str, locked: Short = "ya") -> Response:
    """Lock a person out, or let them in again."""
    row, shut = _find(desk, admin, user), locked == "ya"
    return _act(
        request, desk, admin, row, "kunci" if shut else "buka",
        lambda: desk_people.set_locked(desk.database, row.name, shut, admin.name, desk.clock),
    )  # fmt: skip


@router.post("/admin/orang/{user}/keluarkan")
def sign_out_all(request: Request, desk: TheDesk, admin: PeopleAdmin, user: str) -> Response:
    """End all sessions of a person."""
    row = _find(desk, admin, user)
    return _act(
        request, desk, admin, row, "keluar",
        lambda: desk_people.end_sessions(desk.database, row.name, admin.name, desk.clock), itself=True,
    )  # fmt: skip


@router.post("/admin/orang/{user}/sandi")
def reset(request: Request, desk: TheDesk, admin: PeopleAdmin, user: str) -> Response:
    """Give a person a one-time password; it stands on the answer, once."""
    row = _find(desk, admin, user)
    if row.name == admin.name:
        return _person(request, desk, admin, row, 409, fault=YOURSELF)
    password = desk_people.reset_password(desk.database, row.name, desk.clock, actor=admin.name)
    return _person(request, desk, admin, _find(desk, admin, user), password=password)


@router.post("/admin/orang/{user}/sso")
def use_sso(request: Request, desk: TheDesk, admin: PeopleAdmin, user: str) -> Response:
    """Let a person sign in at the city's provider instead of by a password here."""
    row = _find(desk, admin, user)
    if not _sso(desk):
        raise HTTPException(404)
    return _act(
        request, desk, admin, row, "sso",
        lambda: desk_people.use_sso(desk.database, row.name, admin.name, desk.clock),
    )  # fmt: skip


@router.get("/admin/wilayah")
def show_areas(request: Request, desk: TheDesk, admin: PeopleAdmin) -> Response:
    """Show the areas that have cameras, with who works there; where no duty officer would hear is said first."""
    with desk.database.reading() as session:
        rows = people.list_users(session)
        shared = page_values(desk, admin, session)
    mine = [row for row in rows if manages(admin, row)]
    tree = area_tree(desk.registry.kelurahan, desk.registry.cameras.values(), mine, admin.areas)
    wards = [ward for kota in tree for kecamatan in kota.inner for ward in kecamatan.inner]
    return render(
        request, "admin_areas.html", tree=tree, gaps=[ward for ward in wards if ward.unwatched], mine=mine, **shared
    )


@router.post("/admin/wilayah")
def give_area(
    desk: TheDesk, admin: PeopleAdmin, code: Short, user: Name, away: Annotated[str, Form(max_length=5)] = ""
) -> Response:
    """Give a person an area, or take it away (`away`); the last area cannot be taken, lock them instead.

    Raises:
        HTTPException: 404, when person or area are not this admin's; 409, when it would leave no area or no admin.
    """
    row = _find(desk, admin, user)
    if not valid_area(code) or not inside([code], admin.areas):
        raise HTTPException(404)
    areas = [area for area in row.areas if area != code] if away else [*dict.fromkeys([*row.areas, code])]
    try:
        desk_people.set_role_and_areas(desk.database, row.name, row.role, areas, admin.name, desk.clock)
    except ConfigError:
        raise HTTPException(409) from None
    return RedirectResponse("/admin/wilayah", 303)
