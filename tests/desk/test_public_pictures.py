"""From the bus to the citizen: a frame that a model looked at is served with its people blurred, any other is not."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest

from pipeline.bus.admin import ensure_topics
from pipeline.bus.producer import Producer
from pipeline.bus.records import Detection, Frame, FrameRef, ModelRef, Observation
from pipeline.bus.topics import OBSERVATIONS
from pipeline.city.registry import Registry
from pipeline.ops.public_section import PublicSection
from tests.brokers import EmbeddedBrokerProcess, embedded_broker
from tests.desk.world import World
from tests.waiting import wait_for

CAMERA = "cam-gambir-1"
PERSON = (0.4, 0.3, 0.6, 0.8)
MASK = ((0.0, 0.0), (0.2, 0.0), (0.2, 0.2), (0.0, 0.2))
MODEL = ModelRef(name="fire_smoke", version="1", sha8="0123abcd")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[EmbeddedBrokerProcess]:
    with embedded_broker(tmp_path) as running:
        yield running


@pytest.fixture
def world(tmp_path: Path, broker: EmbeddedBrokerProcess) -> Iterator[World]:
    made = World.build(tmp_path)
    bus = made.settings.bus.model_copy(update={"bootstrap_servers": broker.bootstrap, "partitions": 3})
    public = PublicSection(enabled=True, every_s=0.2, picture_every_s=0.2, delay_s=0.2)
    made.settings = made.settings.model_copy(update={"public": public, "bus": bus})
    cameras = dict(made.registry.cameras)
    cameras[CAMERA] = replace(cameras[CAMERA], public=True, masks=(MASK,))
    made.registry = Registry(cameras, made.registry.kelurahan)
    yield made
    made.database.close()


def chequered() -> bytes:
    """A picture of black and white cells of 8 px: what is blurred in it is grey."""
    cells = (np.indices((45, 60)).sum(axis=0) % 2 * 255).astype(np.uint8)
    image = cv2.cvtColor(np.kron(cells, np.ones((8, 8), np.uint8)), cv2.COLOR_GRAY2BGR)
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 95])
    assert done
    return bytes(data)


def send(producer: Producer, camera: str, at_ms: int, scores: dict[str, float]) -> None:
    """Put a frame and what a model saw in it on the bus."""
    frame = Frame(
        camera=camera, trace=f"t{at_ms}", seq=1, captured_ms=at_ms, width=480, height=360, cause="floor",
        jpeg=chequered(),
    )  # fmt: skip
    placed = producer.send_frame(frame).get(timeout=20)
    seen = Observation(
        camera=camera, trace=frame.trace, captured_ms=at_ms, cause="floor", model=MODEL, scores=scores, people=1,
        frame=FrameRef(partition=placed.partition, offset=placed.offset),
        boxes=(Detection(label="person", score=0.9, box=PERSON),),
    )  # fmt: skip
    producer.send(OBSERVATIONS, camera, seen)
    producer.flush()


def test_a_frame_becomes_a_blurred_picture(world: World) -> None:
    ensure_topics(world.settings.bus)
    producer = Producer(world.settings.bus, "test")
    with world.serve() as url, httpx.Client(base_url=url) as client:

        def served() -> httpx.Response | None:
            """Send on until the reader, which begins at the newest, has caught one."""
            send(producer, CAMERA, world.clock(), {"person": 0.9})
            send(producer, "cam-gambir-2", world.clock(), {"person": 0.9})
            answer = client.get(f"/publik/gambar/{CAMERA}.jpg")
            return answer if answer.status_code == 200 else None

        answer = wait_for(served, every=0.3, what="the public picture")
        assert client.get("/publik/gambar/cam-gambir-2.jpg").status_code == 404  # not marked public
    producer.close()
    assert answer is not None
    image = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_GRAYSCALE)
    height, width = image.shape
    person = image[int(0.35 * height) : int(0.75 * height), int(0.42 * width) : int(0.58 * width)]
    street = image[int(0.4 * height) : int(0.9 * height), int(0.75 * width) :]
    masked = image[: int(0.15 * height), : int(0.15 * width)]
    assert street.std() > 80  # the chequers are there
    assert person.std() < 20  # and nothing of them where the person is
    assert masked.max() < 40
    assert "set-cookie" not in answer.headers


def test_a_model_that_does_not_know_people_vouches_for_no_picture(world: World) -> None:
    ensure_topics(world.settings.bus)
    producer = Producer(world.settings.bus, "test")
    other = "cam-manggarai"
    cameras = dict(world.registry.cameras)
    cameras[other] = replace(cameras[other], public=True)
    world.registry = Registry(cameras, world.registry.kelurahan)
    with world.serve() as url, httpx.Client(base_url=url) as client:

        def served() -> bool:
            send(producer, CAMERA, world.clock(), {"fire": 0.9})
            send(producer, other, world.clock(), {"person": 0.9})
            return client.get(f"/publik/gambar/{other}.jpg").status_code == 200

        wait_for(served, every=0.3, what="the other camera's picture")
        assert client.get(f"/publik/gambar/{CAMERA}.jpg").status_code == 404
    producer.close()
