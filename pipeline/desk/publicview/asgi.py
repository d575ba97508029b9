"""The light way in for citizens: `/publik` is answered before sign-in, sessions, routes and database are looked at.

Nothing of the request but its method, path and `If-None-Match` is read, and no answer sets a cookie.
"""

from prometheus_client import Counter
from starlette.types import ASGIApp, Receive, Scope, Send

from pipeline.desk.publicview.view import Answer, PublicView

READS = Counter("siaga_public_reads_total", "Answers to the public by status", ["status"])
_COUNT = {status: READS.labels(str(status)) for status in (200, 304, 404, 405, 503)}
ROOT = "/publik"


class PublicPath:
    """ASGI middleware, the outermost: serves the public view and hands everything else on."""

    def __init__(self, app: ASGIApp, view: PublicView) -> None:
        self._app, self._view = app, view
        self._security = [(name.encode(), value.encode()) for name, value in view.security.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        path = scope.get("path", "")
        if scope["type"] != "http" or not (path == ROOT or path.startswith(ROOT + "/")):
            await self._app(scope, receive, send)
            return
        await self._public(scope, path, send)

    async def _public(self, scope: Scope, path: str, send: Send) -> None:
        """Answer from memory."""
        head = scope["method"] == "HEAD"
        if not head and scope["method"] != "GET":
            await _plain(send, 405, head, self._security)
            return
        answer = self._view.answer(path) if self._view.enabled else None
        if answer is None:
            away = self._view.enabled and path in ("/publik", "/publik/en")
            await _plain(send, 503 if away else 404, head, self._security)
            return
        given = _header(scope, b"if-none-match")
        packed = answer.packed if "gzip" in _header(scope, b"accept-encoding") else None
        body = packed or answer.body
        known = given.strip() == "*" or answer.etag in (tag.strip().removeprefix("W/") for tag in given.split(","))
        headers = self._headers(answer, known, len(body), packed is not None)
        await _send(send, 304 if known else 200, headers, b"" if head or known else body)

    def _headers(self, answer: Answer, known: bool, size: int, packed: bool) -> list[tuple[bytes, bytes]]:
        """Return the headers of an answer."""
        headers = [
            (b"etag", answer.etag.encode()),
            (b"cache-control", f"public, max-age={self._view.every_s}".encode()),
            *self._security,
        ]
        if answer.packed is not None:
            headers.append((b"vary", b"accept-encoding"))
        if not known:
            headers += [(b"content-type", answer.media_type.encode()), (b"content-length", str(size).encode())]
            headers += [(b"content-encoding", b"gzip")] if packed else []
        return headers


def _header(scope: Scope, wanted: bytes) -> str:
    """Return a header of a request; empty when it has none."""
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == wanted), "")


async def _plain(send: Send, status: int, head: bool, security: list[tuple[bytes, bytes]]) -> None:
    """Answer with the status in words."""
    text = {404: b"404\n", 405: b"405\n", 503: b"Belum ada data. Coba lagi sebentar.\nNo data yet. Try again soon.\n"}
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store"), *security]
    if status == 405:
        headers.append((b"allow", b"GET, HEAD"))
    await _send(send, status, [*headers, (b"content-length", str(len(text[status])).encode())],
                b"" if head else text[status])  # fmt: skip


async def _send(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    """Send an answer."""
    _COUNT[status].inc()
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
