"""Stills and clips, to whoever may see their incident; a video element asks for ranges of bytes."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Request
from starlette.responses import Response, StreamingResponse

from pipeline.desk.context import Desk, Reader, TheDesk
from pipeline.desk.identity import Person
from pipeline.desk.metrics import REFUSED
from pipeline.desk.ranges import Span, UnsatisfiableError, parse_range
from pipeline.desk.routes.incident import find
from pipeline.store.audit import audit_once
from pipeline.store.tables import EvidenceRow

router = APIRouter()
ONE_VIEW_MS = 10 * 60_000  # a clip that loops, or is fetched in ranges, is one view
CHUNK = 256 * 1024
TYPES = {"still": "image/jpeg", "clip": "video/mp4"}


@router.api_route("/media/{number}", methods=["GET", "HEAD"])
def get_media(
    request: Request, desk: TheDesk, person: Reader, number: Annotated[int, Path(ge=1, le=2**62)], t: str = ""
) -> Response:
    """Return a still or clip, or the range of it that is asked for; `t` is the signature of the link.

    The area is looked at before the signature, so that a wrong link tells nothing of what lies elsewhere.
    """
    with desk.database.reading() as session:
        row = session.get(EvidenceRow, number)
        if row is None or row.removed_ms is not None:
            raise HTTPException(404)
        find(session, person, row.incident_id)
    fault = desk.signer.fault(number, person, t)
    if fault:
        REFUSED.labels(f"link_{fault}").inc()
        raise HTTPException(403)
    tag = f'"{row.sha256}"'
    headers = {"accept-ranges": "bytes", "etag": tag, "cache-control": "private, max-age=3600"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    # A range of something that has changed since would splice two videos together.
    usable = request.headers.get("if-range") in (None, tag)
    try:
        span = parse_range(request.headers.get("range") if usable else None, row.bytes)
    except UnsatisfiableError:
        return Response(status_code=416, headers={**headers, "content-range": f"bytes */{row.bytes}"})
    whole = span or Span(0, row.bytes, row.bytes)
    headers["content-length"] = str(whole.end - whole.start)
    if span is not None:
        headers["content-range"] = span.header
    if request.method == "HEAD":
        return Response(status_code=206 if span else 200, headers=headers, media_type=TYPES[row.kind])
    if row.kind == "clip":
        _record_view(desk, person, row)
    return _send(desk, row, whole, headers, 206 if span else 200)


def _record_view(desk: Desk, person: Person, row: EvidenceRow) -> None:
    """Write down who looks at a clip, before the first byte of it goes out: no record, no clip."""
    detail = {"incident": row.incident_id, "camera": row.camera, "sha256": row.sha256}
    desk.database.transact(
        lambda session: audit_once(session, person.name, "clip.viewed", str(row.id), detail, desk.clock(), ONE_VIEW_MS)
    )


def _send(desk: Desk, row: EvidenceRow, span: Span, headers: dict[str, str], status: int) -> Response:
    """Stream the bytes; the first chunk is read before the answer begins, so that a missing object is a 404."""
    chunks = _chunks(desk, row.key, span)
    try:
        first = next(chunks, b"")
    except FileNotFoundError:
        raise HTTPException(404) from None

    def all_chunks() -> Iterator[bytes]:
        yield first
        yield from chunks

    return StreamingResponse(all_chunks(), status, headers, TYPES[row.kind])


def _chunks(desk: Desk, key: str, span: Span) -> Iterator[bytes]:
    """Read a span in pieces, so that a clip is never whole in memory."""
    for start in range(span.start, span.end, CHUNK):
        yield desk.evidence.get_range(key, start, min(start + CHUNK, span.end))
