"""A producer that is closed while the bus is gone ends all the same, its sender with it."""

import threading
from pathlib import Path

from kafka.producer.sender import Sender

from pipeline.bus.admin import ensure_topics
from pipeline.bus.producer import Producer
from pipeline.bus.records import Frame
from pipeline.ops.clock import now_ms
from pipeline.ops.sections import BusSection
from tests.brokers import embedded_broker
from tests.waiting import wait_for


def senders() -> set[threading.Thread]:
    """The threads in which kafka-python sends."""
    return {thread for thread in threading.enumerate() if isinstance(thread, Sender)}


def test_closing_without_a_bus_ends_the_sender(tmp_path: Path) -> None:
    before = senders()
    with embedded_broker(tmp_path) as broker:
        section = BusSection(bootstrap_servers=broker.bootstrap, partitions=1)
        ensure_topics(section)
        producer = Producer(section, "test")
        jpeg = b"\xff\xd8" + bytes(1000) + b"\xff\xd9"
        frame = Frame(
            camera="c", trace="t", seq=1, captured_ms=now_ms(), width=640, height=360, cause="floor", jpeg=jpeg
        )
        producer.send_frame(frame).get(30)
        assert senders() - before
        broker.kill()
        producer.send_frame(frame)
        producer.close(0.2)
        wait_for(lambda: not senders() - before, 30, what="the end of the sender")
