"""The live stream of a desk (server-sent events): what changed, by cursor, so that a broken line misses nothing."""

import asyncio
import json
from collections.abc import AsyncIterator
from functools import lru_cache

from fastapi import APIRouter, Request
from starlette.responses import StreamingResponse

from pipeline.desk.context import Desk, Reader, TheDesk
from pipeline.desk.faults import STORE_FAULTS
from pipeline.desk.gate import COOKIE, person_of
from pipeline.desk.hub import Listener, News
from pipeline.desk.identity import Person

router = APIRouter()
TICK_S = 5.0
CHECK_EVERY = 6  # ticks between two looks whether the session still holds
BLIND_MS = 5_000  # the hub has not read the store for this long: no tick, and the desks say that they are blind


@router.get("/arus")
async def stream(request: Request, desk: TheDesk, person: Reader, sejak: int | None = None) -> StreamingResponse:
    """Open the stream behind the cursor of `Last-Event-ID`, else of `sejak`, else from now."""
    last = request.headers.get("last-event-id", "")
    cursor = int(last) if last.isdigit() and len(last) < 19 else sejak
    listener = await desk.hub.listen(person.areas, cursor)
    answer = _lines(desk, listener, person, request.cookies.get(COOKIE))
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(answer, headers=headers, media_type="text/event-stream")


async def _lines(desk: Desk, listener: Listener, person: Person, token: str | None) -> AsyncIterator[str]:
    """Yield the stream's text until the desk closes, the session is over or the browser goes away."""
    closing = asyncio.ensure_future(desk.hub.closing.wait())
    waiting: asyncio.Task[News] | None = None
    ticks = 0
    try:
        yield f"retry: 2000\n{tick(desk.clock())}"
        while not closing.done():
            waiting = waiting or asyncio.ensure_future(listener.queue.get())
            await asyncio.wait({closing, waiting}, timeout=TICK_S, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                yield message(waiting.result())
                waiting = None
            elif not closing.done():
                ticks += 1
                if ticks % CHECK_EVERY == 0 and not await _still_in(desk, person, token):
                    yield "event: out\ndata: \n\n"
                    return
                if desk.hub.fresh(BLIND_MS):
                    yield tick(desk.clock())
    finally:
        closing.cancel()
        if waiting is not None:
            waiting.cancel()
        desk.hub.leave(listener)


async def _still_in(desk: Desk, person: Person, token: str | None) -> bool:
    """Say whether the session holds with the same role and areas; a store that does not answer ends none."""
    try:
        now = await asyncio.to_thread(person_of, desk, token)
    except STORE_FAULTS:
        return True
    return now is not None and (now.role, now.areas) == (person.role, person.areas)


def tick(now_ms: int) -> str:
    """Return the beat by which a desk knows that it is not blind; it carries the server's clock, epoch ms."""
    return f"event: tick\ndata: {now_ms}\n\n"


@lru_cache(maxsize=1024)
def message(news: News) -> str:
    """Return news as an event of the stream; made once for all desks that it goes to."""
    data = json.dumps({"id": news.subject, "what": news.detail}, separators=(",", ":"))
    number = f"id: {news.cursor}\n" if news.cursor else ""
    return f"{number}event: {news.what}\ndata: {data}\n\n"
