"""What the desk counts: requests by route template (never by path, which holds ids), clients, decisions."""

from typing import Any

from prometheus_client import Counter, Gauge
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUESTS = Counter("siaga_desk_requests_total", "Requests by route and status", ["route", "method", "status"])
STREAMS = Gauge("siaga_desk_streams", "Open desks that listen for events", multiprocess_mode="livesum")
DECISIONS = Counter("siaga_desk_decisions_total", "Decisions by outcome", ["decision", "outcome"])
SIGN_INS = Counter("siaga_desk_sign_ins_total", "Sign-ins by outcome", ["outcome"])
REFUSED = Counter("siaga_desk_refused_total", "Requests that were not let through, by reason", ["reason"])
POLLS_FAILED = Counter("siaga_desk_polls_failed_total", "Looks into the store that failed", ["reason"])


class CountRequests:
    """ASGI middleware: counts each request once its answer begins."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                REQUESTS.labels(route_of(scope), scope["method"], str(message["status"])).inc()
            await send(message)

        await self._app(scope, receive, counted)


def route_of(scope: Scope) -> str:
    """Return the template of the route that answers; `-` when none did."""
    route: Any = scope.get("route")
    return str(getattr(route, "path", "-")) if route is not None else "-"
