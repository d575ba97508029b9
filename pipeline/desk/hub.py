"""One look into the store for all open desks: new events and camera changes are fanned out to who may see them."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal, TypeVar

import structlog

from pipeline.city.registry import Registry
from pipeline.desk.areas import scope, sees
from pipeline.desk.faults import STORE_FAULTS
from pipeline.desk.health import judge
from pipeline.desk.metrics import POLLS_FAILED, STREAMS
from pipeline.ops.clock import Clock
from pipeline.ops.health import Report, StageHealth
from pipeline.store.cameras import brief_states
from pipeline.store.database import Database, explain
from pipeline.store.health import StoredHealth, list_health
from pipeline.store.timeline import Event, events_after, latest_cursor

log = structlog.get_logger(__name__)

T = TypeVar("T")
POLL_S = 0.25
CAMERAS_EVERY = 2  # polls between two looks at the camera states: 0.5 s, so that a desk knows within a second
HEALTH_EVERY = 8  # polls between two looks at the stages' health: 2 s
REPORT_MS = 2_000
BACKLOG = 500
QUEUE = 256


@dataclass(frozen=True)
class News:
    """What a desk must show: an event of an incident, a camera or stage that changed, `again`: fetch it all.

    It is for who may see `kelurahan`, or one of the neighbours in `also`.
    """

    what: Literal["incident", "camera", "health", "again"]
    cursor: int = 0
    subject: str = ""
    kelurahan: str = ""
    detail: str = ""
    also: tuple[str, ...] = ()


@dataclass(eq=False)
class Listener:
    """One open desk; `queue` holds what it has not been sent yet, `cursor` is the last event that was put there."""

    areas: Sequence[str]
    cursor: int = 0
    queue: asyncio.Queue[News] = field(default_factory=lambda: asyncio.Queue(QUEUE))

    def offer(self, news: News) -> None:
        """Queue news within the listener's areas; a desk that is too slow is told to fetch everything again."""
        places = (news.kelurahan, *news.also)
        if news.what not in ("again", "health") and not any(sees(self.areas, place) for place in places):
            return
        if news.what == "incident":
            if news.cursor <= self.cursor:
                return
            self.cursor = news.cursor
        if self.queue.full():
            self.drain()
            news = News("again", news.cursor)
        self.queue.put_nowait(news)

    def drain(self) -> list[News]:
        """Take everything out of the queue."""
        return [self.queue.get_nowait() for _ in range(self.queue.qsize())]


class Hub:
    """Polls the store in one task and tells every listener. Use within one event loop."""

    def __init__(
        self, database: Database, registry: Registry, clock: Clock, stale_ms: int, report: Report | None = None
    ) -> None:
        self._database, self._registry, self._clock, self._report = database, registry, clock, report
        self._told_ms = 0
        self._stale_ms = stale_ms
        self._well: tuple[bool, ...] | None = None
        self._listeners: set[Listener] = set()
        self._cursor = 0
        self._cameras: Mapping[str, tuple[str, str]] | None = None
        self.polled_ms = 0
        self.closing = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "desk-hub")  # its own: it must not queue behind hundreds of requests

    async def run(self) -> None:
        """Poll until `close`; a failing store is logged, counted and polled again."""
        turn, failing = 0, False
        while not self.closing.is_set():
            try:
                if not self.polled_ms:
                    self._cursor = await self._read(self._latest)
                await self._poll(turn)
                self.polled_ms, turn = self._clock(), turn + 1
                if failing:
                    log.info("desk.poll_recovered")
                failing = False
                self._say(True, "reads the store")
            except STORE_FAULTS as error:
                POLLS_FAILED.labels("store").inc()
                if not failing:
                    log.error("desk.poll_failed", reason=explain(error))
                failing = True
                self._say(False, explain(error))
            await self._pause()
        self._thread.shutdown(wait=False)

    async def _read(self, work: Callable[..., T], *arguments: object) -> T:
        """Look into the store in the hub's own thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    async def _pause(self) -> None:
        """Wait until the next poll, or until the end."""
        try:
            await asyncio.wait_for(self.closing.wait(), POLL_S)
        except TimeoutError:
            return

    def _say(self, ok: bool, reason: str) -> None:
        """Report the desk's health now and then: from the event loop itself, so that one that hangs is silent."""
        now = self._clock()
        if self._report is not None and now - self._told_ms >= REPORT_MS:
            self._told_ms = now
            self._report(StageHealth("desk", "desk", now, ok, reason, {"streams": len(self._listeners)}))

    async def _poll(self, turn: int) -> None:
        """Look once; camera states and health every few turns."""
        for event in await self._read(self._events, self._cursor, None):
            self._cursor = event.cursor
            self._tell(_news(event))
        if turn % CAMERAS_EVERY == 0:
            self._compare(await self._read(self._states))
        if turn % HEALTH_EVERY == 0:
            self._weigh(await self._read(self._health))

    def _compare(self, states: Mapping[str, tuple[str, str]]) -> None:
        """Tell of each camera whose state or reason is another than at the last look."""
        before, self._cameras = self._cameras, states
        for camera_id, state in states.items():
            camera = self._registry.cameras.get(camera_id)
            if before is not None and camera is not None and before.get(camera_id) != state:
                self._tell(News("camera", self._cursor, camera_id, camera.kelurahan, state[0]))

    def _weigh(self, words: Sequence[StoredHealth]) -> None:
        """Tell every desk when a stage stops or begins to work."""
        before, self._well = self._well, tuple(view.ok for view in judge(words, self._clock(), self._stale_ms))
        if before is not None and before != self._well:
            self._tell(News("health", self._cursor))

    def _tell(self, news: News) -> None:
        for listener in self._listeners:
            listener.offer(news)

    async def listen(self, areas: Sequence[str], cursor: int | None) -> Listener:
        """Open a listener that gets each event since `cursor` once and in order; None begins now.

        It is registered before the backlog is read; what came in between is put behind it again.
        """
        listener = Listener(areas, cursor or 0)
        self._listeners.add(listener)
        STREAMS.inc()
        try:
            backlog = [] if cursor is None else await asyncio.to_thread(self._events, cursor, areas)
        except STORE_FAULTS:
            POLLS_FAILED.labels("backlog").inc()
            backlog = []
            listener.offer(News("again"))
        meanwhile, listener.cursor = listener.drain(), cursor or 0
        if len(backlog) >= BACKLOG:
            listener.cursor = backlog[-1].cursor
            listener.offer(News("again", listener.cursor))
            backlog = []
        for news in [*(_news(event) for event in backlog), *meanwhile]:
            listener.offer(news)
        return listener

    def leave(self, listener: Listener) -> None:
        """Forget a listener; a second time is no error."""
        if listener in self._listeners:
            self._listeners.discard(listener)
            STREAMS.dec()

    def close(self) -> None:
        """End the polling and all streams. Call in the event loop."""
        self.closing.set()

    @property
    def listeners(self) -> int:
        """How many desks listen."""
        return len(self._listeners)

    def fresh(self, within_ms: int) -> bool:
        """Say whether the store was read within the last `within_ms`: a desk that sees nothing must say so."""
        return self._clock() - self.polled_ms <= within_ms

    def _latest(self) -> int:
        with self._database.reading() as session:
            return latest_cursor(session)

    def _events(self, cursor: int, areas: Sequence[str] | None) -> list[Event]:
        with self._database.reading() as session:
            return events_after(session, cursor, BACKLOG, None if areas is None else scope(areas))

    def _states(self) -> dict[str, tuple[str, str]]:
        with self._database.reading() as session:
            return brief_states(session)

    def _health(self) -> list[StoredHealth]:
        with self._database.reading() as session:
            return list_health(session)


def _news(event: Event) -> News:
    """Return an event as news."""
    return News("incident", event.cursor, event.incident_id, event.kelurahan, event.what, event.also)
