"""The stage: cameras in, frames on a real bus, states and clips in a real store."""

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import pytest
from structlog.typing import EventDict

from pipeline.bus.admin import ensure_topics
from pipeline.bus.consumer import Consumer
from pipeline.bus.producer import Producer
from pipeline.bus.records import DeadLetter, Frame, Incident, Request, decode, decode_frame
from pipeline.bus.topics import DEAD, FRAMES, INCIDENTS, REQUESTS
from pipeline.city.registry import Camera, Registry
from pipeline.demo.rtsp import ServerThread
from pipeline.grab.worker import run, share_of
from pipeline.ops.clock import now_ms
from pipeline.ops.health import StageHealth
from pipeline.ops.sections import BusSection, GrabSection, OpsSection
from pipeline.ops.settings import Settings
from pipeline.store.cameras import CameraState, list_states
from pipeline.store.database import Database, open_database
from pipeline.store.evidence import EvidenceStore, of_incident
from pipeline.store.tables import EvidenceRow
from tests.brokers import EmbeddedBrokerProcess, embedded_broker
from tests.grab.conftest import SECRET
from tests.waiting import wait_for


def camera(id_: str, url: str) -> Camera:
    return Camera(id_, id_, url, "31.71.01.1001", -6.17, 106.82)


class Site:
    """A bus, a store, cameras; `grabbing()` runs the stage."""

    def __init__(self, folder: Path, broker: EmbeddedBrokerProcess, urls: dict[str, str], grab: GrabSection) -> None:
        self.broker = broker
        self.settings = Settings(
            data_dir=folder,
            bus=BusSection(bootstrap_servers=broker.bootstrap),
            grab=grab,
            ops=OpsSection(stale_after_s=3),
        )
        self.registry = Registry({name: camera(name, url) for name, url in urls.items()}, {})
        self.database: Database = open_database(self.settings)
        self.database.migrate()
        ensure_topics(self.settings.bus)
        self.health: list[StageHealth] = []
        self.reader = Consumer(self.settings.bus, "uji", [FRAMES, DEAD], None)
        self.producer = Producer(self.settings.bus, "uji")
        self.frames: list[Frame] = []
        self.dead: list[DeadLetter] = []

    @contextmanager
    def grabbing(self) -> Iterator[None]:
        stop = threading.Event()
        arguments = (self.settings, self.registry, stop, self.health.append)
        thread = threading.Thread(target=run, args=arguments, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(30)
            assert not thread.is_alive()

    def poll(self) -> None:
        for record in self.reader.poll(0.2):
            if record.topic == DEAD:
                self.dead.append(decode(DeadLetter, record.value))
            else:
                self.frames.append(decode_frame(record.key, record.value, record.headers))

    def close(self) -> None:
        self.reader.close()
        self.producer.close(1)
        self.database.close()

    def of(self, name: str) -> list[Frame]:
        """The frames of one camera so far."""
        self.poll()
        return [frame for frame in self.frames if frame.camera == name]

    def seconds_seen(self, name: str) -> float:
        """Seconds between the first and the last frame of a camera."""
        times = [frame.captured_ms for frame in self.of(name)]
        return (times[-1] - times[0]) / 1000 if times else 0

    def states(self) -> dict[str, CameraState]:
        with self.database.reading() as session:
            return list_states(session)

    def clip(self, incident: str, name: str) -> EvidenceRow | None:
        self.poll()
        with self.database.reading() as session:
            return of_incident(session, incident, name, "clip")

    def open_incident(self, id_: str, name: str, opened_ms: int) -> None:
        record = Incident(
            id=id_, kind="fire", camera=name, kelurahan="31.71.01.1001", state="opened", revision=0, trace="t",
            first_seen_ms=opened_ms, opened_ms=opened_ms, updated_ms=opened_ms, decided_ms=opened_ms, score=0.9,
        )  # fmt: skip
        self.producer.send(INCIDENTS, id_, record).get(10)

    def seconds_of(self, row: EvidenceRow) -> float:
        """Length of a clip that was kept; it must be playable."""
        data = EvidenceStore(self.settings).get(row.key)
        with av.open(io.BytesIO(data)) as container:
            stream = container.streams.video[0]
            assert stream.codec_context.codec_tag == "avc1"
            times = [frame.time for frame in container.decode(stream)]
        return times[-1] - times[0]


@pytest.fixture
def site(served: ServerThread, tmp_path: Path) -> Iterator[Site]:
    urls = {
        "h264": served.url("h264"),
        "hevc": served.url("hevc"),
        "locked": served.url("locked").replace("rtsp://", f"rtsp://siaga:{SECRET}@"),
        "gone": f"rtsp://admin:{SECRET}@127.0.0.1:1/x",
    }
    grab = GrabSection(open_timeout_s=3, read_timeout_s=2, clip_before_s=3, clip_after_s=2)
    with embedded_broker(tmp_path) as broker:
        site = Site(tmp_path, broker, urls, grab)
        yield site
        site.close()


def test_frames_states_health_and_no_passwords(site: Site, lines: list[EventDict]) -> None:
    with site.grabbing():
        for name in ("h264", "hevc", "locked"):
            wait_for(lambda name=name: len(site.of(name)) >= 3, 60)
        wait_for(lambda: site.states().get("gone", CameraState("", "", 0)).state == "lost")
        wait_for(lambda: len(site.health) >= 2 and site.health[-1].ok)
    states = site.states()
    assert {name: states[name].state for name in ("h264", "hevc", "locked")} == dict.fromkeys(
        ("h264", "hevc", "locked"), "live"
    )
    assert states["gone"].reason == "refused"
    assert site.health[-1].detail["live"] == 3
    for name in ("h264", "hevc", "locked"):
        frames = site.of(name)
        assert [f.captured_ms for f in frames] == sorted(f.captured_ms for f in frames)
    assert SECRET not in repr((lines, states, site.health, site.frames))


def test_a_burst_is_asked_for_over_the_bus_and_garbage_is_put_aside(site: Site) -> None:
    with site.grabbing():
        wait_for(lambda: len(site.of("h264")) >= 2, 60)
        site.producer._kafka.send(REQUESTS, b"bukan json", key=b"h264")
        site.producer._kafka.send(INCIDENTS, b"{}", key=b"x")
        old = Request(camera="h264", trace="lama", at_ms=now_ms() - 60_000, kind="burst", reason="uji")
        unknown = Request(camera="tidak-ada", trace="asing", at_ms=now_ms(), kind="burst", reason="uji")
        lost = Request(camera="gone", trace="hilang", at_ms=now_ms(), kind="burst", reason="uji")
        wanted = Request(camera="h264", trace="baru", at_ms=now_ms(), kind="burst", reason="uji")
        for request in (old, unknown, lost, wanted):
            site.producer.send(REQUESTS, request.camera, request)
        wait_for(lambda: sum(f.burst == "baru" for f in site.of("h264")) >= 14, 60)
        wait_for(lambda: len(site.dead) >= 2 or site.poll(), 30)
    assert {letter.topic for letter in site.dead} == {REQUESTS, INCIDENTS}
    assert {frame.burst for frame in site.frames} == {"", "baru"}


def test_clips_of_the_ring_and_after_a_restart_of_frames(site: Site) -> None:
    with site.grabbing():
        wait_for(lambda: all(site.seconds_seen(name) >= 4.5 for name in ("h264", "hevc")), 60)
        opened = now_ms()
        site.open_incident("i1", "h264", opened)
        site.open_incident("i2", "hevc", opened)
        rows = [wait_for(lambda p=pair: site.clip(*p), 60) for pair in (("i1", "h264"), ("i2", "hevc"))]
    for row in rows:
        assert row.made_from == "ring"
        assert row.start_ms <= opened - 3000
        assert row.end_ms >= opened + 1900
        assert site.seconds_of(row) == pytest.approx(5.5, abs=0.8)
    with site.grabbing():
        site.open_incident("i3", "h264", opened)
        row = wait_for(lambda: site.clip("i3", "h264"), 60)
        assert site.clip("i1", "h264").created_ms == rows[0].created_ms, "not made again"
    assert row.made_from == "frames"
    assert opened - 3000 <= row.start_ms <= opened
    assert site.seconds_of(row) >= 3


def test_a_broker_that_dies_and_comes_back(site: Site) -> None:
    with site.grabbing():
        wait_for(lambda: len(site.of("h264")) >= 2, 60)
        site.broker.kill()
        wait_for(lambda: site.health and not site.health[-1].ok, 60)
        site.broker.restart()
        have = len(site.of("h264"))
        wait_for(lambda: len(site.of("h264")) > have + 2, 60)
        wait_for(lambda: site.health[-1].ok, 60)
        request = Request(camera="h264", trace="sesudah", at_ms=now_ms(), kind="burst", reason="uji")
        site.producer.send(REQUESTS, "h264", request).get(30)
        wait_for(lambda: any(f.burst == "sesudah" for f in site.of("h264")), 60)


def test_cameras_are_shared_without_gap_or_overlap() -> None:
    registry = Registry({f"c{i}": camera(f"c{i}", "x") for i in range(10)}, {})
    shares = [[c.id for c in share_of(registry, index, 3)] for index in range(3)]
    assert sorted(id_ for share in shares for id_ in share) == sorted(registry.cameras)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
