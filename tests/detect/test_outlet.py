"""What is sent is sent until the bus has it."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.bus.admin import ensure_topics
from pipeline.bus.records import FrameRef, Observation
from pipeline.detect import outlet
from pipeline.detect.observe import observe
from pipeline.detect.outlet import Outlet
from pipeline.ops.sections import DetectSection
from tests.brokers import EmbeddedBrokerProcess, embedded_broker
from tests.detect.frames import frame, received
from tests.detect.line import dead_letters, line_settings, observations
from tests.detect.test_heads import manifest
from tests.waiting import wait_for


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[EmbeddedBrokerProcess]:
    with embedded_broker(tmp_path) as running:
        yield running


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up a flush soon, and a producer after its first failure."""
    monkeypatch.setattr(outlet, "FLUSH_S", 0.3)
    monkeypatch.setattr(outlet, "TRIES_OF_ONE_PRODUCER", 2)


def observation(trace: str) -> Observation:
    return observe(frame(trace=trace), FrameRef(partition=0, offset=1), (), manifest(), (), 1.0, DetectSection())


@pytest.mark.usefixtures("impatient")
def test_a_broker_that_is_away_is_waited_for(broker: EmbeddedBrokerProcess) -> None:
    settings = line_settings(broker.bootstrap)
    ensure_topics(settings.bus)
    troubles: list[str] = []
    out = Outlet(settings.bus, threading.Event(), troubles.append)
    out.observed(observation("before"))
    assert out.settle() == 1
    broker.kill()
    out.observed(observation("during"))
    out.refused(received(frame(), offset=77), "torn")
    counts: list[int] = []
    settling = threading.Thread(target=lambda: counts.append(out.settle()))
    settling.start()
    wait_for(lambda: troubles, what="trouble told")
    assert "the bus does not acknowledge" in troubles[0]
    broker.restart()
    settling.join(60)
    assert counts == [1]
    assert {one.trace for one in observations(settings, {"before", "during"})} == {"before", "during"}
    assert {(one.offset, one.reason) for one in dead_letters(settings, 1)} == {(77, "torn")}
    assert out.settle() == 0
    out.close()


@pytest.mark.usefixtures("impatient")
def test_a_stop_ends_the_wait(broker: EmbeddedBrokerProcess) -> None:
    settings = line_settings(broker.bootstrap)
    ensure_topics(settings.bus)
    stop = threading.Event()
    out = Outlet(settings.bus, stop, lambda _reason: stop.set())
    broker.kill()
    out.observed(observation("never"))
    with pytest.raises(InterruptedError):
        out.settle()
    out.close()
