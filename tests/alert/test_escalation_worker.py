"""Escalation by the real stage: bus, broker, database, receivers; the clock is turned, or the stage is killed."""

import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from pipeline.bus.producer import Producer
from pipeline.ops.clock import now_ms
from pipeline.ops.settings import Settings
from pipeline.store.database import Database
from pipeline.store.incidents import decide
from pipeline.store.outbox import of_incident
from pipeline.store.timeline import Event, events_of
from tests.alert.making import incident, settings_at, webhook
from tests.alert.process import StageProcess
from tests.alert.receiver import Receiver, receiver
from tests.alert.test_worker import send, working
from tests.brokers import Broker
from tests.waiting import wait_for

LEVELS = ("kecamatan", "kota", "city")


class Turned:
    """The real clock, and what a test has turned it by; s."""

    def __init__(self) -> None:
        self.by_s = 0.0

    def __call__(self) -> int:
        return now_ms() + int(1000 * self.by_s)


@contextmanager
def city(folder: Path, broker: Broker, url: str, seconds: float) -> Iterator[tuple[Settings, dict[str, Receiver]]]:
    """Settings with a receiver for the post and for each level, and as many seconds for each."""
    with ExitStack() as stack:
        receivers = {name: stack.enter_context(receiver()) for name in ("pos", *LEVELS)}
        limits = dict.fromkeys(("post_s", "kecamatan_s", "kota_s", "city_s"), seconds)
        targets = {level: [f"webhook:{level}"] for level in LEVELS}
        yield (
            settings_at(
                folder,
                *(webhook(name, one.url) for name, one in receivers.items()),
                bus={"bootstrap_servers": broker.bootstrap, "partitions": 3},
                store={"url": url},
                alert={"escalation": {"deadlines": {"fire": limits}, "targets": targets}},
            ),
            receivers,
        )


def events(database: Database, id_: str, what: str) -> list[Event]:
    """The lines of one sort in an incident's timeline."""
    with database.reading() as session:
        return [event for event in events_of(session, id_) if event.what == what]


def heard(one: Receiver) -> list[str]:
    """The notices that a receiver took, in the order in which they came."""
    return [request.body["notice"] for request in one.requests if request.taken]


def test_from_the_bus_to_the_city_room_until_somebody_accepts(tmp_path: Path, broker: Broker, url: str) -> None:
    clock = Turned()

    def wait_heard(level: str, last: str) -> None:
        wait_for(lambda: heard(post[level])[-1:] == [last], 30, what=f"{last} at {level}")

    with city(tmp_path, broker, url, 600) as (settings, post), working(settings, clock=clock) as database:
        producer = Producer(settings.bus, "test")
        send(producer, incident())
        wait_heard("pos", "opened")
        for level in ("kecamatan", "kota"):
            assert heard(post[level]) == []
            clock.by_s += 601
            wait_heard(level, "escalated")
        said = post["kota"].requests[0].body["escalation"]
        assert [one["name"] for one in said["asked"]] == ["Kelurahan Gambir", "Kecamatan Gambir"]
        assert all(600 <= one["seconds"] < 1200 for one in said["asked"])
        with database.session() as session:
            assert decide(session, "i1", "accepted", expected="waiting", actor="budi", at_ms=clock()).ok
        clock.by_s += 3600
        send(producer, incident(revision=2, state="closed"))
        for level in ("pos", "kecamatan", "kota"):
            wait_heard(level, "closed")
        assert [event.detail["level"] for event in events(database, "i1", "escalated")] == ["kecamatan", "kota"]
        assert heard(post["city"]) == []
        assert [one.forged for one in post.values()] == [[]] * 4
        producer.close()


@pytest.mark.timeout(300)
def test_killed_at_random_points_every_level_is_told_once(
    tmp_path: Path, broker: Broker, url: str, database: Database
) -> None:
    draw = random.Random(6)
    with city(tmp_path, broker, url, 1.0) as (settings, post), ExitStack() as stack:
        stage = StageProcess(settings, tmp_path)
        stack.callback(stage.stop)
        producer = Producer(settings.bus, "test")
        ids = [f"i{number}" for number in range(5)]
        send(producer, *(incident(id_) for id_ in ids))
        producer.close()
        stage.start()
        wait_for(lambda: all(events(database, id_, "opened") for id_ in ids), 60, what="all incidents")
        for wanted in (1, 6, 11):
            _wait_requests(post, stage, wanted)
            threading.Event().wait(draw.random() * 0.3)  # the moment of a kill is random, not awaited
            stage.kill()
            stage.gone()
            stage.start()
        wait_for(lambda: all(events(database, id_, "unanswered") for id_ in ids), 120, every=0.2, what="the last level")
        wait_for(lambda: all(_settled(database, id_) for id_ in ids), 60, every=0.2, what="all deliveries")
        assert stage.kills == 3
        for id_ in ids:
            assert [event.detail["level"] for event in events(database, id_, "escalated")] == list(LEVELS)
            for level in LEVELS:
                copies = post[level].taken()[f"{id_}:escalated-{level}:webhook:{level}"]
                assert len({copy.raw for copy in copies}) == 1, "a copy is the same to the byte"


def _wait_requests(post: dict[str, Receiver], stage: StageProcess, wanted: int) -> None:
    """Wait until so many notices came to anybody."""
    wait_for(lambda: sum(one.count for one in post.values()) >= wanted or not stage.alive(), 60, every=0.01)
    assert stage.alive(), stage.log.read_text()[-3000:]


def _settled(database: Database, id_: str) -> bool:
    """Whether nothing of an incident waits, and every notice has a key of its own."""
    with database.reading() as session:
        rows: list[Any] = list(of_incident(session, id_))
    assert max(Counter(row.idempotency_key for row in rows).values()) == 1
    return all(row.state in ("sent", "superseded") for row in rows if row.notice != "still")
