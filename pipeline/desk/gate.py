"""The gate in front of every route: who has no valid sign-in gets no further, whatever the route."""

import asyncio
from collections.abc import Mapping
from urllib.parse import quote

import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.desk.context import Desk
from pipeline.desk.faults import STORE_FAULTS
from pipeline.desk.forms import RECEIPTS_PREFIX
from pipeline.desk.identity import Person, csrf_of, token_hash
from pipeline.desk.metrics import REFUSED
from pipeline.store import people
from pipeline.store.database import explain

log = structlog.get_logger(__name__)

COOKIE = "siaga_session"
OPEN_PATHS = frozenset({"/healthz", "/masuk", "/bahasa", "/masuk/sso", "/masuk/kembali", "/keluar/sso"})
TOUCH_MS = 60_000  # when a sign-in was used is kept to the minute: not every request is a write
OPEN_PREFIX = "/static/"
CAP_PREFIX = "/cap/"
"""The CAP feed has a token of its own, or none where the city publishes it (`pipeline.desk.routes.cap`)."""
BEFORE_NEW_PASSWORD = frozenset({"/sandi", "/keluar"})
NO_STORE = PlainTextResponse("Basis data tidak menjawab.\nThe database does not answer.\n", 503)
SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; "
        "connect-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


def security_headers(tiles: str = "") -> dict[str, str]:
    """Return the headers of every answer; `tiles` is the one server beside this that a page may take pictures from."""
    policy = SECURITY_HEADERS["content-security-policy"]
    return {
        **SECURITY_HEADERS,
        "content-security-policy": policy.replace("data:;", f"data: {tiles};" if tiles else "data:;"),
    }


def is_open(path: str) -> bool:
    """Say whether a path needs no sign-in."""
    return path in OPEN_PATHS or path.startswith((OPEN_PREFIX, CAP_PREFIX, RECEIPTS_PREFIX))


def person_of(desk: Desk, token: str | None) -> Person | None:
    """Return whose sign-in a cookie is; None when it is unknown, over, or of a locked-out person. Reads the store."""
    if not token or len(token) > 200:
        return None
    hashed = token_hash(token)
    with desk.database.reading() as session:
        found = people.live_session(session, hashed, desk.clock(), desk.idle_ms)
    if found is None:
        return None
    row, seen_ms = found
    if desk.clock() - seen_ms >= TOUCH_MS:
        desk.database.transact(lambda session: people.touch_session(session, hashed, desk.clock()))
    return Person(row.name, row.role, tuple(row.areas), row.must_change, hashed, csrf_of(token))


class Gate:
    """ASGI middleware: default-deny. It puts the person into `request.state.person` and adds the security headers."""

    def __init__(self, app: ASGIApp, desk: Desk) -> None:
        self._app, self._desk = app, desk
        self._headers = security_headers(desk.settings.desk.map.origin)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; a websocket is refused, the desk has none."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        request = Request(scope)
        person = None
        if request.cookies.get(COOKIE) and not request.url.path.startswith(OPEN_PREFIX):
            try:
                person = await asyncio.to_thread(person_of, self._desk, request.cookies.get(COOKIE))
            except STORE_FAULTS as error:
                log.error("desk.gate_failed", reason=explain(error))
                REFUSED.labels("store").inc()
                await NO_STORE(scope, receive, _secured(send, self._headers))
                return
        scope.setdefault("state", {})["person"] = person
        refusal = self._refuse(request, person)
        await (refusal or self._app)(scope, receive, _secured(send, self._headers))

    def _refuse(self, request: Request, person: Person | None) -> Response | None:
        """Return the answer for who may not pass; None lets the request through."""
        path = request.url.path
        if is_open(path):
            return None
        if person is None:
            REFUSED.labels("signed_out").inc()
            if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
                return RedirectResponse(f"/masuk?ke={quote(path)}", 303)
            return Response("sign in first\n", 401, media_type="text/plain")
        if person.must_change and path not in BEFORE_NEW_PASSWORD:
            return RedirectResponse("/sandi", 303)
        return None


def _secured(send: Send, security: Mapping[str, str]) -> Send:
    """Return `send` with the security headers on every answer; private pages are kept by no cache."""

    async def secured(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", []))
            names = {name.lower() for name, _ in headers}
            extra = {**security, "cache-control": "no-store"}
            headers += [(k.encode(), v.encode()) for k, v in extra.items() if k.encode() not in names]
            message = {**message, "headers": headers}
        await send(message)

    return secured
