"""The way out while the bus refuses: nothing is forgotten, and stopping ends the wait."""

import threading
from typing import ClassVar

import pytest

from pipeline.bus.consumer import Received
from pipeline.bus.records import Incident, Request
from pipeline.confirm import outlet as module
from pipeline.confirm.outlet import Outlet
from pipeline.confirm.state import Outcome
from pipeline.ops.errors import BusError
from pipeline.ops.sections import BusSection
from tests.confirm.world import T0, fire, run


class Refusing:
    """A producer that refuses `failures` times in all, whoever makes it."""

    failures = 0
    made: ClassVar[list["Refusing"]] = []

    def __init__(self, *_: object) -> None:
        self.sent: list[tuple[str, str]] = []
        self.made.append(self)

    def send(self, topic: str, key: str, record: object, **_: object) -> None:
        if isinstance(record, Request) and Refusing.failures:
            raise BusError("refused")
        self.sent.append((topic, key))

    def flush(self, _timeout_s: float) -> None:
        if Refusing.failures:
            Refusing.failures -= 1
            raise BusError("not acknowledged")

    def close(self, *_: object) -> None:
        pass


@pytest.fixture
def refusing(monkeypatch):
    Refusing.failures, Refusing.made = 0, []
    monkeypatch.setattr(module, "Producer", Refusing)
    monkeypatch.setattr(module, "FIRST_WAIT_S", 0.001)
    monkeypatch.setattr(module, "LONGEST_WAIT_S", 0.001)
    return Refusing


def decided() -> list[Incident]:
    return run(fire(0, 3))[0]


def test_what_is_not_acknowledged_is_sent_again_by_a_new_producer(refusing):
    troubles: list[str] = []
    out = Outlet(BusSection(), threading.Event(), troubles.append)
    refusing.failures = 4
    incidents = decided()
    out.take(Outcome(incidents=incidents))
    out.refuse(Received("siaga.observations", 0, 7, T0, b"a", b"{", []), "not JSON")
    assert out.settle() == 1
    assert len(troubles) == 4
    assert len(refusing.made) == 2, "after three failures another producer is made"
    assert refusing.made[1].sent[-1] == ("siaga.incidents", incidents[0].id)
    assert ("siaga.dead", "siaga.observations/0") in refusing.made[1].sent
    assert out.settle() == 0, "it is sent once more only when it was not acknowledged"
    out.close()


def test_a_request_that_is_refused_is_let_go(refusing):
    out = Outlet(BusSection(), threading.Event(), lambda _: None)
    refusing.failures = 1
    request = Request(camera="a", trace="t", at_ms=T0, kind="burst", reason="verify fire")
    out.take(Outcome(requests=[request]))
    assert out.settle() == 0
    assert refusing.made[0].sent == []


def test_stopping_ends_the_wait(refusing):
    stop = threading.Event()
    out = Outlet(BusSection(), stop, lambda _: stop.set())
    refusing.failures = 100
    out.take(Outcome(incidents=decided()))
    with pytest.raises(InterruptedError):
        out.settle()
