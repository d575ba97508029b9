"""A thousand incidents within a minute, to the posts of all 267 kelurahan: nothing lost, the digest's rules hold.

`pytest -s tests/alert/test_load.py` prints how long notices took from the camera to being sent. `SIAGA_LOAD_SECONDS`
says within how many seconds the incidents come, `SIAGA_LOAD_DATABASE` (sqlite or postgresql) on which database.
"""

import json
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from pipeline.alert.worker import run
from pipeline.bus.producer import Producer
from pipeline.bus.topics import INCIDENTS
from pipeline.city.registry import Camera, Registry, load_kelurahan
from pipeline.desk.app import create_app
from pipeline.desk.server import DeskServer
from pipeline.ops.clock import now_ms
from pipeline.ops.settings import Settings
from pipeline.store import people
from pipeline.store.database import Database, open_database
from pipeline.store.evidence import EvidenceStore
from pipeline.store.incidents import list_incidents
from pipeline.store.outbox import waiting
from pipeline.store.tables import OutboxRow
from tests.alert.making import incident, settings_at, webhook
from tests.alert.receiver import Receiver, receiver
from tests.brokers import Broker
from tests.desk.world import HASH, Visitor
from tests.shared import REPO
from tests.waiting import wait_for

INCIDENTS_SENT = 1000
SECONDS = float(os.environ.get("SIAGA_LOAD_SECONDS", "25"))
STORM = {"incidents": 20, "window_s": 60, "gather_s": 2, "every_s": 5, "lines": 40}
PATIENT = {"fire": dict.fromkeys(("post_s", "kecamatan_s", "kota_s", "city_s"), 1e6)}
"""Nobody accepts here; what escalation does is not the matter."""
DATABASE = os.environ.get("SIAGA_LOAD_DATABASE", "sqlite")


def city() -> Registry:
    """All kelurahan of Jakarta, a camera in each."""
    wards = load_kelurahan(REPO / "configs" / "kelurahan.csv")
    cameras = {
        code: Camera(f"cam-{code}", f"Kamera {ward.name}", "rtsp://x/", code, ward.lat, ward.lng, ("jalan",))
        for code, ward in wards.items()
    }
    return Registry({camera.id: camera for camera in cameras.values()}, wards)


def load_settings_at(folder: Path, registry: Registry, posts: str, room: str, broker: Broker, url: str) -> Settings:
    """A post with a webhook of its own in every kelurahan, and a city room that hears of everything."""
    hooks = [webhook(f"pos-{code.replace('.', '-')}", posts, kelurahan=[code]) for code in registry.kelurahan]
    duty = [
        {"name": f"pos-{code.replace('.', '-')}", "kelurahan": [code], "targets": [f"webhook:{hook['name']}"]}
        for code, hook in zip(registry.kelurahan, hooks, strict=True)
    ]
    alert = {"duty": {"posts": duty}, "lease_s": 60, "storm": STORM, "escalation": {"deadlines": PATIENT}}
    return settings_at(
        folder, *hooks, webhook("kota", room), alert=alert,
        bus={"bootstrap_servers": broker.bootstrap, "partitions": 3}, store={"url": url}, desk={"port": 0},
    )  # fmt: skip


@dataclass
class Stream:
    """What an open desk heard: how often each incident was opened, and whether it was told to fetch all again."""

    opened: Counter[str] = field(default_factory=Counter)
    again: bool = False

    def follow(self, visitor: Visitor, stop: threading.Event) -> None:
        """Read the stream until it ends or `stop` is set."""
        with visitor.stream("GET", "/arus?sejak=0") as answer:
            what = ""
            for line in answer.iter_lines():
                if stop.is_set():
                    return
                if line.startswith("event: "):
                    what = line.removeprefix("event: ")
                elif line.startswith("data: ") and what == "incident":
                    news = json.loads(line.removeprefix("data: "))
                    self.opened.update([news["id"]] if news["what"] == "opened" else [])
                self.again |= what == "again"


@contextmanager
def desk(settings: Settings, registry: Registry, database: Database) -> Iterator[str]:
    """The real desk on a free port."""
    app = create_app(settings, registry, database, EvidenceStore(settings))
    server, stop = DeskServer(app, "127.0.0.1", 0), threading.Event()
    thread = threading.Thread(target=server.serve_until, args=(stop,))
    thread.start()
    try:
        assert server.ready.wait(30)
        yield f"http://127.0.0.1:{server.port}"
    finally:
        stop.set()
        thread.join(30)


def pour(settings: Settings, registry: Registry) -> dict[str, str]:
    """Send the incidents, evenly over the time, over all kelurahan in turn; return the kelurahan of each."""
    cameras, sent = list(registry.cameras.values()), dict[str, str]()
    producer, began = Producer(settings.bus, "test"), time.monotonic()
    for number in range(INCIDENTS_SENT):
        wait_s = began + number * SECONDS / INCIDENTS_SENT - time.monotonic()
        threading.Event().wait(max(0.0, wait_s))
        camera, now = cameras[number % len(cameras)], now_ms()
        times = {"first_seen_ms": now, "opened_ms": now, "updated_ms": now, "decided_ms": now}
        record = incident(f"k{number:04}", camera=camera.id, kelurahan=camera.kelurahan, **times)
        producer.send(INCIDENTS, record.id, record)
        sent[record.id] = camera.kelurahan
    producer.flush(30)
    producer.close()
    return sent


@pytest.mark.timeout(400)
@pytest.mark.parametrize("url", [DATABASE], indirect=True)
def test_a_thousand_incidents_to_267_posts(tmp_path: Path, broker: Broker, url: str) -> None:
    registry = city()
    assert len(registry.kelurahan) == 267
    with receiver() as posts, receiver() as room, ThreadPoolExecutor(2) as pool:
        settings = load_settings_at(tmp_path, registry, posts.url, room.url, broker, url)
        database, stop = open_database(settings), threading.Event()
        database.migrate()
        with database.session() as session:
            people.add_user(session, "bos", HASH, "admin", ["*"], now_ms())
        before = timed()
        with desk(settings, registry, database) as address, Visitor(address) as visitor:
            visitor.sign_in("bos")
            stream = Stream()
            reading = pool.submit(stream.follow, visitor, stop)
            stage = pool.submit(run, settings, registry, stop)
            began = time.monotonic()
            sent = pour(settings, registry)
            wait_for(lambda: stage.done() or _finished(database), 240, 0.5, "the end of all deliveries")
            took_s = time.monotonic() - began
            wait_for(lambda: stream.again or len(stream.opened) == len(sent), 30, what="the desk's stream")
            with Visitor(address) as other:
                other.sign_in("bos")
                assert f'data-count="{INCIDENTS_SENT}"' in other.get("/keadaan").text
            stop.set()
            reading.result(60)
            stage.result(90)
        assert max(stream.opened.values()) == 1
        _check_posts(posts, sent)
        alone, digests = _check_room(room, sent)
        _report(database, took_s, alone, digests)
        assert timed() - before == _told(database)
        database.close()


def timed() -> float:
    """Return how many openings the histogram of camera-to-sent has seen."""
    return sum(
        sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name == "siaga_alert_camera_to_sent_seconds_count"
    )


def _finished(database: Database) -> bool:
    """Whether everything came in and nothing waits any more."""
    with database.reading() as session:
        return len(list_incidents(session, limit=2 * INCIDENTS_SENT)) == INCIDENTS_SENT and not waiting(session)


def _check_posts(posts: Receiver, sent: dict[str, str]) -> None:
    """Each post was told of each incident of its kelurahan, alone, and of no other."""
    assert posts.forged == []
    wanted = {f"{id_}:opened:webhook:pos-{code.replace('.', '-')}" for id_, code in sent.items()}
    taken = {key: copies for key, copies in posts.taken().items() if copies[0].body["notice"] == "opened"}
    assert set(taken) == wanted
    assert all(len({copy.raw for copy in copies}) == 1 for copies in taken.values())


def _check_room(room: Receiver, sent: dict[str, str]) -> tuple[int, int]:
    """The city room was told of all, a few alone, then by digests that list the others; none twice as new."""
    alone: list[str] = []
    listed: list[str] = []
    digests = 0
    for copies in room.taken().values():
        body = copies[0].body
        if body["notice"] == "digest":
            digests += 1
            listed += [one["incident"]["id"] for one in body["incidents"] if one["told"] == "digest"]
        elif body["notice"] == "opened":
            alone.append(body["incident"]["id"])
    assert sorted(alone + listed) == sorted(sent)
    assert len(alone) < STORM["incidents"]
    assert 0 < digests < 100
    return len(alone), digests


def _openings(database: Database) -> Iterator[tuple[str, int]]:
    """Yield target and ms from camera to taken, for each incident that a target was told of, alone or by digest."""
    with database.reading() as session:
        rows = session.query(OutboxRow).where(OutboxRow.notice.in_(("opened", "digest"))).all()
        seen = {row.id: row.first_seen_ms for row in list_incidents(session, limit=2 * INCIDENTS_SENT)}
    sent = {row.idempotency_key: row.sent_ms for row in rows}
    for row in rows:
        at_ms = sent.get(row.digest) if row.state == "digested" and row.digest else row.sent_ms
        if row.notice == "opened" and at_ms is not None:
            yield row.target, at_ms - seen[row.incident_id]


def _told(database: Database) -> int:
    """Return how many incidents were told, over all targets."""
    return sum(1 for _ in _openings(database))


def _report(database: Database, took_s: float, alone: int, digests: int) -> None:
    """Print the figures."""
    groups: dict[str, list[int]] = {"desk": [], "webhook:pos": [], "webhook:kota": []}
    for target, took_ms in _openings(database):
        groups[next(name for name in groups if target.startswith(name))].append(took_ms)
    print(f"\n{INCIDENTS_SENT} incidents in {SECONDS:g} s on {DATABASE}, all delivered after {took_s:.1f} s; "
          f"city room: {alone} alone, the others in {digests} digests")  # fmt: skip
    for name, times in groups.items():
        assert len(times) == INCIDENTS_SENT
        print(f"{name:13} camera to sent: p50 {_share(times, 0.5):.2f} s, p95 {_share(times, 0.95):.2f} s, "
              f"max {max(times) / 1000:.2f} s")  # fmt: skip


def _share(times_ms: Sequence[int], share: float) -> float:
    """Return the time within which this share lies, s."""
    return sorted(times_ms)[min(len(times_ms) - 1, int(share * len(times_ms)))] / 1000
