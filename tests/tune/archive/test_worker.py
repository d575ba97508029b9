"""The archiver on a running broker: every observation once in the files, also when it is stopped in the middle."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.bus.admin import ensure_topics
from pipeline.bus.frames import partition_of
from pipeline.bus.producer import Producer
from pipeline.bus.records import FrameRef, ModelRef, Observation
from pipeline.bus.topics import OBSERVATIONS
from pipeline.city.registry import Registry
from pipeline.ops.clock import now_ms
from pipeline.ops.health import StageHealth
from pipeline.ops.settings import Settings
from pipeline.tune.archive.layout import HOUR_MS, hour_files, hour_of
from pipeline.tune.archive.reader import read
from pipeline.tune.archive.worker import Worker
from pipeline.tune.replay import replay
from tests.brokers import embedded_broker
from tests.waiting import wait_for

T0 = hour_of(now_ms()) - 6 * HOUR_MS  # the bus forgets what is older than days


CAMERAS = [next(f"cam-{n}" for n in range(99) if partition_of(f"cam-{n}", 2) == place) for place in (0, 1)]
"""One camera of each partition."""


@dataclass
class Clock:
    """A clock that stands until it is set."""

    at_ms: int = T0

    def __call__(self) -> int:
        return self.at_ms


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    with embedded_broker(tmp_path / "broker") as broker:
        made = Settings(
            data_dir=tmp_path / "data",
            bus={"bootstrap_servers": broker.bootstrap, "partitions": 2},
            archive={"batch_rows": 100},
        )
        ensure_topics(made.bus)
        yield made


def observed(camera: str, second: int) -> Observation:
    ms = T0 + second * 1000
    return Observation(
        camera=camera, trace=f"{camera}-{ms}", captured_ms=ms, frame=FrameRef(partition=0, offset=second),
        cause="floor", model=ModelRef(name="m", version="1", sha8="0" * 8), scores={"fire": 0.1},
    )  # fmt: skip


def tell(settings: Settings, seconds: range) -> None:
    producer = Producer(settings.bus, "test")
    for second in seconds:
        for camera in CAMERAS:
            producer.send(OBSERVATIONS, camera, observed(camera, second), timestamp_ms=T0 + second * 1000)
    producer.flush()
    producer.close()


@contextmanager
def archiving(settings: Settings, clock: Clock) -> Iterator[list[StageHealth]]:
    told: list[StageHealth] = []
    stop = threading.Event()
    worker = Worker(settings, stop, told.append, clock)
    thread = threading.Thread(target=worker.loop)
    thread.start()
    try:
        yield told
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


def rows(settings: Settings) -> list[int]:
    return [at for at, _ in read(settings.data_path("archive"), T0, T0 + 5 * HOUR_MS)]


def test_hours_become_files_and_nothing_is_lost_by_a_stop(settings: Settings) -> None:
    clock, folder = Clock(), settings.data_path("archive")
    tell(settings, range(0, 4000, 20))
    with archiving(settings, clock):
        wait_for(lambda: len(list(hour_files(folder))) == 2, 30)  # the first hour, of both partitions
    assert len(rows(settings)) == 2 * 180
    tell(settings, range(4000, 7200, 20))
    with archiving(settings, clock):
        clock.at_ms = T0 + 3 * HOUR_MS  # the second hour is over and nothing more comes
        wait_for(lambda: len(list(hour_files(folder))) == 4, 30)
    assert len(rows(settings)) == len(set(rows(settings))) * 2 == 2 * 360


def test_a_record_that_cannot_be_read_is_kept_as_it_is_and_counted_by_the_replay(settings: Settings) -> None:
    clock = Clock(T0 + 2 * HOUR_MS)
    producer = Producer(settings.bus, "test")
    producer._kafka.send(OBSERVATIONS, key=CAMERAS[0].encode(), value=b"{broken", timestamp_ms=T0)
    producer.flush()
    producer.close()
    tell(settings, range(3))
    with archiving(settings, clock):
        wait_for(lambda: len(rows(settings)) == 7, 30)
    values = (value for _, value in read(settings.data_path("archive"), T0, T0 + HOUR_MS))
    said = replay(settings, Registry({}, {}), values)
    assert (said.unreadable, said.observations) == (1, 6)
