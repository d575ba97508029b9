"""The evidence package of an incident, made while it is downloaded; who takes it is written down first."""

import re
from collections.abc import Iterator

from fastapi import APIRouter
from starlette.responses import Response, StreamingResponse

from pipeline.desk.context import Desk, Reader, TheDesk
from pipeline.desk.evidence_package import Package, contents_of, read_facts
from pipeline.desk.routes.incident import IncidentId, find
from pipeline.store.audit import audit

router = APIRouter()
UNSAFE = re.compile(r"[^0-9A-Za-z._-]")


@router.get("/kejadian/{incident_id}/paket.zip")
def get_package(desk: TheDesk, person: Reader, incident_id: IncidentId) -> Response:
    """Return the zip; a still or clip that cannot be read ends it without its manifest, and it does not open."""
    with desk.database.reading() as session:
        facts = read_facts(session, find(session, person, incident_id))
    contents = contents_of(desk, facts, person.name)
    detail = {"files": len(contents.files) + len(contents.media)}
    desk.database.transact(
        lambda session: audit(session, person.name, "package.taken", incident_id, detail, desk.clock())
    )
    name = UNSAFE.sub("_", f"siaga-{incident_id}.zip")
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(_pieces(desk, Package(desk, contents), person.name, incident_id), 200, headers,
                             "application/zip")  # fmt: skip


def _pieces(desk: Desk, package: Package, who: str, incident_id: str) -> Iterator[bytes]:
    """Yield the zip; once all of it went out, the sha256 of its manifest goes into the audit."""
    yield from (piece for piece in package.stream() if piece)
    detail = {"manifest_sha256": package.manifest_sha256}
    desk.database.transact(lambda session: audit(session, who, "package.sent", incident_id, detail, desk.clock()))
