"""`/audit`: who did what, with filters, and whether the chain holds."""

import json
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from pipeline.desk.context import AuditReader, Desk, TheDesk
from pipeline.desk.identity import Person
from pipeline.desk.pages import render
from pipeline.desk.routes.admin_people import page_values
from pipeline.ops.errors import ConfigError
from pipeline.store import audit as chain
from pipeline.store.anchors import anchor_file, kept_anchors

router = APIRouter()
PAGE = 100
Word = Annotated[str, Query(max_length=200)]


def day_ms(desk: Desk, text: str, days: int = 0) -> int | None:
    """Return the beginning of a day of the city as epoch ms, so many days later; None for what is no day."""
    try:
        return int((datetime.fromisoformat(text).replace(tzinfo=desk.zone) + timedelta(days)).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def _lines(entries: list[chain.Entry]) -> list[dict[str, Any]]:
    """Return rows with their detail as (key, value) pairs."""
    shown = []
    for entry in entries:
        detail = json.loads(entry.detail)
        pairs = [(key, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
                 for key, value in detail.items()] if isinstance(detail, dict) else []  # fmt: skip
        shown.append({"row": entry, "detail": [(key, text[:400]) for key, text in pairs]})
    return shown


def _show(request: Request, desk: Desk, person: Person, whole: bool, **asked: str) -> Response:
    """Render a page of rows that match, and the state of the chain: its end each time, the whole where asked."""
    asked = {name: value.replace("\0", "").strip() for name, value in asked.items()}
    before = int(asked["n"]) if asked["n"].isascii() and asked["n"].isdigit() and len(asked["n"]) < 19 else None
    try:
        anchors, trouble = kept_anchors(desk.settings), ""
    except ConfigError as error:
        anchors, trouble = [], str(error)
    conditions = chain.conditions_of(
        asked["siapa"], asked["apa"], asked["tentang"], day_ms(desk, asked["sejak"]), day_ms(desk, asked["sampai"], 1)
    )
    with desk.database.reading() as session:
        verdict = chain.verify(session, anchors) if whole else chain.verify_end(session, anchors)
        found = chain.find_entries(session, conditions, before, PAGE + 1)
        values: dict[str, Any] = {"head": chain.anchor(session), "kinds": chain.kinds_of(session)}
        values |= page_values(desk, person, session)
    older = urlencode({**{k: v for k, v in asked.items() if v}, "n": found[PAGE - 1].n}) if len(found) > PAGE else ""
    return render(
        request, "audit.html", lines=_lines(found[:PAGE]), verdict=verdict, whole=whole, trouble=trouble, asked=asked,
        anchors=len(anchors), keeps=anchor_file(desk.settings) is not None, older=older, **values,
    )  # fmt: skip


@router.get("/audit")
def show_audit(
    request: Request, desk: TheDesk, person: AuditReader, siapa: Word = "", apa: Word = "", tentang: Word = "",
    sejak: Word = "", sampai: Word = "", n: Word = "",
) -> Response:  # fmt: skip
    """Show the newest rows that match; the last 500 rows of the chain are checked each time."""
    return _show(request, desk, person, False, siapa=siapa, apa=apa, tentang=tentang, sejak=sejak, sampai=sampai, n=n)


@router.post("/audit/periksa")
def check_audit(request: Request, desk: TheDesk, person: AuditReader) -> Response:
    """Check the whole chain, as `siaga audit verify` does, and show what was found."""
    none = dict.fromkeys(("siapa", "apa", "tentang", "sejak", "sampai", "n"), "")
    return _show(request, desk, person, True, **none)
