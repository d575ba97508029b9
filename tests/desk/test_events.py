"""The live stream, by a real client on the real server."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from pipeline.desk.hub import QUEUE, Hub, Listener, News
from pipeline.desk.routes import events
from pipeline.desk.routes.events import message
from pipeline.ops.health import StageHealth
from pipeline.store.health import StoredHealth, save_health
from pipeline.store.incidents import decide
from pipeline.store.timeline import latest_cursor
from tests.alert.channels.proof import proves
from tests.desk.world import GAMBIR, MANGGARAI, Visitor, World
from tests.waiting import wait_for

Visit = Callable[[str], Visitor]


class Stream:
    """Reads a stream in a thread; `got` holds (id, event, data)."""

    def __init__(self, visitor: Visitor, query: str = "", headers: dict[str, str] | None = None) -> None:
        self.got: list[tuple[str, str, str]] = []
        self.ended = threading.Event()
        self._client = httpx.Client(base_url=visitor.base_url, cookies=visitor.cookies, timeout=30)
        self._query, self._headers = query, headers or {}
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            with self._client.stream("GET", f"/arus{self._query}", headers=self._headers) as answer:
                fields: dict[str, str] = {}
                for line in answer.iter_lines():
                    if line:
                        name, _, value = line.partition(": ")
                        fields[name] = value
                    elif fields:
                        self.got.append((fields.get("id", ""), fields.get("event", ""), fields.get("data", "")))
                        fields = {}
        except httpx.HTTPError:
            pass
        finally:
            self.ended.set()

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [json.loads(data) for _, event, data in self.got if event == kind]

    def opened(self) -> bool:
        return any(event == "tick" for _, event, _ in self.got)

    def close(self) -> None:
        self._client.close()


@contextmanager
def listening(visitor: Visitor, query: str = "", **headers: str) -> Iterator[Stream]:
    stream = Stream(visitor, query, {name.replace("_", "-"): value for name, value in headers.items()})
    try:
        wait_for(stream.opened, 20, what="the stream's first tick")
        yield stream
    finally:
        stream.close()


def test_an_incident_arrives_within_a_second_and_elsewhere_not_at_all(world: World, visit: Visit) -> None:
    with listening(visit("piket_gambir")) as here, listening(visit("piket_manggarai")) as there:
        record = world.raise_incident(still=False)
        wait_for(lambda: here.of("incident"), what="the incident")
        world.raise_incident(2, kelurahan=MANGGARAI, camera="cam-manggarai", still=False)
        wait_for(lambda: there.of("incident"), what="the other incident")
        assert here.of("incident") == [{"id": record.id, "what": "opened"}]
        assert there.of("incident") == [{"id": "kejadian-2", "what": "opened"}]


def test_nothing_is_missed_over_a_broken_line(world: World, visit: Visit) -> None:
    visitor = visit("piket_gambir")
    with listening(visitor) as first:
        world.raise_incident(1, still=False)
        wait_for(lambda: first.of("incident"))
        last = next(number for number, event, _ in first.got if event == "incident")
    world.raise_incident(2, still=False)
    world.raise_incident(3, kelurahan=MANGGARAI, still=False)
    with listening(visitor, last_event_id=last) as again:
        wait_for(lambda: again.of("incident"))
        assert [one["id"] for one in again.of("incident")] == ["kejadian-2"]
    with listening(visitor, "?sejak=0") as all_of_it:
        wait_for(lambda: len(all_of_it.of("incident")) >= 2)
        assert [one["id"] for one in all_of_it.of("incident")] == ["kejadian-1", "kejadian-2"]


def test_who_missed_too_much_fetches_everything_again(world: World, visit: Visit, monkeypatch: Any) -> None:
    monkeypatch.setattr("pipeline.desk.hub.BACKLOG", 2)
    for number in range(3):
        world.raise_incident(number, still=False)
    with listening(visit("piket_gambir"), "?sejak=0") as stream:
        wait_for(lambda: any(event == "again" for _, event, _ in stream.got))


@proves("desk", "in_place")
def test_decisions_and_cameras_are_told_too(world: World, visit: Visit) -> None:
    world.raise_incident(still=False)
    with listening(visit("piket_gambir")) as stream:
        with world.database.session() as session:
            decide(session, "kejadian-1", "accepted", expected="waiting", actor="x", at_ms=1)
        wait_for(lambda: stream.of("incident"))
        time_to_see = wait_for(lambda: _flip(world, stream), 30, every=1, what="the camera's change")
        assert time_to_see
        assert {"id": "cam-gambir-2", "what": "lost"} in stream.of("camera")


def test_a_stage_that_stops_is_told_to_every_desk(world: World, visit: Visit) -> None:
    with listening(visit("piket_gambir")) as one, listening(visit("piket_manggarai")) as other:
        wait_for(lambda: _fail_stage(world, one), 30, every=1, what="the news of the stage")
        wait_for(lambda: other.of("health"))


def _fail_stage(world: World, stream: Stream) -> bool:
    """Let a stage complain; the hub tells changes between two of its looks."""
    with world.database.session() as session:
        ok = bool(stream.of("health"))
        save_health(session, StoredHealth("grab", "grab-0", world.clock() + 3_600_000, ok, "no camera is live"))
    return ok


def _flip(world: World, stream: Stream) -> bool:
    """Change a camera's state; the hub tells changes between two of its looks."""
    world.camera("cam-gambir-2", "live" if stream.of("camera") else "lost")
    return bool(stream.of("camera"))


def test_the_end_of_a_session_ends_its_stream(world: World, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "TICK_S", 0.05)
    monkeypatch.setattr(events, "CHECK_EVERY", 2)
    visitor = visit("piket_gambir")
    with listening(visitor) as stream:
        wait_for(lambda: len(stream.got) > 3, what="more ticks")
        assert not stream.ended.is_set()
        visitor.submit("/keluar", part=False)
        assert stream.ended.wait(20)
        assert stream.got[-1][1] == "out"


def test_the_desk_stops_with_streams_open(world: World) -> None:
    with world.serve() as url:
        visitor = Visitor(url)
        visitor.sign_in("piket_gambir")
        stream = Stream(visitor)
        wait_for(stream.opened)
        started = time.monotonic()
    assert time.monotonic() - started < 10
    assert stream.ended.wait(10)


def test_a_slow_desk_is_told_to_fetch_everything_again() -> None:
    listener = Listener(["*"])
    for number in range(1, QUEUE + 6):
        listener.offer(News("incident", number, "k", GAMBIR, "opened"))
    first = listener.queue.get_nowait()
    assert first.what == "again"
    assert listener.queue.qsize() <= 5


def test_an_event_comes_once_and_in_order() -> None:
    listener = Listener(["*"], 4)
    for number in (3, 5, 5, 6, 5):
        listener.offer(News("incident", number, "k", GAMBIR, "opened"))
    listener.offer(News("camera", 6, "cam", GAMBIR, "lost"))
    assert [news.cursor for news in listener.drain()] == [5, 6, 6]


def test_events_are_written_as_the_browser_reads_them() -> None:
    assert message(News("incident", 7, "k-1", GAMBIR, "opened")) == (
        'id: 7\nevent: incident\ndata: {"id":"k-1","what":"opened"}\n\n'
    )
    assert message(News("again")).startswith("event: again\n")


async def test_a_store_that_fails_is_polled_again_and_reported(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[StageHealth] = []
    monkeypatch.setattr("pipeline.desk.hub.REPORT_MS", 0)
    hub = Hub(world.database, world.registry, world.clock, 15_000, said.append)
    running = asyncio.create_task(hub.run())
    await _until(lambda: any(word.ok for word in said))
    with monkeypatch.context() as patch:
        from pipeline.ops.errors import StoreError

        def fail(*_: Any) -> Any:
            raise StoreError("database: away")

        patch.setattr("pipeline.desk.hub.events_after", fail)
        await _until(lambda: any(not word.ok for word in said))
        assert not running.done()
        said.clear()
    await _until(lambda: any(word.ok for word in said))
    assert hub.fresh(10_000)
    world.clock.turned_ms += 20_000
    hub.close()
    await running
    assert not hub.fresh(10_000)


async def _until(predicate: Callable[[], bool]) -> None:
    await asyncio.to_thread(wait_for, predicate, 20)


def test_the_page_carries_the_cursor_of_its_own_picture(world: World, visit: Visit) -> None:
    world.raise_incident()
    with world.database.reading() as session:
        cursor = latest_cursor(session)
    assert f'data-cursor="{cursor}"' in visit("piket_gambir").get("/").text
