from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client import REGISTRY

from pipeline.bus.records import MAX_FRAME_BYTES, Frame
from pipeline.grab.publisher import Publisher
from pipeline.ops.errors import BusError
from tests.waiting import wait_for


class Future:
    """An answer that is given by hand."""

    def __init__(self) -> None:
        self.done: list[Callable[[Any], None]] = []
        self.failed: list[Callable[[Any], None]] = []

    def add_callback(self, call: Callable[[Any], None]) -> None:
        self.done.append(call)

    def add_errback(self, call: Callable[[Any], None]) -> None:
        self.failed.append(call)


class Sender:
    """A bus that takes, refuses or is full, as told."""

    def __init__(self) -> None:
        self.in_flight_bytes = 0
        self.sent: list[Frame] = []
        self.futures: list[Future] = []
        self.refuses = False

    def send_frame(self, frame: Frame) -> Future:
        if self.refuses:
            raise BusError("no broker")
        self.sent.append(frame)
        self.futures.append(Future())
        return self.futures[-1]


def frame(camera: str, seq: int, size: int = 10) -> Frame:
    jpeg = b"\xff\xd8" + b"x" * size
    return Frame(camera=camera, trace="t", seq=seq, captured_ms=seq, width=2, height=2, cause="floor", jpeg=jpeg)


def dropped(reason: str) -> float:
    return REGISTRY.get_sample_value("siaga_grab_frames_dropped_total", {"reason": reason}) or 0.0


@pytest.fixture
def sender() -> Sender:
    return Sender()


def test_a_full_queue_drops_its_oldest_and_counts(sender: Sender) -> None:
    publisher = Publisher(sender, 2, 1000)
    before = dropped("queue_full")
    for seq in range(5):
        publisher.offer(frame("a", seq))
    publisher.offer(frame("b", 9))
    assert publisher.waiting == 3
    assert dropped("queue_full") - before == 3
    publisher.start()
    wait_for(lambda: len(sender.sent) == 3)
    publisher.close()
    assert [(f.camera, f.seq) for f in sender.sent] == [("a", 3), ("b", 9), ("a", 4)], "cameras take turns"


def test_nothing_is_sent_while_too_much_is_in_flight(sender: Sender) -> None:
    sender.in_flight_bytes = 5000
    publisher = Publisher(sender, 4, 1000)
    publisher.start()
    for seq in range(9):
        publisher.offer(frame("a", seq))
    wait_for(lambda: publisher.trouble)
    assert sender.sent == []
    assert publisher.waiting == 4
    sender.in_flight_bytes = 0
    wait_for(lambda: len(sender.sent) == 4)
    assert [f.seq for f in sender.sent] == [5, 6, 7, 8]
    publisher.close()


def test_a_refused_frame_waits_and_is_sent_later_in_order(sender: Sender) -> None:
    sender.refuses = True
    publisher = Publisher(sender, 4, 1000)
    publisher.start()
    for seq in range(3):
        publisher.offer(frame("a", seq))
    wait_for(lambda: "no broker" in publisher.trouble)
    sender.refuses = False
    wait_for(lambda: len(sender.sent) == 3)
    assert [f.seq for f in sender.sent] == [0, 1, 2]
    for future in sender.futures[:2]:
        future.done[0](None)
    before = dropped("not_acknowledged")
    sender.futures[2].failed[0](TimeoutError())
    assert publisher.acknowledged == 2
    assert dropped("not_acknowledged") - before == 1
    publisher.close()


def test_what_no_broker_takes_is_dropped(sender: Sender) -> None:
    publisher = Publisher(sender, 4, 1000)
    before = dropped("too_large")
    publisher.offer(frame("a", 1, MAX_FRAME_BYTES))
    assert dropped("too_large") - before == 1
    assert publisher.waiting == 0


def test_closing_counts_what_still_waited(sender: Sender) -> None:
    publisher = Publisher(sender, 4, 1000)
    publisher.offer(frame("a", 1))
    before = dropped("stopping")
    publisher.close()
    assert dropped("stopping") - before == 1
