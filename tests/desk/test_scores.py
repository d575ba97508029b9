"""Scores over time: read back from a running broker, drawn on the incident page, kept once the incident closed."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.bus.admin import ensure_topics
from pipeline.bus.observations import ObservationReader
from pipeline.bus.producer import Producer
from pipeline.bus.records import FrameRef, Incident, ModelRef, Observation, Water, Witness
from pipeline.bus.topics import OBSERVATIONS
from pipeline.desk.scores import ScoreKeeper, span_of
from pipeline.ops.errors import BusError
from pipeline.ops.sections import BusSection
from pipeline.store.incidents import get
from pipeline.store.scores import read_through, scores_of
from tests.brokers import embedded_broker, free_port
from tests.desk.world import Visitor, World
from tests.waiting import wait_for

OWN, WITNESS = "cam-gambir-1", "cam-gambir-2"


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BusSection]:
    with embedded_broker(tmp_path_factory.mktemp("broker")) as broker:
        section = BusSection(bootstrap_servers=broker.bootstrap, partitions=3)
        ensure_topics(section)
        yield section


def on_the_bus(world: World, bus: BusSection) -> World:
    """Point a world at a bus."""
    world.settings = world.settings.model_copy(update={"bus": bus})
    return world


def seen(
    producer: Producer, camera: str, at_ms: int, score: float, kind: str = "fire", water: Water | None = None
) -> None:
    """Let a detector say what it saw."""
    one = Observation(
        camera=camera, trace=f"t-{at_ms}", captured_ms=at_ms, frame=FrameRef(partition=0, offset=0), cause="floor",
        model=ModelRef(name="m", version="1", sha8="0123abcd"), scores={kind: score}, water=water,
    )  # fmt: skip
    producer.send(OBSERVATIONS, camera, one, timestamp_ms=at_ms)


def tell(bus: BusSection, record: Incident, cameras: tuple[str, ...] = (OWN,), seconds: int = 50) -> None:
    """Put observations on the bus, one a second from 20 s before the incident: low before, high from then on."""
    producer = Producer(bus, "test")
    for camera in (*cameras, "cam-manggarai"):
        for second in range(-20, seconds):
            seen(producer, camera, record.first_seen_ms + second * 1000, 0.83 if second >= 0 else 0.05)
    producer.flush()
    producer.close()


def close(world: World, record: Incident, closed_ms: int, **more: Any) -> None:
    """Close an incident as the alert worker writes it."""
    world.raise_incident(
        int(record.id.rpartition("-")[2]), revision=record.revision + 1, state="closed", closed_ms=closed_ms,
        first_seen_ms=record.first_seen_ms, opened_ms=record.opened_ms, **more,
    )  # fmt: skip


def page_of(world: World, record: Incident, name: str = "piket_gambir") -> str:
    with world.serve() as url, Visitor(url) as visitor:
        visitor.sign_in(name)
        return visitor.get(f"/kejadian/{record.id}").text


def test_a_look_takes_the_cameras_and_the_time_that_were_asked_for(bus: BusSection) -> None:
    producer = Producer(bus, "test")
    start = 1_700_000_000_000
    for second in range(30):
        for camera in ("cam-a", "cam-b", "cam-c"):
            seen(producer, camera, start + second * 1000, second / 100)
    producer.flush()
    reader = ObservationReader(bus, "test")
    look = reader.between(("cam-a", "cam-c"), start + 5_000, start + 9_000)
    assert {one.camera for one in look.observations} == {"cam-a", "cam-c"}
    assert [one.captured_ms for one in look.observations if one.camera == "cam-a"] == [
        start + second * 1000 for second in range(5, 10)
    ]
    assert look.through_ms == start + 9_000
    few = ObservationReader(bus, "test", most=1)
    assert few.between(("cam-a",), start, start + 29_000).through_ms < start + 29_000, "bounded, and says how far"
    reader.close()
    few.close()
    producer.close()


def test_without_a_broker_the_look_says_so_at_once() -> None:
    reader = ObservationReader(BusSection(bootstrap_servers=f"127.0.0.1:{free_port()}"), "test")
    with pytest.raises(BusError, match="no broker listens"):
        reader.between(("cam-a",), 0, 1)


def test_the_page_draws_the_scores_with_both_thresholds(world: World, bus: BusSection) -> None:
    record = world.raise_incident()
    tell(bus, record, seconds=30)
    text = page_of(on_the_bus(world, bus), record)
    assert len(re.findall(r'<polyline class="curve"', text)) == 1
    assert "ambang buka 0,40" in text
    assert "ambang jaga 0,20" in text
    assert "Skor tertinggi 0,83 pukul" in text
    assert "30 dari 40 bingkai kamera kejadian mencapai ambang buka 0,40" in text, "from 10 s before it was first seen"
    opening = float(re.search(r'class="level opening"[^>]* y1="([\d.]+)"', text).group(1))  # type: ignore[union-attr]
    points = re.search(r'<polyline class="curve" points="([^"]+)"', text).group(1).split()  # type: ignore[union-attr]
    heights = [float(point.split(",")[1]) for point in points]
    assert heights[0] > opening > heights[-1], "low before, above the threshold after"


def test_witnesses_have_curves_of_their_own_with_their_names(world: World, bus: BusSection) -> None:
    at = world.clock() - 41_000
    witnesses = tuple(Witness(camera=camera, first_seen_ms=at, score=0.8) for camera in (OWN, WITNESS))
    record = world.raise_incident(2, witnesses=witnesses, first_seen_ms=at)
    tell(bus, record, (WITNESS,))
    text = page_of(on_the_bus(world, bus), record)
    assert "Jl. Pejambon · simpang: tertinggi" in text
    assert "stroke-dasharray=" in text, "curves are told apart without colour"


def test_a_closed_incident_keeps_its_scores_without_anybody_looking(world: World, bus: BusSection) -> None:
    record = world.raise_incident(3)
    tell(bus, record)
    close(world, record, record.first_seen_ms + 40_000)
    keeper = ScoreKeeper(bus, world.database, world.clock, sweep_s=0.05)
    keeper.start()

    def through() -> int | None:
        with world.database.reading() as session:
            return read_through(session, record.id)

    assert wait_for(through, 30) == record.first_seen_ms + 40_000
    keeper.close()
    with world.database.reading() as session:
        kept = scores_of(session, record.id)[OWN]
    by_ms = dict(kept)
    expected = {record.first_seen_ms + s * 1000: 0.83 if s >= 0 else 0.05 for s in range(-10, 41)}
    assert {at: by_ms.get(at) for at in expected} == expected


def test_kept_scores_are_shown_when_the_bus_is_gone(world: World, tmp_path: Path) -> None:
    record = world.raise_incident(4)
    close(world, record, record.first_seen_ms + 40_000)
    with embedded_broker(tmp_path) as broker:
        bus = BusSection(bootstrap_servers=broker.bootstrap, partitions=3)
        ensure_topics(bus)
        tell(bus, record)
        assert "Skor tertinggi 0,83" in page_of(on_the_bus(world, bus), record)
    text = page_of(world, record)
    assert "Skor tertinggi 0,83" in text
    assert "Bus tidak menjawab" not in text


def test_without_a_bus_and_without_kept_scores_the_page_says_so(world: World) -> None:
    record = world.raise_incident(5)
    on_the_bus(world, BusSection(bootstrap_servers=f"127.0.0.1:{free_port()}"))
    text = page_of(world, record)
    assert "Bus tidak menjawab: skor tidak bisa dibaca sekarang." in text
    assert "<polyline" not in text


def test_an_open_incident_is_read_on_from_where_it_was(world: World, bus: BusSection) -> None:
    record = world.raise_incident(6)
    tell(bus, record, seconds=20)
    keeper = ScoreKeeper(bus, world.database, world.clock)
    keeper.start()

    def count() -> int:
        with world.database.reading() as session:
            row = get(session, record.id)
            assert row is not None
            return len(keeper.get(span_of(row, world.clock()), 20).points.get(OWN, ()))

    before = wait_for(count, 30)
    producer = Producer(bus, "test")
    world.clock.turned_ms += 5_000
    seen(producer, OWN, world.clock() - 3_000, 0.9)
    producer.flush()
    producer.close()
    assert wait_for(lambda: count() > before, 30)
    keeper.close()


def test_a_flood_is_drawn_with_its_extent_and_other_models_say_nothing_of_it(world: World, bus: BusSection) -> None:
    on_the_bus(world, bus)
    record = world.raise_incident(kind="flood")
    producer = Producer(bus, "test")
    for second in range(0, 40, 10):
        at_ms = record.first_seen_ms + second * 1000
        seen(producer, OWN, at_ms, 0.9, "flood", Water(share=0.1 + second / 100, depth="ankle", light=0.4))
        seen(producer, OWN, at_ms, 0.05, "fire")
    producer.flush()
    producer.close()
    page = page_of(world, record)
    assert 'class="curve water"' in page
    assert "luas air, tertinggi 40 % jalan" in page
    assert "Skor tertinggi 0,90" in page
    assert "4 dari 4 bingkai" in page
