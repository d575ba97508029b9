"""The stage as a whole: bus in, deliveries out, on a real broker, database and receiver."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from pipeline.alert.worker import run
from pipeline.bus.producer import Producer
from pipeline.bus.records import Frame, FrameRef
from pipeline.bus.topics import INCIDENTS
from pipeline.ops.clock import Clock, now_ms
from pipeline.ops.errors import ConfigError
from pipeline.ops.health import StageHealth
from pipeline.ops.settings import Settings
from pipeline.store.database import Database, open_database
from pipeline.store.evidence import EvidenceStore, list_evidence
from pipeline.store.incidents import get
from pipeline.store.outbox import of_incident
from pipeline.store.timeline import events_of
from tests.alert.making import GAMBIR, incident, registry, settings_at, webhook
from tests.alert.receiver import receiver
from tests.brokers import Broker
from tests.postgres import cluster
from tests.waiting import wait_for

JPEG = b"\xff\xd8" + b"\x00" * 500 + b"\xff\xd9"


@contextmanager
def working(settings: Settings, reports: list[StageHealth] | None = None, clock: Clock = now_ms) -> Iterator[Database]:
    """The stage in a thread, and the database it writes to."""
    stop = threading.Event()
    collected: list[StageHealth] = [] if reports is None else reports
    database = open_database(settings)
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(run, settings, registry(), stop, collected.append, clock)
        try:
            wait_for(lambda: collected or future.done(), 60, what="the alert stage")
            yield database
        finally:
            stop.set()
            database.close()
        future.result(30)


def whats(database: Database, incident_id: str) -> list[str]:
    with database.reading() as session:
        return [event.what for event in events_of(session, incident_id)]


def states(database: Database, incident_id: str) -> dict[str, str]:
    with database.reading() as session:
        return {row.idempotency_key: row.state for row in of_incident(session, incident_id)}


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def send(producer: Producer, *records: Any) -> None:
    for record in records:
        producer.send(INCIDENTS, record.id, record)
    producer.flush(10)


def test_from_the_bus_to_desk_webhook_and_still(tmp_path: Path, broker: Broker, url: str) -> None:
    with receiver() as post:
        settings = settings_at(
            tmp_path,
            webhook("damkar", post.url),
            bus={"bootstrap_servers": broker.bootstrap, "partitions": 3},
            store={"url": url},
        )
        producer = Producer(settings.bus, "test")
        frame = Frame(
            camera="cam-1", trace="t", seq=1, captured_ms=1000, width=640, height=360, cause="floor", jpeg=JPEG
        )
        metadata = producer.send_frame(frame).get(10)
        ref = FrameRef(partition=metadata.partition, offset=metadata.offset)
        before = sample("siaga_camera_to_alert_seconds_count", kind="fire")
        with working(settings) as database:
            gone = FrameRef(partition=metadata.partition, offset=metadata.offset + 1000)
            send(producer, incident("i1", frame=ref), incident("i2", frame=gone))
            for id_ in ("i1", "i2"):
                wait_for(lambda id_=id_: "still" in str(states(database, id_)), 30)
                wait_for(
                    lambda id_=id_: set(states(database, id_).values()) <= {"sent", "dead"}, 30, what=f"all of {id_}"
                )
            send(producer, incident("i1", revision=2, state="closed", frame=ref))
            wait_for(lambda: states(database, "i1").get("i1:closed-2:webhook:damkar") == "sent", 30, what="closing")
            with database.reading() as session:
                row = get(session, "i1")
                assert row is not None
                assert row.state == "closed"
                assert row.alerted_ms is not None
                kept = list_evidence(session, "i1")
                assert [(item.camera, item.kind, item.made_from, item.start_ms) for item in kept] == [
                    ("cam-1", "still", "bus", 1000)
                ]
                assert EvidenceStore(settings).get(kept[0].key) == JPEG
                assert list_evidence(session, "i2") == []
            assert "still_missing" in whats(database, "i2")
            assert states(database, "i1")[f"i1:opened:desk:{GAMBIR}"] == "sent"
            assert whats(database, "i1").count("alerted") == 1
        assert sample("siaga_camera_to_alert_seconds_count", kind="fire") == before + 2
        assert [request.body["notice"] for request in post.requests if request.key.startswith("i1")] == [
            "opened",
            "closed",
        ]
        assert post.forged == []
        producer.close()


def test_unreadable_records_go_to_the_dead_letters_and_stop_nothing(tmp_path: Path, broker: Broker, url: str) -> None:
    settings = settings_at(tmp_path, bus={"bootstrap_servers": broker.bootstrap, "partitions": 3}, store={"url": url})
    producer = Producer(settings.bus, "test")
    before = sample("siaga_dead_letters_total", stage="alert", topic=INCIDENTS)
    with working(settings) as database:
        for value in (b"", b"{}", b"not json", b"\xff\x00", b'{"schema": 9}'):
            producer._send(INCIDENTS, "x", value, [], None)
        send(producer, incident("huge", revision=10**30), incident("good"))
        wait_for(lambda: f"good:opened:desk:{GAMBIR}" in states(database, "good"), 30)
        wait_for(lambda: sample("siaga_dead_letters_total", stage="alert", topic=INCIDENTS) >= before + 6, 30)
    producer.close()


def test_a_broker_that_comes_late_and_dies_is_waited_for(tmp_path: Path, broker: Broker) -> None:
    settings = settings_at(tmp_path, bus={"bootstrap_servers": broker.bootstrap, "partitions": 3})
    broker.kill()
    reports: list[StageHealth] = []
    with working(settings, reports) as database:
        broker.restart()
        producer = Producer(settings.bus, "test")
        send(producer, incident("first"))
        wait_for(lambda: states(database, "first"), 60, what="the first incident")
        broker.kill()
        broker.restart()
        send(producer, incident("second"))
        wait_for(lambda: states(database, "second"), 60, what="the second incident")
        producer.close()
    assert reports[-1].stage == "alert"


def test_a_database_that_crashes_is_waited_for(tmp_path: Path, broker: Broker) -> None:
    with cluster() as server:
        settings = settings_at(
            tmp_path, bus={"bootstrap_servers": broker.bootstrap, "partitions": 3}, store={"url": server.url()}
        )
        producer = Producer(settings.bus, "test")
        reports: list[StageHealth] = []
        with working(settings, reports) as database:
            send(producer, incident("before"))
            wait_for(lambda: "alerted" in whats(database, "before"), 60, what="the first alert")
            server.stop("immediate")
            send(producer, incident("during"))
            told = len(reports)
            wait_for(lambda: any(not report.ok for report in reports[told:]), 60, what="a report of the trouble")
            server.start()
            database.engine.dispose()
            wait_for(lambda: "alerted" in whats(database, "during"), 60, what="the second alert")
            for id_ in ("before", "during"):
                assert whats(database, id_) == ["opened", "routed", "delivered", "alerted"]
        producer.close()


def test_stopped_while_the_database_is_down_nothing_is_committed(tmp_path: Path, broker: Broker) -> None:
    with cluster() as server:
        settings = settings_at(
            tmp_path, bus={"bootstrap_servers": broker.bootstrap, "partitions": 3}, store={"url": server.url()}
        )
        producer = Producer(settings.bus, "test")
        reports: list[StageHealth] = []
        with working(settings, reports):
            server.stop("immediate")
            send(producer, incident("kept"))
            told = len(reports)
            wait_for(lambda: any(not report.ok for report in reports[told:]), 60, what="a report of the trouble")
        server.start()
        with working(settings) as database:
            wait_for(lambda: "alerted" in whats(database, "kept"), 60, what="the alert")
        producer.close()


def test_a_wrong_target_is_told_before_anything_starts(tmp_path: Path) -> None:
    target = webhook("damkar", "http://127.0.0.1:1/", secret="env:SIAGA_TEST_NO_SUCH_SECRET")
    with pytest.raises(ConfigError, match=r"damkar.*SIAGA_TEST_NO_SUCH_SECRET is not set"):
        run(settings_at(tmp_path, target), registry(), threading.Event())


def test_stopped_while_the_database_is_away(tmp_path: Path) -> None:
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    run(settings_at(tmp_path, store={"url": "postgresql://x@127.0.0.1:1/x"}), registry(), stop)
    assert stop.is_set()
