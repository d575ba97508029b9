"""kill -9 in the middle of the stream: every frame is observed at least once, none is lost."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.bus.admin import ensure_topics
from pipeline.bus.producer import Producer
from pipeline.bus.records import Observation, decode
from pipeline.bus.topics import OBSERVATIONS
from pipeline.detect.worker import ROUND_FRAMES
from pipeline.ops.clock import now_ms
from pipeline.ops.settings import Settings
from tests.brokers import EmbeddedBrokerProcess, embedded_broker
from tests.detect.frames import frame, picture
from tests.detect.line import Topic, detect_process, line_settings, observations, reading

FRAMES_SENT = 1500
KILLS = 3


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[EmbeddedBrokerProcess]:
    with embedded_broker(tmp_path) as running:
        yield running


def send(settings: Settings, first: int, last: int) -> None:
    """Send numbered frames of six cameras."""
    producer = Producer(settings.bus, "test")
    image = picture(320, 180)
    for number in range(first, last):
        producer.send_frame(
            frame(image, camera=f"cam-{number % 6}", seq=number, trace=f"t-{number}", captured_ms=now_ms())
        )
    producer.flush()
    producer.close()


def test_a_killed_worker_loses_no_frame(broker: EmbeddedBrokerProcess, bright_model: Path, tmp_path: Path) -> None:
    settings = line_settings(broker.bootstrap, bright_model)
    ensure_topics(settings.bus)
    send(settings, 0, FRAMES_SENT)
    process = detect_process(broker.bootstrap, bright_model, tmp_path / "detect.log")
    try:
        with reading(settings, OBSERVATIONS) as topic:
            for life in range(1, KILLS + 1):
                so_far = life * FRAMES_SENT // (KILLS + 2)
                topic.until(lambda values, least=so_far: len(values) >= least)  # type: ignore[misc]
                process.kill()
                process.wait()
                assert len(topic.values) < FRAMES_SENT, "killed too late to prove anything"
                process = detect_process(broker.bootstrap, bright_model, tmp_path / "detect.log")
        seen = observations(settings, {f"t-{number}" for number in range(FRAMES_SENT)})
    finally:
        process.kill()
        process.wait()
    counted = Counter(one.trace for one in seen)
    assert len(counted) == FRAMES_SENT
    assert counted.total() - FRAMES_SENT <= KILLS * ROUND_FRAMES  # only the uncommitted round is seen again
    first = dict.fromkeys(one.trace for one in seen)
    numbers = [int(trace.removeprefix("t-")) for trace in first]
    for camera in range(6):
        own = [number for number in numbers if number % 6 == camera]
        assert own == sorted(own)


def test_two_workers_share_the_cameras_and_one_takes_over(
    broker: EmbeddedBrokerProcess, bright_model: Path, tmp_path: Path
) -> None:
    settings = line_settings(broker.bootstrap, bright_model)
    ensure_topics(settings.bus)
    workers = [detect_process(broker.bootstrap, bright_model, tmp_path / f"{n}.log", f"detect-{n}") for n in (1, 2)]
    try:
        with reading(settings, OBSERVATIONS) as topic:
            send(settings, 0, 300)
            topic.until(lambda values: len(values) >= 300)
            workers[0].kill()
            workers[0].wait()
            send(settings, 300, 400)
            _until_all(topic, 400)
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()


def _until_all(topic: Topic, count: int) -> None:
    """Read until each of `count` numbered frames was observed."""
    topic.until(lambda values: len({decode(Observation, value).trace for value in values}) >= count)
