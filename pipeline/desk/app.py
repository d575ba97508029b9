"""The desk as an ASGI application."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from zoneinfo import ZoneInfo

import structlog
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from pipeline.city.registry import Registry
from pipeline.desk import assets
from pipeline.desk.context import Desk
from pipeline.desk.faults import STORE_FAULTS
from pipeline.desk.forms import check_csrf
from pipeline.desk.gate import Gate
from pipeline.desk.hub import Hub
from pipeline.desk.i18n import mark
from pipeline.desk.maps import CityMap
from pipeline.desk.metrics import CountRequests
from pipeline.desk.pages import is_part, render
from pipeline.desk.plan_room import PlanningRoom
from pipeline.desk.publicview.asgi import PublicPath
from pipeline.desk.publicview.view import PublicView
from pipeline.desk.routes import (
    admin_cameras,
    admin_people,
    audit,
    camera_tests,
    cameras,
    cap,
    dead_letters,
    drills,
    events,
    forward,
    handover,
    health,
    inbox,
    incident,
    media,
    needs,
    oidc,
    package,
    plans,
    push,
    receipts,
    review,
    search,
    signin,
    stills,
    wall,
)
from pipeline.desk.routes import map as map_routes
from pipeline.desk.scores import ScoreKeeper
from pipeline.desk.signing import Signer
from pipeline.desk.stills import LiveStills
from pipeline.desk.throttle import Throttle
from pipeline.ops.clock import Clock, now_ms
from pipeline.ops.health import Report
from pipeline.ops.settings import Settings
from pipeline.store.anchors import AnchorKeeper
from pipeline.store.database import Database, explain
from pipeline.store.evidence import EvidenceStore
from pipeline.store.following import LiveCity

log = structlog.get_logger(__name__)

FAULTS = mark(
    {
        400: "Permintaan tidak lengkap.",
        403: "Anda tidak berhak melakukan ini.",
        404: "Tidak ditemukan di wilayah Anda.",
        405: "Tidak bisa dilakukan dengan cara ini.",
        422: "Permintaan tidak lengkap.",
        503: "Basis data tidak menjawab. Coba lagi sebentar.",
    }
)
STALE_FORM = mark("Halaman ini sudah lama. Muat ulang, lalu coba lagi.")


PARTS = (
    signin,
    oidc,
    admin_people,
    admin_cameras,
    camera_tests,
    audit,
    inbox,
    incident,
    forward,
    media,
    events,
    cameras,
    health,
    cap,
    push,
    review,
    package,
    search,
    stills,
    wall,
    map_routes,
    needs,
    plans,
    handover,
    drills,
    dead_letters,
    receipts,
)
"""Modules of `routes`; the order is of no account, as no two answer the same path."""


def create_app(
    settings: Settings,
    registry: Registry,
    database: Database,
    evidence: EvidenceStore,
    clock: Clock = now_ms,
    report: Report | None = None,
) -> FastAPI:
    """Make the desk.

    Args:
        settings: The configuration.
        registry: Cameras and kelurahan.
        database: Migrated; the desk closes neither it nor the evidence store.
        evidence: Stills and clips.
        clock: Time now, epoch ms.
        report: Where the desk's own health goes.
    """
    zone = ZoneInfo(settings.city.timezone)
    city = LiveCity(database, registry)
    registry = city.registry
    hub = Hub(database, registry, clock, int(settings.ops.stale_after_s * 1000), report)
    desk = Desk(
        settings, registry, database, evidence, clock, zone, Throttle(database, clock), hub, Signer(database, clock)
    )
    app = FastAPI(
        title="Siaga", docs_url=None, redoc_url=None, openapi_url=None, lifespan=_lifespan,
        dependencies=[Depends(check_csrf)],
    )  # fmt: skip
    app.state.desk, app.state.city = desk, city
    app.state.anchors = AnchorKeeper(settings, database, clock)
    app.state.city_map = CityMap(settings, registry)
    app.state.planning = PlanningRoom(settings, registry, app.state.city_map.boundaries, database, clock)
    for part in PARTS:
        app.include_router(part.router)
    assets.mount(app)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _incomplete)
    for fault in STORE_FAULTS:
        app.add_exception_handler(fault, _store_down)
    app.add_middleware(Gate, desk=desk)
    app.add_middleware(CountRequests)
    app.state.scores = ScoreKeeper(settings.bus, database, clock)
    app.state.stills = LiveStills(settings.bus, registry.cameras, clock)
    app.state.public = PublicView(settings, registry, database, clock, app.state.city_map)
    app.add_middleware(PublicPath, view=app.state.public)  # the outermost: the public meets nothing else
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Run the hub while the application is served."""
    hub = app.state.desk.hub
    polling = asyncio.create_task(hub.run())
    stop = threading.Event()
    beside = [
        threading.Thread(target=work, args=(stop,), name=name, daemon=True)
        for name, work in (("desk-cameras", app.state.city.follow), ("audit-anchors", app.state.anchors.run))
    ]
    for thread in beside:
        thread.start()
    app.state.public.start()
    app.state.scores.start()
    try:
        yield
    finally:
        hub.close()
        stop.set()
        await asyncio.to_thread(app.state.planning.jobs.close)
        await asyncio.to_thread(app.state.stills.close)
        await asyncio.to_thread(app.state.scores.close)
        await asyncio.to_thread(app.state.public.close)
        await polling
        for thread in beside:
            await asyncio.to_thread(thread.join, 5)


def _say(request: Request, status: int, text: str) -> Response:
    """Answer with one sentence: as a note to the page's script, as a page to a browser, else as plain text."""
    if not is_part(request) and "text/html" not in request.headers.get("accept", ""):
        return PlainTextResponse(f"{status}\n", status)
    return render(request, "_note.html" if is_part(request) else "error.html", status, text=text, values={})


def _refused(request: Request, error: Exception) -> Response:
    """Answer an HTTP error in words."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    stale = isinstance(error, HTTPException) and error.detail == "csrf"
    answer = _say(request, status, STALE_FORM if stale else FAULTS.get(status, FAULTS[400]))
    answer.headers.update((isinstance(error, HTTPException) and error.headers) or {})
    return answer


def _incomplete(request: Request, _error: Exception) -> Response:
    """Answer a form or address that does not hold to its route's types."""
    return _say(request, 422, FAULTS[422])


def _store_down(request: Request, error: Exception) -> Response:
    """Answer while the database or the evidence store does not; the next try may succeed."""
    log.error("desk.store_failed", path=request.url.path, reason=explain(error))
    return _say(request, 503, FAULTS[503])
