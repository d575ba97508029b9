"""The review of clips: one plays, a key says what it is, the next is loaded already."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, HTTPException, Request
from prometheus_client import Counter
from sqlalchemy.orm import Session
from starlette.responses import Response

from pipeline.city.registry import Camera
from pipeline.desk.agreement import agreements
from pipeline.desk.areas import scope
from pipeline.desk.context import Desk, Reviewer, TheDesk, is_simulated, place_of
from pipeline.desk.finding import VERDICT_WORDS
from pipeline.desk.i18n import mark
from pipeline.desk.identity import Person
from pipeline.desk.pages import render
from pipeline.desk.routes.incident import find
from pipeline.desk.status import read_state
from pipeline.desk.words import local
from pipeline.store.review_tables import Verdict
from pipeline.store.reviews import Claimed, Given, Rules, claim, give, pairs, progress, release
from pipeline.store.tables import EvidenceRow
from pipeline.store.timeline import latest_cursor

router = APIRouter()
VERDICTS = Counter("siaga_desk_verdicts_total", "Verdicts of reviewers by outcome", ["outcome"])
VERDICT_KEYS: Final[dict[str, str]] = {"1": "true", "2": "false", "3": "unsure"}
TAG_WORDS: Final[dict[str, str]] = mark(
    {
        "siang": "siang",
        "malam": "malam",
        "hujan": "hujan",
        "kerumunan": "kerumunan",
        "senjata": "senjata",
        "knalpot": "knalpot",
        "petasan": "petasan",
        "terhalang": "terhalang",
    }
)
TAG_KEYS: Final = dict(zip(TAG_WORDS, "qwertyui", strict=True))
MOST_PAIRS = 10
HANDS_MOST_MS = 3_600_000


def rules_of(desk: Desk) -> Rules:
    """Return how clips are handed out here."""
    section = desk.settings.review
    return Rules(int(section.lease_s * 1000), section.double_every)


def _midnight(desk: Desk) -> int:
    """Return when today began in the city, epoch ms."""
    now = local(desk.clock(), desk.zone)
    return int(now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp() * 1000)


def _clip(desk: Desk, claimed: Claimed) -> dict[str, Any]:
    """Return what the template shows of a clip."""
    camera: Camera | None = desk.registry.cameras.get(claimed.clip.camera)
    ward = desk.registry.kelurahan.get(claimed.incident.kelurahan)
    return {
        "id": claimed.clip.id,
        "incident": claimed.incident.id,
        "kind": claimed.incident.kind,
        "place": place_of(camera) if camera else claimed.clip.camera,
        "ward": ward.name if ward else claimed.incident.kelurahan,
        "at_ms": claimed.incident.first_seen_ms,
        "simulated": is_simulated(camera),
        "second": claimed.second,
    }


def _hand_out(request: Request, desk: Desk, person: Person) -> Response:
    """Lease the next clips, or renew the lease of those that are this person's already, and show them."""
    areas, rules, now = scope(person.areas), rules_of(desk), desk.clock()

    def work(session: Session) -> list[dict[str, Any]]:
        return [_clip(desk, one) for one in claim(session, person.name, areas, rules, now)]

    clips = desk.database.transact(work)
    return render(request, "_review.html", clips=clips, **_standing(desk, person))


def _standing(desk: Desk, person: Person) -> dict[str, Any]:
    """Return progress and agreement."""
    areas = scope(person.areas)
    with desk.database.reading() as session:
        done = progress(session, person.name, areas, rules_of(desk), _midnight(desk))
        agreed = agreements(pairs(session, areas))
    mine = [one for one in agreed if person.name in (one.one, one.other)]
    others = [one for one in agreed if person.name not in (one.one, one.other)]
    return {"progress": done, "agreed": [*mine, *others][:MOST_PAIRS]}


@router.get("/tinjau")
def show_review(request: Request, desk: TheDesk, person: Reviewer) -> Response:
    """Show the page; its script takes the clips, so that merely looking at an address leases nothing."""
    with desk.database.reading() as session:
        values: dict[str, Any] = {"cursor": latest_cursor(session), "state": read_state(desk, person, session)}
    return render(
        request, "review.html", clips=[], verdicts=VERDICT_WORDS, verdict_keys=VERDICT_KEYS, tags=TAG_WORDS,
        tag_keys=TAG_KEYS, lease_ms=rules_of(desk).lease_ms, **values, **_standing(desk, person),
    )  # fmt: skip


@router.post("/tinjau/klip")
def post_claim(request: Request, desk: TheDesk, person: Reviewer) -> Response:
    """Take the next clips, or keep those on the screen for longer."""
    return _hand_out(request, desk, person)


@router.post("/tinjau/putusan")
def post_verdict(
    request: Request,
    desk: TheDesk,
    person: Reviewer,
    token: Annotated[str, Form(min_length=8, max_length=80, pattern=r"^[0-9A-Za-z-]+$")],
    clip: Annotated[int, Form(ge=1, le=2**62)],
    verdict: Annotated[Verdict, Form()],
    tags: Annotated[str, Form(max_length=200)] = "",
    second: Annotated[bool, Form()] = False,
    hands_ms: Annotated[int, Form(ge=0)] = 0,
) -> Response:
    """Write a verdict, however late it comes and however often it is sent; the next clips are the answer.

    Raises:
        HTTPException: 404 where there is no such clip within the person's areas; 422 for an unknown tag.
    """
    chosen = tuple(dict.fromkeys(tags.split()))
    if not set(chosen) <= set(TAG_WORDS):
        raise HTTPException(422)
    given = Given(token, clip, verdict, chosen, second, min(hands_ms, HANDS_MOST_MS))

    def work(session: Session) -> str:
        row = session.get(EvidenceRow, clip)
        if row is None:
            raise HTTPException(404)
        find(session, person, row.incident_id)
        return give(session, person.name, given, desk.clock())

    outcome = desk.database.transact(work)
    VERDICTS.labels(outcome).inc()
    if outcome == "unknown_clip":
        raise HTTPException(404)
    return _hand_out(request, desk, person)


@router.post("/tinjau/lepas", status_code=204)
def post_release(desk: TheDesk, person: Reviewer) -> Response:
    """Give back what was on the screen: the page was closed."""
    desk.database.transact(lambda session: release(session, person.name))
    return Response(status_code=204)
