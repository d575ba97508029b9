"""Producer, consumer, frame reader and dead letters on a running broker."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.bus.admin import ensure_topics
from pipeline.bus.client import retrying
from pipeline.bus.consumer import Consumer
from pipeline.bus.dead import DeadLetters
from pipeline.bus.frames import FrameReader, partition_of
from pipeline.bus.producer import Producer
from pipeline.bus.records import DeadLetter, FrameRef, Request, decode, decode_frame
from pipeline.bus.topics import DEAD, FRAMES, REQUESTS
from pipeline.ops.errors import BusError
from pipeline.ops.sections import BusSection
from tests.brokers import embedded_broker
from tests.bus.test_records import frame
from tests.waiting import wait_for


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BusSection]:
    with embedded_broker(tmp_path_factory.mktemp("broker")) as broker:
        section = BusSection(bootstrap_servers=broker.bootstrap, partitions=3)
        ensure_topics(section)
        ensure_topics(section)
        yield section


def test_frames_are_read_back_by_place_and_by_time(bus: BusSection) -> None:
    producer = Producer(bus, "test")
    for seq in range(20):
        producer.send_frame(frame(camera=f"cam-{seq % 2}", seq=seq, captured_ms=1_700_000_000_000 + seq * 1000))
    last = producer.send_frame(frame(camera="cam-0", seq=20, captured_ms=1_700_000_020_000)).get(timeout=20)
    producer.flush()
    assert producer.in_flight_bytes == 0
    assert last.partition == partition_of("cam-0", 3)
    reader = FrameReader(bus, "test")
    back = reader.read(FrameRef(partition=last.partition, offset=last.offset))
    assert back is not None
    assert (back.camera, back.seq) == ("cam-0", 20)
    some = reader.between("cam-0", 1_700_000_004_000, 1_700_000_010_000)
    assert [f.seq for f in some] == [4, 6, 8, 10]
    assert reader.read(FrameRef(partition=last.partition, offset=10_000)) is None
    assert reader.read(FrameRef(partition=77, offset=0)) is None
    assert reader.between("cam-0", 1_800_000_000_000, 1_900_000_000_000) == []
    reader.close()
    producer.close()


def test_a_group_goes_on_where_it_committed(bus: BusSection) -> None:
    producer = Producer(bus, "test")
    for number in range(5):
        producer.send(REQUESTS, "cam", Request(camera="cam", trace=str(number), at_ms=1, kind="burst", reason="x"))
    producer.flush()
    first = Consumer(bus, "reader", [REQUESTS], "group-a")
    got = wait_for(lambda: first.poll(0.2), 30)
    place = got[0].place
    assert first.commit({place: got[1].offset + 1})
    assert first.commit({})
    first.close()
    second = Consumer(bus, "reader", [REQUESTS], "group-a")
    rest = wait_for(lambda: second.poll(0.2), 30)
    assert [decode(Request, record.value).trace for record in rest] == ["2", "3", "4"]
    assert second.committed(place) == got[1].offset + 1
    second.close()
    producer.close()


def test_a_reader_of_everything_can_seek(bus: BusSection) -> None:
    consumer = Consumer(bus, "all", [FRAMES], "group-b", share=False)
    assert len(consumer.places()) == 3
    place = (FRAMES, partition_of("cam-1", 3))
    offset = consumer.offset_at(place, 1_700_000_015_000)
    consumer.seek(place, offset)
    found = wait_for(lambda: [r for r in consumer.poll(0.2) if r.place == place], 30)
    assert decode_frame(found[0].key, found[0].value, found[0].headers).captured_ms >= 1_700_000_015_000
    assert consumer.offset_at(place, 1_900_000_000_000) == consumer.ends([place])[place]
    assert consumer.begins([place])[place] == 0
    assert consumer.lag() >= 0
    consumer.close()


def test_unreadable_records_are_kept_with_their_reason(bus: BusSection) -> None:
    producer = Producer(bus, "test")
    consumer = Consumer(bus, "dead", [FRAMES], None)
    record = wait_for(lambda: consumer.poll(0.2), 30)[0]
    DeadLetters(producer, "test", lambda: 42).put(record, "width: too wide")
    producer.flush()
    reader = Consumer(bus, "dead", [DEAD], None)
    letter = decode(DeadLetter, wait_for(lambda: reader.poll(0.2), 30)[0].value)
    assert (letter.stage, letter.reason, letter.at_ms, letter.topic) == ("test", "width: too wide", 42, FRAMES)
    assert bytes.fromhex(letter.head).startswith(b"\xff\xd8")
    for closable in (consumer, reader, producer):
        closable.close()


def test_what_the_bus_cannot_take_is_said(bus: BusSection) -> None:
    producer = Producer(bus, "test")
    with pytest.raises(BusError, match="max_request_size"):
        producer.send_frame(frame(jpeg=b"\xff\xd8" + bytes(1_100_000)))
    with pytest.raises(BusError):
        producer.send("siaga.nowhere", "k", Request(camera="c", trace="t", at_ms=1, kind="burst", reason="x"))
    assert producer.in_flight_bytes == 0
    producer.close()


def test_waiting_for_a_broker_ends_when_told_to(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()

    def refuse() -> None:
        raise OSError("nobody there")

    with pytest.raises(InterruptedError):
        retrying("test", refuse, stop)
