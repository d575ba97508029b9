"""The CAP feed: an Atom list of the newest documents, and each document as it was made (docs/alerts.md)."""

import os
from datetime import datetime
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Request
from lxml import etree
from starlette.responses import Response

from pipeline.desk.context import Desk, TheDesk
from pipeline.desk.identity import same
from pipeline.desk.metrics import REFUSED
from pipeline.store import cap
from pipeline.store.channel_tables import CapRow

router = APIRouter()
ATOM = "http://www.w3.org/2005/Atom"
DOCUMENT = "application/cap+xml"


def check_reader(desk: Desk, request: Request) -> None:
    """Let in who may read the feed: everybody if it is public, else who shows the token.

    The token comes as `Authorization: Bearer ...`; readers that cannot send headers may give `?token=...`.

    Raises:
        HTTPException: 404 while the feed is closed, 401 without the right token.
    """
    section = desk.settings.alert.cap
    wanted = os.environ.get(section.feed_token.removeprefix("env:"), "")
    if section.feed == "closed" or (section.feed == "token" and not wanted):
        raise HTTPException(404)
    if section.feed == "public":
        return
    given = request.headers.get("authorization", "").removeprefix("Bearer ") or request.query_params.get("token", "")
    if not same(given, wanted):
        REFUSED.labels("cap_token").inc()
        raise HTTPException(401, headers={"www-authenticate": "Bearer"})


def _answer(content: bytes, media_type: str) -> Response:
    """Return XML."""
    return Response(content, media_type=media_type, headers={"cache-control": "no-cache"})


@router.get("/cap/feed.xml")
def show_feed(request: Request, desk: TheDesk) -> Response:
    """Return the newest documents, newest first."""
    check_reader(desk, request)
    section = desk.settings.alert.cap
    with desk.database.reading() as session:
        rows = list(cap.feed(session, section.feed_entries))
    root = etree.Element(f"{{{ATOM}}}feed", nsmap={None: ATOM})
    _add(root, "id", f"urn:siaga:cap:{quote(section.sender)}")
    _add(root, "title", f"{section.sender_name} · CAP 1.2")
    _add(root, "updated", _when(desk, rows[0].sent_ms if rows else 0))
    author = etree.SubElement(root, f"{{{ATOM}}}author")
    _add(author, "name", section.sender_name)
    etree.SubElement(root, f"{{{ATOM}}}link", rel="self", href=f"{request.base_url}cap/feed.xml")
    for row in rows:
        _entry(desk, root, row, str(request.base_url))
    return _answer(etree.tostring(root, xml_declaration=True, encoding="UTF-8"), "application/atom+xml")


@router.get("/cap/{identifier:path}.xml")
def show_document(request: Request, desk: TheDesk, identifier: str) -> Response:
    """Return one document, to the byte as it was made."""
    check_reader(desk, request)
    with desk.database.reading() as session:
        row = cap.find(session, identifier) or cap.find(session, quote(identifier, safe=":-_.~"))
    if row is None or not row.published:
        raise HTTPException(404)
    return _answer(row.xml.encode(), DOCUMENT)


def _entry(desk: Desk, root: "etree._Element", row: CapRow, base: str) -> None:
    """Add one document to the list."""
    entry = etree.SubElement(root, f"{{{ATOM}}}entry")
    _add(entry, "id", f"urn:siaga:cap:{quote(row.identifier)}")
    _add(entry, "title", row.title)
    _add(entry, "updated", _when(desk, row.sent_ms))
    address = f"{base}cap/{quote(row.identifier, safe=':')}.xml"
    etree.SubElement(entry, f"{{{ATOM}}}link", rel="alternate", type=DOCUMENT, href=address)


def _add(parent: "etree._Element", name: str, text: str) -> None:
    """Add an element of Atom."""
    etree.SubElement(parent, f"{{{ATOM}}}{name}").text = text


def _when(desk: Desk, at_ms: int) -> str:
    """Return a time with the city's offset."""
    return datetime.fromtimestamp(at_ms // 1000, desk.zone).isoformat(timespec="seconds")
