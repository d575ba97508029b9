"""`/admin/kamera`: adding, changing and removing cameras, and the mask of each."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from pipeline.city.edits import COLUMNS, cells_of
from pipeline.city.registry import CATEGORIES, DEFAULT_KINDS, KINDS, Camera
from pipeline.desk.camera_editing import FAULTS, CameraForm, FormError, keep_camera, set_state
from pipeline.desk.context import CameraAdmin, Desk, TheDesk
from pipeline.desk.finding import CATEGORY_WORDS
from pipeline.desk.i18n import mark
from pipeline.desk.identity import Person
from pipeline.desk.pages import render
from pipeline.desk.routes.admin_people import page_values
from pipeline.ops.redact import redact_url
from pipeline.store import camera_tests
from pipeline.store.camera_edits import get_edit
from pipeline.store.following import LiveCity

router = APIRouter()
PAGE = 200
EMPTY = {**dict.fromkeys(COLUMNS, ""), "kinds": ";".join(Camera.kinds)}
DONE = mark(
    {
        "tambah": "Kamera ditambahkan. Proses pembaca mulai membacanya dalam beberapa detik.",
        "ubah": "Disimpan. Semua proses memakainya dalam beberapa detik.",
        "hapus": "Kamera dihapus dari pengawasan.",
        "kembali": "Kamera kembali seperti di berkas registri.",
        "masker": "Masker disimpan.",
    }
)
Text = Annotated[str, Form(max_length=200)]
Degrees = Annotated[str, Form(max_length=30)]
Words = Annotated[list[str], Form(max_length=40)]


def city_of(request: Request) -> LiveCity:
    """Return the registry that is served, with what the file says beside it."""
    city: LiveCity = request.app.state.city
    return city


def find_camera(desk: Desk, person: Person, camera_id: str) -> Camera:
    """Return a camera of the person's areas.

    Raises:
        HTTPException: 404, when there is none.
    """
    camera = desk.registry.cameras.get(camera_id)
    if camera is None or not person.sees(camera.kelurahan):
        raise HTTPException(404)
    return camera


def read_form(
    name: Text,
    kelurahan: Annotated[str, Form(max_length=20)],
    lat: Annotated[str, Form(max_length=30)],
    lng: Annotated[str, Form(max_length=30)],
    id: Annotated[str, Form(max_length=100)] = "",
    url: Annotated[str, Form(max_length=1000)] = "",
    owner: Text = "",
    bearing: Degrees = "",
    angle: Degrees = "",
    range_m: Degrees = "",
    categories: Words = [],  # noqa: B006 - FastAPI copies defaults
    kinds: Words = [],  # noqa: B006
    public: Annotated[str, Form(max_length=5)] = "",
) -> CameraForm:
    """Return the camera of a form; PostgreSQL takes no NUL in a text."""
    given = {
        "id": id, "name": name, "url": url, "kelurahan": kelurahan, "lat": lat, "lng": lng, "owner": owner,
        "bearing": bearing, "angle": angle, "range_m": range_m,
    }  # fmt: skip
    texts = {field: text.replace("\0", "").strip() for field, text in given.items()}
    return CameraForm(**texts, categories=tuple(categories), kinds=tuple(kinds), public=public == "ya")


@router.get("/admin/kamera")
def show_cameras(
    request: Request, desk: TheDesk, person: CameraAdmin, cari: Annotated[str, Query(max_length=100)] = "",
    selesai: Annotated[str, Query(max_length=20)] = "",
) -> Response:  # fmt: skip
    """Show the cameras of the person's areas, those whose words hold `cari`."""
    city, wards = city_of(request), desk.registry.kelurahan
    word = cari.strip().casefold()
    found = []
    for camera in desk.cameras_of(person):
        ward = wards.get(camera.kelurahan)
        text = f"{camera.id} {camera.name} {camera.kelurahan} {ward.name if ward else ''} {camera.owner}".casefold()
        if word in text:
            found.append((camera, ward.name if ward else camera.kelurahan, city.file.cameras.get(camera.id) != camera))
    with desk.database.reading() as session:
        shared = page_values(desk, person, session)
    return render(
        request, "admin_cameras.html", found=found[:PAGE], count=len(found), word=cari, done=DONE.get(selesai, ""),
        **shared,
    )  # fmt: skip


TypedCamera = Annotated[CameraForm, Depends(read_form)]


def _form(
    request: Request, desk: Desk, person: Person, camera: Camera | None, status: int = 200, **values: Any
) -> Response:
    """Render the form of a camera; its address is shown without credentials and need not be typed again."""
    with desk.database.reading() as session:
        shared = page_values(desk, person, session)
        edit = get_edit(session, camera.id) if camera is not None else None
        by = (edit.changed_by, edit.changed_ms) if edit is not None and edit.state == "set" else None
    cells = {**EMPTY, "kinds": ";".join(DEFAULT_KINDS), **(cells_of(camera) if camera is not None else {})}
    wards = sorted((w.code, w.name) for w in desk.registry.kelurahan.values() if person.sees(w.code))
    given: Mapping[str, Any] = {"fault": "", "done": "", **values}
    return render(
        request, "admin_camera.html", status, camera=camera, cells={**cells, **values.get("typed", {})}, given=given,
        address=redact_url(camera.url) if camera is not None else "", by=by, wards=wards, kinds=KINDS,
        categories={name: CATEGORY_WORDS[name] for name in CATEGORIES},
        in_file=camera is not None and camera.id in city_of(request).file.cameras, **shared,
    )  # fmt: skip


def _typed(form: CameraForm) -> dict[str, str]:
    """Return what was typed, for the form that is shown again; a typed address is not given back."""
    return {
        "id": form.id, "name": form.name, "kelurahan": form.kelurahan, "lat": form.lat, "lng": form.lng,
        "owner": form.owner, "categories": ";".join(form.categories), "kinds": ";".join(form.kinds),
        "public": "ya" if form.public else "", "bearing": form.bearing, "angle": form.angle, "range_m": form.range_m,
    }  # fmt: skip


@router.get("/admin/kamera/baru")
def show_new(request: Request, desk: TheDesk, person: CameraAdmin) -> Response:
    """Show the form of a new camera."""
    return _form(request, desk, person, None)


@router.post("/admin/kamera/baru")
def add_camera(request: Request, desk: TheDesk, person: CameraAdmin, form: TypedCamera) -> Response:
    """Add a camera."""
    if form.id in desk.registry.cameras:
        return _form(request, desk, person, None, 400, fault=FAULTS["taken"], typed=_typed(form))
    try:
        camera = keep_camera(desk, city_of(request), person, form.cells(None), "camera.added")
    except FormError as fault:
        return _form(request, desk, person, None, 400, fault=FAULTS[str(fault)], typed=_typed(form))
    return RedirectResponse(f"/admin/kamera/{camera.id}?selesai=tambah", 303)


@router.get("/admin/kamera/{camera_id}")
def show_camera(
    request: Request, desk: TheDesk, person: CameraAdmin, camera_id: str,
    selesai: Annotated[str, Query(max_length=20)] = "",
) -> Response:  # fmt: skip
    """Show one camera's form."""
    return _form(request, desk, person, find_camera(desk, person, camera_id), done=DONE.get(selesai, ""))


@router.post("/admin/kamera/{camera_id}")
def change_camera(request: Request, desk: TheDesk, person: CameraAdmin, camera_id: str, form: TypedCamera) -> Response:
    """Change a camera; its id stays."""
    camera = find_camera(desk, person, camera_id)
    form = replace(form, id=camera.id)
    try:
        keep_camera(desk, city_of(request), person, form.cells(camera), "camera.changed")
    except FormError as fault:
        return _form(request, desk, person, camera, 400, fault=FAULTS[str(fault)], typed=_typed(form))
    return RedirectResponse(f"/admin/kamera/{camera.id}?selesai=ubah", 303)


@router.post("/admin/kamera/{camera_id}/hapus")
def remove_camera(request: Request, desk: TheDesk, person: CameraAdmin, camera_id: str) -> Response:
    """Watch a camera no more; its incidents and evidence stay."""
    camera = find_camera(desk, person, camera_id)
    set_state(desk, city_of(request), person, camera.id, "removed")
    return RedirectResponse("/admin/kamera?selesai=hapus", 303)


@router.post("/admin/kamera/{camera_id}/kembali")
def revert_camera(request: Request, desk: TheDesk, person: CameraAdmin, camera_id: str) -> Response:
    """Let a camera be as the file says; also one that was removed at the desk.

    Raises:
        HTTPException: 404, when the file has no such camera in the person's areas.
    """
    file = city_of(request).file.cameras.get(camera_id)
    if file is None or not person.sees(file.kelurahan):
        raise HTTPException(404)
    set_state(desk, city_of(request), person, file.id, "file")
    return RedirectResponse(f"/admin/kamera/{file.id}?selesai=kembali", 303)


def _mask_page(
    request: Request, desk: Desk, person: Person, camera: Camera, status: int = 200, **values: Any
) -> Response:
    """Render the drawing of the mask over the newest picture that this person had taken."""

    def newest(session: Session) -> int | None:
        return camera_tests.newest_picture(session, camera.id, person.name, desk.clock() - camera_tests.KEPT_MS)

    with desk.database.reading() as session:
        shared, number = page_values(desk, person, session), newest(session)
    given = {"fault": "", "masks": cells_of(camera)["masks"] or "[]", **values}
    return render(request, "admin_mask.html", status, camera=camera, given=given, number=number, **shared)


@router.get("/admin/kamera/{camera_id}/masker")
def show_mask(request: Request, desk: TheDesk, person: CameraAdmin, camera_id: str) -> Response:
    """Show the drawing of the mask."""
    return _mask_page(request, desk, person, find_camera(desk, person, camera_id))


@router.post("/admin/kamera/{camera_id}/masker")
def keep_mask(
    request: Request, desk: TheDesk, person: CameraAdmin, camera_id: str,
    masks: Annotated[str, Form(max_length=100_000)] = "[]",
) -> Response:  # fmt: skip
    """Keep the polygons, a JSON list of lists of [x, y] within 0..1."""
    camera = find_camera(desk, person, camera_id)
    cells = {**cells_of(camera), "masks": "" if masks.strip() == "[]" else masks.strip()}
    try:
        keep_camera(desk, city_of(request), person, cells, "camera.masks_changed")
    except FormError as fault:
        return _mask_page(request, desk, person, camera, 400, fault=FAULTS[str(fault)], masks=masks)
    return RedirectResponse(f"/admin/kamera/{camera.id}?selesai=masker", 303)
