"""Siaga's own producer, consumer and frame reader on both brokers, over a kill of the broker."""

import time

import pytest
from kafka.admin import ConfigResource, ConfigResourceType

from pipeline.bus.admin import ensure_topics
from pipeline.bus.consumer import Consumer
from pipeline.bus.frames import FrameReader, partition_of
from pipeline.bus.producer import Producer
from pipeline.bus.records import FrameRef, decode_frame
from pipeline.bus.topics import FRAMES, topics
from pipeline.ops.sections import BusSection
from tests.brokers import Broker
from tests.bus.test_records import frame
from tests.waiting import wait_for

START = time.time_ns() // 1_000_000 - 60_000


@pytest.fixture
def bus(broker: Broker) -> BusSection:
    section = BusSection(bootstrap_servers=broker.bootstrap, partitions=3)
    ensure_topics(section)
    ensure_topics(section)
    return section


def test_every_topic_is_made_with_its_settings(admin, bus):
    def settings(name: str) -> dict[str, str]:
        found = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)], config_filter="all")
        return {key: setting["value"] for key, setting in found["topic"][name].items()}

    for topic in topics(bus):
        # On a real broker a topic is there a moment before its settings are.
        wait_for(lambda topic=topic: settings(topic.name).items() >= topic.configs.items(), what=topic.name)
        assert len(admin.describe_topics([topic.name])[0]["partitions"]) == topic.partitions


def test_frames_pass_in_order_and_are_read_back_after_a_kill(broker, bus):
    producer, consumer = Producer(bus, "test"), Consumer(bus, "test", [FRAMES], f"frames-{START}")
    sent = [producer.send_frame(frame(camera="cam-1", seq=seq, captured_ms=START + seq * 1000)) for seq in range(10)]
    producer.flush()
    received = []
    wait_for(lambda: received.extend(consumer.poll(0.2)) or len(received) >= 10, 60, what="ten frames")
    assert [decode_frame(r.key, r.value, r.headers).seq for r in received] == list(range(10))
    assert consumer.commit({received[5].place: received[5].offset + 1})
    consumer.close()
    broker.kill()
    broker.restart()
    producer.send_frame(frame(camera="cam-1", seq=10, captured_ms=START + 10_000)).get(timeout=60)
    again = Consumer(bus, "test", [FRAMES], f"frames-{START}")
    rest = []
    wait_for(lambda: rest.extend(again.poll(0.2)) or len(rest) >= 5, 90, what="the frames after the commit")
    assert [decode_frame(r.key, r.value, r.headers).seq for r in rest] == list(range(6, 11))
    reader, place = FrameReader(bus, "test"), sent[3].get()
    assert place.partition == partition_of("cam-1", 3)
    assert reader.read(FrameRef(partition=place.partition, offset=place.offset)).seq == 3
    assert [f.seq for f in reader.between("cam-1", START + 2000, START + 5000)] == [2, 3, 4, 5]
    for closable in (again, reader, producer):
        closable.close()
