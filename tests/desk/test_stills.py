"""Live stills: read from a running broker while somebody looks; masks burned in; no bus is no harm."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.bus.admin import ensure_topics
from pipeline.bus.producer import Producer
from pipeline.bus.records import Frame, FrameRef, ModelRef, Observation
from pipeline.bus.topics import OBSERVATIONS
from pipeline.desk.publicview.blur import masked_jpeg
from pipeline.desk.stills import LINGER_MS, STILLS, LiveStills
from pipeline.ops.sections import BusSection
from tests.brokers import embedded_broker, free_port
from tests.desk.world import TurnableClock, Visitor, World, picture
from tests.waiting import wait_for

CAMERA = "cam-gambir-1"


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BusSection]:
    with embedded_broker(tmp_path_factory.mktemp("broker")) as broker:
        section = BusSection(bootstrap_servers=broker.bootstrap, partitions=3)
        ensure_topics(section)
        yield section


def capture(bus: BusSection, at_ms: int, trace: str = "t", seen_as: str = "t", camera: str = CAMERA) -> None:
    """Let a grabber send a frame, and a detector tell of it."""
    producer = Producer(bus, "test")
    frame = Frame(
        camera=camera, trace=trace, seq=at_ms, captured_ms=at_ms, width=640, height=360, cause="floor", jpeg=picture()
    )
    sent = producer.send_frame(frame).get(10)
    seen = Observation(
        camera=camera, trace=seen_as, captured_ms=at_ms, frame=FrameRef(partition=sent.partition, offset=sent.offset),
        cause="floor", model=ModelRef(name="m", version="1", sha8="0123abcd"), scores={"fire": 0.1},
    )  # fmt: skip
    producer.send(OBSERVATIONS, camera, seen, timestamp_ms=at_ms)
    producer.flush()
    producer.close()


@pytest.fixture
def stills(world: World, bus: BusSection) -> Iterator[LiveStills]:
    camera = world.registry.cameras[CAMERA]
    masked = replace(camera, masks=(((0.0, 0.0), (0.5, 0.0), (0.5, 0.5), (0.0, 0.5)),))
    made = LiveStills(bus, {CAMERA: masked}, world.clock)
    yield made
    made.close()
    assert not made.reading


def test_a_look_shows_the_newest_frame_with_its_masks(world: World, bus: BusSection, stills: LiveStills) -> None:
    now = world.clock()
    capture(bus, now - 3000)
    capture(bus, now - 1000)
    assert not stills.reading
    wait_for(lambda: (found := stills.look(CAMERA)) is not None and found.captured_ms == now - 1000, 20)
    found = stills.look(CAMERA)
    assert found is not None
    image = cv2.imdecode(np.frombuffer(found.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    assert image[:170, :310].max() <= 12
    assert image[240:].mean() > 30


def test_nobody_looks_and_nothing_is_read(world: World, bus: BusSection, stills: LiveStills) -> None:
    capture(bus, world.clock())
    wait_for(lambda: stills.look(CAMERA) is not None, 20)
    assert stills.reading
    world.clock.turned_ms += LINGER_MS
    wait_for(lambda: not stills.reading, 20)
    capture(bus, world.clock())
    wait_for(lambda: stills.look(CAMERA) is not None, 20)


def test_another_frame_at_the_same_place_is_not_shown(world: World, bus: BusSection) -> None:
    other = "cam-gambir-2"
    stills = LiveStills(bus, world.registry.cameras, world.clock)
    refused = STILLS.labels("no_frame")._value
    before = refused.get()
    capture(bus, world.clock(), trace="one", seen_as="another", camera=other)
    wait_for(lambda: stills.look(other) is not None or refused.get() > before, 20)
    assert stills.look(other) is None
    stills.close()


def test_over_http_by_area(world: World, bus: BusSection) -> None:
    world.settings = world.settings.model_copy(update={"bus": bus})
    capture(bus, world.clock())
    with world.serve() as url:
        mine, other = Visitor(url), Visitor(url)
        mine.sign_in("piket_gambir")
        other.sign_in("piket_manggarai")
        wait_for(lambda: mine.get(f"/kamera/{CAMERA}/gambar").status_code == 200, 20)
        answer = mine.get(f"/kamera/{CAMERA}/gambar")
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.headers["cache-control"] == "no-store"
        assert other.get(f"/kamera/{CAMERA}/gambar").status_code == 404
        assert mine.get("/kamera/tidak-ada/gambar").status_code == 404


def test_without_a_bus_there_is_no_picture_and_the_desk_goes_on(world: World) -> None:
    nowhere = BusSection(bootstrap_servers=f"127.0.0.1:{free_port()}")
    world.settings = world.settings.model_copy(update={"bus": nowhere})
    with world.serve() as url:
        visitor = Visitor(url)
        visitor.sign_in("piket_gambir")
        assert visitor.get(f"/kamera/{CAMERA}/gambar").status_code == 204
        assert visitor.get("/kamera").status_code == 200


def test_a_broken_picture_with_masks_is_none() -> None:
    assert masked_jpeg(b"\xff\xd8 no picture", (((0, 0), (1, 0), (1, 1)),)) is None
    assert masked_jpeg(b"as it is", ()) == b"as it is"


def test_reading_starts_with_the_first_look_only(tmp_path: Path) -> None:
    stills = LiveStills(BusSection(), {}, TurnableClock())
    assert not stills.reading
    stills.close()
