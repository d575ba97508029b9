"""`/admin/uji`: opening a camera for real, by the grab stage that would read it, and showing what it saw."""

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Path, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from pipeline.desk.camera_editing import FAULTS, SCHEMES
from pipeline.desk.context import CameraAdmin, Desk, TheDesk
from pipeline.desk.i18n import mark
from pipeline.desk.identity import Person
from pipeline.desk.pages import is_part, render
from pipeline.desk.routes.admin_people import page_values
from pipeline.ops.redact import redact_url
from pipeline.store import camera_tests
from pipeline.store.admin_tables import CameraTestRow
from pipeline.store.audit import audit

router = APIRouter()
TAKEN_WITHIN_MS = 15_000
DONE_WITHIN_MS = 60_000
Number = Annotated[int, Path(ge=1, le=2**62)]
BUSY = mark("Beberapa uji masih menunggu. Coba lagi sebentar.")
NOBODY = mark("Proses pembaca kamera tidak menjawab, jadi kamera tidak bisa diuji. Periksa apakah proses itu berjalan.")
STUCK = mark("Uji ini tidak selesai dalam satu menit.")
GOOD = mark("Kamera terhubung dan mengirim gambar.")
OTHER = mark("Kamera tidak bisa dipakai.")
WORDS: dict[str, str] = mark(
    {
        "connection refused": "Sambungan ditolak: alamat atau porta salah, atau kamera mati.",
        "no answer in time": "Kamera tidak menjawab pada waktunya.",
        "user name or password is wrong": "Nama pengguna atau kata sandi kamera salah.",
        "not found": "Alur video itu tidak ada di kamera.",
        "cannot be reached": "Kamera tidak bisa dicapai dari jaringan ini.",
        "the stream ended": "Kamera memutus sambungan.",
        "there is no video in it": "Tidak ada video di alamat itu.",
        "not a readable video": "Yang dikirim bukan video yang bisa dibaca.",
        "the picture is absurdly large": "Ukuran gambar tidak masuk akal.",
        "kind of source is not supported": "Jenis sumber ini tidak didukung.",
        "no picture can be decoded": "Gambarnya tidak bisa dibaca.",
        "the picture is black": "Kamera terhubung, tetapi gambarnya hitam.",
        "the picture shows nothing": "Kamera terhubung, tetapi tidak tampak apa-apa (tertutup?).",
    }
)


def in_words(message: str) -> str:
    """Return what a test found, as a text of the catalogue."""
    return next((text for found, text in WORDS.items() if found in message), OTHER)


@router.post("/admin/uji")
def ask(
    request: Request, desk: TheDesk, person: CameraAdmin,
    id: Annotated[str, Form(max_length=80)] = "",
    url: Annotated[str, Form(max_length=1000)] = "",
) -> Response:  # fmt: skip
    """Ask the grab stage to open a camera: at the typed address, else at the one that is known.

    Raises:
        HTTPException: 404, when no address is typed and there is no such camera in the person's areas.
    """
    id_, url = id.replace("\0", "").strip(), url.replace("\0", "").strip()
    camera = desk.registry.cameras.get(id_)
    if camera is not None and not person.sees(camera.kelurahan):
        camera = None
        url = ""
    if not url and camera is None:
        raise HTTPException(404)
    if url and not url.lower().startswith(SCHEMES):
        return _say(request, desk, person, FAULTS["url"], 400)
    address = url or (camera.url if camera is not None else "")

    def work(session: Session) -> int | None:
        number = camera_tests.ask_test(session, id_, address, person.name, desk.clock())
        if number is not None:
            audit(session, person.name, "camera.tested", id_ or "-", {"address": redact_url(address)}, desk.clock())
        return number

    number = desk.database.transact(work)
    if number is None:
        return _say(request, desk, person, BUSY, 429)
    return RedirectResponse(f"/admin/uji/{number}", 303)


def _say(request: Request, desk: Desk, person: Person, fault: str, status: int) -> Response:
    """Answer with one clear error instead of a test."""
    return _result(request, desk, person, status, number=0, running=False, fault=fault, detail="", picture=False)


def _result(request: Request, desk: Desk, person: Person, status: int, **values: object) -> Response:
    """Render a result: for the page's script alone, else as a page."""
    if is_part(request):
        return render(request, "_camera_test.html", status, **values)
    with desk.database.reading() as session:
        shared = page_values(desk, person, session)
    return render(request, "admin_test.html", status, **values, **shared)


def _find(desk: Desk, person: Person, number: int) -> CameraTestRow:
    """Return a test of this person's.

    Raises:
        HTTPException: 404, when there is none, or it is too old.
    """
    with desk.database.reading() as session:
        row = camera_tests.get_test(session, number)
    if row is None or row.asked_by != person.name or row.asked_ms < desk.clock() - camera_tests.KEPT_MS:
        raise HTTPException(404)
    return row


@router.get("/admin/uji/{number}")
def show(request: Request, desk: TheDesk, person: CameraAdmin, number: Number) -> Response:
    """Show how far a test is: running, a picture, or one clear error."""
    row = _find(desk, person, number)
    age = desk.clock() - row.asked_ms
    fault, running = "", False
    if row.state == "done":
        fault = "" if row.ok else in_words(row.message)
    elif row.state == "waiting" and age > TAKEN_WITHIN_MS:
        fault = NOBODY
    elif age > DONE_WITHIN_MS:
        fault = STUCK
    else:
        running = True
    return _result(
        request, desk, person, 200, number=number, running=running, fault=fault, detail=row.message,
        picture=row.picture is not None,
    )  # fmt: skip


@router.get("/admin/uji/{number}/gambar")
def show_picture(desk: TheDesk, person: CameraAdmin, number: Number) -> Response:
    """Return the picture of a test, to whoever asked for it: it is not masked, because the mask is drawn on it.

    Raises:
        HTTPException: 404, when there is none.
    """
    row = _find(desk, person, number)
    if row.picture is None:
        raise HTTPException(404)
    return Response(row.picture, media_type="image/jpeg", headers={"cache-control": "no-store"})
