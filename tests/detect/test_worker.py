"""The detect stage on a real broker: order, age, model families, restarts of the stage and of the broker."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from pipeline.bus.admin import ensure_topics
from pipeline.bus.consumer import Consumer, Received
from pipeline.bus.producer import Producer
from pipeline.bus.records import Frame
from pipeline.detect.worker import next_offsets, run
from pipeline.ops.clock import now_ms
from pipeline.ops.errors import BusError, ModelError
from pipeline.ops.settings import Settings
from tests.brokers import EmbeddedBrokerProcess, embedded_broker
from tests.detect.frames import camera, frame, picture, received, registry
from tests.detect.line import detecting, line_settings, observations
from tests.detect.models import mean_colours, write_model
from tests.waiting import wait_for

CITY = registry(*(camera(f"cam-{i}") for i in range(6)))


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[EmbeddedBrokerProcess]:
    """A broker of the test's own."""
    with embedded_broker(tmp_path) as running:
        yield running


def outcome(name: str) -> float:
    return REGISTRY.get_sample_value("siaga_detect_frames_total", {"outcome": name}) or 0.0


def send(settings: Settings, frames: list[Frame]) -> set[str]:
    """Send frames; return their traces."""
    ensure_topics(settings.bus)
    producer = Producer(settings.bus, "test")
    for item in frames:
        producer.send_frame(item)
    producer.flush()
    producer.close()
    return {item.trace for item in frames}


def stream(count: int, cameras: int = 6, **fields: object) -> list[Frame]:
    """Frames of several cameras, taken just now."""
    now = now_ms()
    image = picture(160, 90)
    return [
        frame(image, camera=f"cam-{i % cameras}", seq=i, trace=f"t-{i}", captured_ms=now - count + i, **fields)
        for i in range(count)
    ]


@pytest.mark.parametrize("batch", [1, 4])
def test_each_frame_is_observed_once_and_in_order(fresh: EmbeddedBrokerProcess, bright_model: Path, batch: int) -> None:
    settings = line_settings(fresh.bootstrap, bright_model, batch=batch)
    traces = send(settings, stream(120))
    before = outcome("observed")
    with detecting(settings, CITY) as told:
        seen = observations(settings, traces)
        wait_for(lambda: told and told[-1].detail["waiting"] == 0, what="an empty backlog")
        assert told[-1].ok
        assert told[-1].detail["models"] == "bright 1"
    assert len(seen) == 120
    assert outcome("observed") - before == 120
    for name in CITY.cameras:
        numbers = [int(one.trace.removeprefix("t-")) for one in seen if one.camera == name]
        assert numbers == sorted(numbers)
        assert len(numbers) == 20
    more = send(settings, [frame(camera="cam-0", trace="later", captured_ms=now_ms())])
    with detecting(settings, CITY):
        assert len(observations(settings, traces | more)) == 121  # nothing was seen twice after the restart


def test_old_activity_is_skipped_and_old_floor_frames_never(fresh: EmbeddedBrokerProcess, bright_model: Path) -> None:
    settings = line_settings(fresh.bootstrap, bright_model, max_age_s=30)
    old = now_ms() - 60_000
    before, unknown = outcome("shed"), outcome("unknown_camera")
    frames = [frame(camera="cam-1", trace=f"{cause}-{i}", cause=cause, captured_ms=old)
              for i in range(10) for cause in ("floor", "activity", "burst")]  # fmt: skip
    send(settings, frames)
    send(settings, [frame(camera="nowhere", trace="x"), frame(camera="cam-1", trace="last", captured_ms=now_ms())])
    with detecting(settings, CITY):
        seen = observations(settings, {"last", *(f"floor-{i}" for i in range(10))})
    assert len(seen) == 11
    assert outcome("shed") - before == 20
    assert outcome("unknown_camera") - unknown == 1


def test_models_of_several_families_observe_the_same_frame(
    fresh: EmbeddedBrokerProcess, bright_model: Path, tmp_path: Path
) -> None:
    keys = {"name": "flood", "head": "classifier", "activation": "softmax", "causes": ["floor"], "thresholds": {},
            "classes": ["flood", "wet", "dry"]}  # fmt: skip
    flood = write_model(tmp_path / "flood", mean_colours(), **keys)
    settings = line_settings(fresh.bootstrap, bright_model, flood)
    city = registry(camera("dry", kinds=("fire",)), camera("river", kinds=("flood",)))
    send(settings, [frame(camera=name, trace=f"{name}-{cause}", cause=cause, captured_ms=now_ms())
                    for name in ("dry", "river") for cause in ("floor", "activity")])  # fmt: skip
    with detecting(settings, city):
        seen = observations(settings, {"dry-floor", "dry-activity", "river-floor", "river-activity", "one more"})
    by = {(one.trace, one.model.name): one for one in seen}
    assert set(by) == {(f"{c}-{w}", "bright") for c in ("dry", "river") for w in ("floor", "activity")} | {
        ("river-floor", "flood")
    }
    assert set(by["river-floor", "bright"].scores) == {"person"}
    assert by["river-floor", "bright"].people == 1
    assert set(by["dry-floor", "bright"].scores) == {"fire", "person"}
    assert set(by["river-floor", "flood"].scores) == {"flood", "wet", "dry"}


def test_a_model_that_cannot_be_used_ends_the_stage_at_its_start(bright_model: Path) -> None:
    (bright_model / "model.onnx").write_bytes(b"")
    settings = line_settings("127.0.0.1:1", bright_model)
    with pytest.raises(ModelError, match=r"model\.onnx: sha256"):
        run(settings, CITY, threading.Event())


def test_stopping_while_no_broker_answers(bright_model: Path) -> None:
    with detecting(line_settings("127.0.0.1:1", bright_model), CITY):
        pass


def test_a_broker_that_dies_and_comes_back_loses_nothing(fresh: EmbeddedBrokerProcess, bright_model: Path) -> None:
    settings = line_settings(fresh.bootstrap, bright_model)
    traces = send(settings, stream(300))
    with detecting(settings, CITY):
        observations(settings, {"t-0"})
        fresh.kill()
        fresh.restart()
        more = send(settings, [frame(camera="cam-2", trace="after", captured_ms=now_ms())])
        seen = observations(settings, traces | more)
    assert {one.trace for one in seen} == traces | more


def test_trouble_with_the_bus_is_told_waited_out_and_over(
    fresh: EmbeddedBrokerProcess, bright_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = line_settings(fresh.bootstrap, bright_model)
    ensure_topics(settings.bus)
    refuse = threading.Event()
    refuse.set()
    poll = Consumer.poll

    def refusing(self: Consumer, timeout_s: float = 0.5, max_records: int = 500) -> list[Received]:
        if refuse.is_set():
            raise BusError("poll: the coordinator is not available")
        return poll(self, timeout_s, max_records)

    monkeypatch.setattr(Consumer, "poll", refusing)
    with detecting(settings, CITY) as told:
        wait_for(lambda: told and not told[-1].ok, what="a stage that says it is not well")
        assert told[-1].reason == "poll: the coordinator is not available"
        refuse.clear()
        wait_for(lambda: told[-1].ok, what="a stage that is well again")


def test_next_offsets_are_those_after_the_last_of_each_partition() -> None:
    records = [received(frame(), offset=o, partition=p) for p, o in ((0, 5), (1, 9), (0, 6))]
    assert next_offsets(records) == {("siaga.frames", 0): 7, ("siaga.frames", 1): 10}
    assert next_offsets([]) == {}
