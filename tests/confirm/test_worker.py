"""The worker on a real bus (the embedded broker as a process of its own), stopped, killed and started again."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kafka import KafkaConsumer, TopicPartition
from prometheus_client import REGISTRY

from pipeline.bus.admin import ensure_topics
from pipeline.bus.producer import Producer
from pipeline.bus.records import DeadLetter, Incident, Observation, Request, decode
from pipeline.bus.topics import DEAD, INCIDENTS, OBSERVATIONS, REQUESTS
from pipeline.city.registry import Kelurahan, Registry
from pipeline.confirm.worker import SNAPSHOT_FILE, Worker, run
from pipeline.ops.clock import now_ms
from pipeline.ops.health import StageHealth
from pipeline.ops.sections import BusSection, ConfirmSection
from pipeline.ops.settings import Settings
from tests.brokers import Broker, embedded_broker
from tests.confirm.world import RULE, camera, fire, quiet
from tests.waiting import wait_for

PARTITIONS = 3
REGISTRY_OF_CITY = Registry(
    {one.id: one for one in (camera("a"), camera("b", -6.2001), camera("c", -6.5))},
    {"31.71.01.1001": Kelurahan("31.71.01.1001", "Gambir", "Gambir", "Jakarta Pusat", -6.2, 106.8)},
)


class Bus:
    """A bus with the topics of Siaga, and the settings to reach it."""

    def __init__(self, broker: Broker, folder: Path) -> None:
        self.broker = broker
        section = BusSection(bootstrap_servers=broker.bootstrap, partitions=PARTITIONS)
        confirm = ConfirmSection(kinds={"fire": RULE, "smoke": RULE})
        self.settings = Settings(bus=section, confirm=confirm, data_dir=folder)
        ensure_topics(section)
        self.producer = Producer(section, "test")

    def say(self, observations: list[Observation]) -> None:
        """Put observations on the bus as the detect stage does, their times moved to now."""
        for one in observations:
            self.producer.send(OBSERVATIONS, one.camera, one, timestamp_ms=one.captured_ms)
        self.producer.flush()

    def read(self, topic: str, kind: type) -> list:
        """All records of a topic."""
        consumer = KafkaConsumer(bootstrap_servers=self.broker.bootstrap, enable_auto_commit=False)
        try:
            places = [TopicPartition(topic, p) for p in sorted(consumer.partitions_for_topic(topic) or ())]
            consumer.assign(places)
            consumer.seek_to_beginning(*places)
            ends = consumer.end_offsets(places)
            values: list[bytes] = []

            def done() -> bool:
                values.extend(r.value for batch in consumer.poll(timeout_ms=200).values() for r in batch)
                return all(consumer.position(place) >= ends[place] for place in places)

            wait_for(done, 30, every=0, what=f"the end of {topic}")
        finally:
            consumer.close()
        return [decode(kind, value) for value in values]

    def incidents(self) -> list[Incident]:
        """All incident records, by id and revision."""
        return sorted(self.read(INCIDENTS, Incident), key=lambda i: (i.opened_ms, i.id, i.revision))


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[Bus]:
    with embedded_broker(tmp_path) as broker:
        made = Bus(broker, tmp_path)
        yield made
        made.producer.close()


@contextmanager
def working(bus: Bus, report: Callable[[StageHealth], None] = lambda _: None) -> Iterator[threading.Thread]:
    """A worker in a thread, stopped at the end."""
    stop = threading.Event()
    thread = threading.Thread(target=run, args=(bus.settings, REGISTRY_OF_CITY, stop, report), daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


def moved(observations: list[Observation], start_ms: int) -> list[Observation]:
    """The same observations, the first of them at `start_ms`."""
    by = start_ms - min(one.captured_ms for one in observations)
    return [
        one.model_copy(update={"captured_ms": one.captured_ms + by, "trace": f"{one.camera}-{one.captured_ms + by}"})
        for one in observations
    ]


def story() -> list[Observation]:
    """A fire at `a`, seen by its neighbour `b` a little later, and another at `c`; then quiet."""
    told = [*fire(0, 25, camera="a"), *quiet(25, 60, camera="a"), *quiet(0, 4, camera="b")]
    told += [*fire(4.5, 10, camera="b"), *quiet(14.5, 80, camera="b")]
    told += [*quiet(0.2, 40, camera="c"), *fire(40.2, 5, camera="c"), *quiet(45.2, 50, camera="c")]
    return moved(sorted(told, key=lambda one: one.captured_ms), now_ms() - 150_000)


def suppressed(kind: str, reason: str) -> float:
    return REGISTRY.get_sample_value("siaga_confirm_suppressed_total", {"kind": kind, "reason": reason}) or 0.0


def last_revisions(incidents: list[Incident]) -> dict[str, Incident]:
    return {incident.id: incident for incident in incidents}


def is_over(bus: Bus) -> bool:
    """Both fires of the story are closed, and the late partition of `b` has been heard."""
    last = last_revisions(bus.incidents()).values()
    return len(last) == 2 and all(i.state == "closed" for i in last) and any(len(i.witnesses) == 2 for i in last)


def check_story(incidents: list[Incident]) -> None:
    """Two incidents, each opened once, revisions without a gap, the first with two witnesses."""
    last = list(last_revisions(incidents).values())
    assert {i.state for i in last} == {"closed"}
    assert sorted(sorted(w.camera for w in i.witnesses) for i in last) == [["a", "b"], ["c"]]
    assert sum(i.state == "opened" for i in incidents) == 2


def test_observations_become_incidents_and_bad_records_are_put_aside(bus):
    before = suppressed("*", "duplicate")
    reports: list[StageHealth] = []
    told = story()
    bus.producer._kafka.send(OBSERVATIONS, b"{broken", key=b"a")
    bus.say([*told[:40], *told[20:40], *told[40:]])
    with working(bus, reports.append):
        wait_for(lambda: is_over(bus), what="two closed incidents")
        wait_for(lambda: reports, what="a report")
    check_story(bus.incidents())
    assert suppressed("*", "duplicate") == before + 20
    letters = bus.read(DEAD, DeadLetter)
    assert [letter.stage for letter in letters] == ["confirm"]
    assert {request.camera for request in bus.read(REQUESTS, Request)} == {"a", "b", "c"}
    assert reports[0].stage == "confirm"
    assert all(report.ok for report in reports)


def work_until_killed(settings: Settings) -> None:
    """What the killed process runs."""
    Worker(settings, REGISTRY_OF_CITY, threading.Event()).loop()


def test_killed_at_any_time_nothing_is_lost_and_nothing_comes_twice(bus):
    told = story()
    context = multiprocessing.get_context("spawn")
    third = len(told) // 4
    for part in range(3):
        process = context.Process(target=work_until_killed, args=(bus.settings,))
        process.start()
        assert process.pid is not None
        expected = len(bus.incidents())
        bus.say(told[part * third : (part + 1) * third])
        wait_for(lambda: len(bus.incidents()) > expected, 60, what="something decided")  # noqa: B023
        os.kill(process.pid, 9)
        process.join(30)
    bus.say(told[3 * third :])
    with working(bus):
        wait_for(lambda: is_over(bus), 60, what="two closed incidents")
    check_story(bus.incidents())


def test_a_bus_that_dies_is_waited_for(bus):
    told = story()
    reports: list[StageHealth] = []
    with working(bus, reports.append):
        bus.say(told[:60])
        wait_for(bus.incidents, what="the first incident")
        bus.broker.kill()
        bus.broker.restart()
        bus.say(told[60:])
        wait_for(lambda: is_over(bus), 90, what="two closed incidents")
    check_story(bus.incidents())


def test_the_memory_is_kept_over_a_restart(bus, tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.confirm.worker.SNAPSHOT_MS", 0)
    bus.say(story()[:60])
    with working(bus):
        wait_for(lambda: (tmp_path / SNAPSHOT_FILE).exists(), what="a snapshot")
    first = (tmp_path / SNAPSHOT_FILE).read_text()
    assert '"a|fire"' in first
    bus.say(story()[60:61])
    with working(bus):
        wait_for(lambda: (tmp_path / SNAPSHOT_FILE).read_text() != first, what="another snapshot")
