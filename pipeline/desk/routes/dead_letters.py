"""Notices that were given up: whom Siaga could not tell, why, and a button that sends again."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Path, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from pipeline.desk.areas import scope
from pipeline.desk.context import Desk, Resender, TheDesk, place_of
from pipeline.desk.i18n import mark, translate
from pipeline.desk.identity import Person
from pipeline.desk.metrics import REFUSED
from pipeline.desk.pages import is_part, language_of, render
from pipeline.desk.status import read_state
from pipeline.desk.story import Reader as Reads
from pipeline.store import dead_letters
from pipeline.store.dead_letters import Letter
from pipeline.store.timeline import latest_cursor

router = APIRouter()
MOST = 200
MOST_NUMBER = 2**63 - 1
"""The database counts no further."""
SENT_AGAIN = mark("Dikirim ulang: {n} kabar. Hasilnya ada di urutan kejadian.")
GONE = mark("Kabar ini sudah dikirim ulang oleh orang lain.")
NOTICES = mark(
    {
        "opened": "Kejadian baru",
        "updated": "Perkembangan",
        "closed": "Tidak terlihat lagi",
        "forwarded": "Terusan",
        "escalated": "Eskalasi",
        "digest": "Ringkasan",
        "still": "Gambar",
        "test": "Uji coba",
        "drill": "Latihan",
    }
)


@dataclass(frozen=True)
class LetterView:
    """A notice that was given up, in words; `incident` is empty for a drill; epoch ms."""

    number: int
    incident: str
    kind: str
    place: str
    notice: str
    target: str
    reason: str
    attempts: int
    created_ms: int
    dead_ms: int


@router.get("/kabar-gagal")
def show_letters(request: Request, desk: TheDesk, person: Resender) -> Response:
    """Show the notices of the person's areas that were given up, the newest first, by target."""
    with desk.database.reading() as session:
        letters = dead_letters.letters(session, scope(person.areas), MOST + 1)
        cursor, state = latest_cursor(session), read_state(desk, person, session)
    reads = _reads(request, desk)
    groups: dict[str, list[LetterView]] = {}
    for letter in letters[:MOST]:
        groups.setdefault(letter.row.target, []).append(_view(desk, reads, letter))
    return render(
        request, "dead_letters.html", cursor=cursor, state=state, groups=groups, more=len(letters) > MOST,
        names={target: reads.target(target) for target in groups}, notices=NOTICES,
    )  # fmt: skip


def _reads(request: Request, desk: Desk) -> Reads:
    """Return the names that a page of this reader uses."""
    language = language_of(request)
    wards = {ward.code: ward.name for ward in desk.registry.kelurahan.values()}
    return Reads(language, partial(translate, language), {}, wards)


def _view(desk: Desk, reads: Reads, letter: Letter) -> LetterView:
    """Return a letter in words."""
    row, incident = letter.row, letter.incident
    camera = desk.registry.cameras.get(incident.camera) if incident is not None else None
    known = place_of(camera) if camera is not None else incident.camera if incident is not None else ""
    return LetterView(
        number=row.id,
        incident=incident.id if incident is not None else "",
        kind=incident.kind if incident is not None else "",
        place=known or reads.wards.get(letter.place, letter.place),
        notice=row.notice,
        target=row.target,
        reason=row.last_error or "",
        attempts=row.attempts,
        created_ms=row.created_ms,
        dead_ms=row.next_at_ms,
    )


@router.post("/kabar-gagal/{number}/kirim")
def post_resend(
    request: Request, desk: TheDesk, person: Resender, number: Annotated[int, Path(ge=1, le=MOST_NUMBER)]
) -> Response:
    """Send one notice again; 409 when somebody did already.

    Raises:
        HTTPException: 404, also for one outside the person's areas.
    """

    def work(session: Session) -> bool:
        place = dead_letters.place_of(session, number)
        if place is None or not person.sees(place):
            REFUSED.labels("area" if place is not None else "unknown").inc()
            raise HTTPException(404)
        return dead_letters.resend(session, number, desk.clock(), person.name)

    return _say(request, int(desk.database.transact(work)))


@router.post("/kabar-gagal/kirim")
def post_resend_all(
    request: Request, desk: TheDesk, person: Resender, target: Annotated[str, Form(max_length=160)]
) -> Response:
    """Send everything again that was given up for a target within the person's areas."""
    return _say(request, desk.database.transact(lambda session: _resend_all(session, desk, person, target)))


def _resend_all(session: Session, desk: Desk, person: Person, target: str) -> int:
    """Put back every row of a target, the oldest first; return how many."""
    numbers = [letter.row.id for letter in dead_letters.letters(session, scope(person.areas), MOST, target)]
    return sum(dead_letters.resend(session, number, desk.clock(), person.name) for number in sorted(numbers))


def _say(request: Request, sent: int) -> Response:
    """Answer a form: the page's script gets a note, a plain form goes back to the page."""
    if sent and not is_part(request):
        return RedirectResponse("/kabar-gagal", 303)
    template = "_note.html" if is_part(request) else "error.html"
    return render(request, template, 200 if sent else 409, text=SENT_AGAIN if sent else GONE, values={"n": sent})
