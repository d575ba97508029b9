"""Apache Kafka under load: workers come, go and are killed, the broker is started again; nothing is lost, all is same.

The load is floor frames of six cameras on which fires break out one after another. Every frame sent must be observed,
and confirm must raise the incidents that it would have raised had nothing happened.
"""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from pipeline.bus.admin import ensure_topics
from pipeline.bus.records import Incident, decode
from pipeline.bus.topics import INCIDENTS
from pipeline.ops.clock import now_ms
from pipeline.ops.settings import Settings
from tests.brokers import ApacheBrokerProcess, apache_broker
from tests.detect import rolling
from tests.detect.line import detect_process, line_settings, reading
from tests.detect.rolling import Load, Reader, confirming, decided, members, once
from tests.waiting import wait_for

Note = Callable[[str, object], None]
SETTLE_FRAMES = 100
"""Frames observed after each change before the next one."""


class Scene:
    """A broker with load, confirm and a reader on it, and the workers that the test starts and ends."""

    def __init__(self, broker: ApacheBrokerProcess, settings: Settings, model: Path, folder: Path) -> None:
        self.broker, self.settings, self._model, self._folder = broker, settings, model, folder
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        self.p95_s: dict[str, float] = {}

    def add(self, name: str) -> None:
        """Start a worker."""
        self.workers[name] = detect_process(self.broker.bootstrap, self._model, self._folder / f"{name}.log", name)

    def end(self, name: str, *, kill: bool = False) -> None:
        """Stop a worker in order, or by SIGKILL."""
        process = self.workers.pop(name)
        process.kill() if kill else process.terminate()
        process.wait(30)

    def settle(self, what: str, reader: Reader, since_ms: int) -> None:
        """Wait until the workers share the work again and frames flow; note the p95 of what was captured meanwhile."""
        wait_for(lambda: members(self.broker.bootstrap) == len(self.workers), 60, 0.25, f"{len(self.workers)} workers")
        until = now_ms()
        wait_for(
            lambda: sum(at >= until for at, _ in list(reader.arrived.values())) >= SETTLE_FRAMES, 60, what="frames"
        )
        self.p95_s[what] = reader.p95_s(since_ms, until)


@contextmanager
def scene(folder: Path, model: Path) -> Iterator[Scene]:
    """A broker with topics; what is left of the workers is killed at the end."""
    with apache_broker(folder) as broker:
        settings = line_settings(broker.bootstrap, model)
        ensure_topics(settings.bus)
        place = Scene(broker, settings, model, folder)
        try:
            yield place
        finally:
            for name in list(place.workers):
                place.end(name, kill=True)


def raised(settings: Settings, wanted: set[rolling.Event]) -> set[rolling.Event]:
    """The incidents on the bus, as soon as as many came as are wanted (one too many would be seen as well)."""
    with reading(settings, INCIDENTS) as topic:

        def ids(values: list[bytes]) -> set[rolling.Event]:
            return {rolling.event(decode(Incident, value)) for value in values if value}

        return ids(topic.until(lambda values: len(ids(values)) >= len(wanted), 30))


def check(place: Scene, load: Load, reader: Reader) -> dict[str, int]:
    """Nothing lost, and the same incidents as without trouble, whatever came twice. Returns counts."""
    load.stop()
    wait_for(lambda: load.traces <= reader.arrived.keys(), 60, what="an observation of every frame")
    alone = once(reader.observations)
    wanted = decided(place.settings, alone)
    assert len(wanted) >= 2
    assert decided(place.settings, reader.observations) == wanted  # as they came, duplicates included
    assert decided(place.settings, [one for seen in alone for one in (seen, seen)]) == wanted  # each of them twice
    assert raised(place.settings, wanted) == wanted  # by the confirm stage itself, while it happened
    return {"frames": len(load.traces), "twice": len(reader.observations) - len(alone), "incidents": len(wanted)}


def report(name: str, counts: dict[str, int], p95_s: dict[str, float], record: Note) -> None:
    """Say what was measured; docs/performance.md names a run of it."""
    figures = {**counts, "p95_s": {what: round(value, 2) for what, value in p95_s.items()}}
    record(name, json.dumps(figures))
    print(f"\n{name}: {json.dumps(figures)}")


@pytest.mark.timeout(300)
def test_workers_come_and_go(bright_model: Path, tmp_path: Path, record_property: Note) -> None:
    with scene(tmp_path, bright_model) as place, ExitStack() as stack:
        stack.enter_context(confirming(place.settings, tmp_path / "confirm"))
        reader = stack.enter_context(Reader(place.settings))
        place.add("detect-1")
        wait_for(lambda: members(place.broker.bootstrap) == 1, 60, 0.25, "the first worker")
        load = stack.enter_context(Load(place.settings))
        place.settle("steady", reader, now_ms())
        steps = {
            "one added": lambda: place.add("detect-2"),
            "one stopped": lambda: place.end("detect-1"),
            "another added": lambda: place.add("detect-3"),
            "one killed": lambda: place.end("detect-2", kill=True),
        }
        for what, change in steps.items():
            since = now_ms()
            change()
            place.settle(what, reader, since)
        report("rebalance", check(place, load, reader), place.p95_s, record_property)


@pytest.mark.timeout(300)
def test_the_broker_is_started_again(bright_model: Path, tmp_path: Path, record_property: Note) -> None:
    with scene(tmp_path, bright_model) as place, ExitStack() as stack:
        stack.enter_context(confirming(place.settings, tmp_path / "confirm"))
        reader = stack.enter_context(Reader(place.settings))
        for name in ("detect-1", "detect-2"):
            place.add(name)
        wait_for(lambda: members(place.broker.bootstrap) == 2, 60, 0.25, "two workers")
        load = stack.enter_context(Load(place.settings))
        place.settle("steady", reader, now_ms())
        since = now_ms()
        place.broker.restart()
        place.settle("broker restarted", reader, since)
        report("broker restart", check(place, load, reader), place.p95_s, record_property)
