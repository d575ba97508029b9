"""A bus with the detect stage on it, for tests."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.bus.consumer import Consumer
from pipeline.bus.records import DeadLetter, Observation, decode
from pipeline.bus.topics import DEAD, OBSERVATIONS
from pipeline.city.registry import Registry
from pipeline.detect.worker import run
from pipeline.ops.health import StageHealth
from pipeline.ops.settings import Settings
from tests.shared import REPO
from tests.waiting import wait_for

LONG = 120


def line_settings(bootstrap: str, *models: Path, **detect: object) -> Settings:
    """Settings of a small line on the given broker."""
    return Settings.model_validate(
        {
            "bus": {"bootstrap_servers": bootstrap, "partitions": 3},
            "detect": {"models": [str(model) for model in models], **detect},
            "ops": {"stale_after_s": 1},
        }
    )


@contextmanager
def detecting(settings: Settings, registry: Registry) -> Iterator[list[StageHealth]]:
    """The detect stage in a thread of this process; gives the list of what it said of its health."""
    stop = threading.Event()
    told: list[StageHealth] = []
    failures: list[BaseException] = []

    def work() -> None:
        try:
            run(settings, registry, stop, told.append)
        except BaseException as error:
            failures.append(error)
            raise

    thread = threading.Thread(target=work, name="detect")
    thread.start()
    try:
        yield told
        assert not failures
    finally:
        stop.set()
        thread.join(60)
    assert not thread.is_alive()


class Topic:
    """Everything on a topic, read as it comes."""

    def __init__(self, settings: Settings, topic: str) -> None:
        self._consumer = Consumer(settings.bus, "test", [topic], None)
        self.values: list[bytes] = []

    def until(self, enough: Callable[[list[bytes]], object], timeout: float = LONG) -> list[bytes]:
        """Read until `enough` is truthy."""

        def check() -> object:
            self.values += [record.value or b"" for record in self._consumer.poll(0.2)]
            return enough(self.values)

        try:
            wait_for(check, timeout, what="enough records")
        except AssertionError as error:
            raise AssertionError(f"{error}; {len(self.values)} came") from error
        return self.values

    def close(self) -> None:
        self._consumer.close()


@contextmanager
def reading(settings: Settings, topic: str) -> Iterator[Topic]:
    """Read a topic from its beginning."""
    reader = Topic(settings, topic)
    try:
        yield reader
    finally:
        reader.close()


def observations(settings: Settings, traces: set[str], models: int = 1) -> list[Observation]:
    """Wait until each trace was observed by as many models; return all observations."""

    def enough(values: list[bytes]) -> bool:
        if len(values) < len(traces) * models:
            return False
        seen = {(o.trace, o.model.name) for o in map(_observation, values)}
        return len(seen) >= len(traces) * models

    with reading(settings, OBSERVATIONS) as topic:
        return [_observation(value) for value in topic.until(enough)]


def _observation(value: bytes) -> Observation:
    return decode(Observation, value)


def dead_letters(settings: Settings, count: int) -> list[DeadLetter]:
    """Wait for at least `count` dead letters; return them."""
    with reading(settings, DEAD) as topic:
        return [decode(DeadLetter, value) for value in topic.until(lambda values: len(values) >= count)]


def detect_process(bootstrap: str, model: Path, log: Path, name: str = "detect-1") -> subprocess.Popen[bytes]:
    """The detect stage as a process of its own, under one name over all its lives."""
    command = [sys.executable, "-m", "tests.detect.line", bootstrap, str(model)]
    with log.open("ab") as out:
        return subprocess.Popen(command, cwd=REPO, stdout=out, stderr=out, env={**os.environ, "SIAGA_INSTANCE": name})


def main() -> None:
    """`python -m tests.detect.line BOOTSTRAP MODEL`: cameras cam-0 to cam-5."""
    from pipeline.wiring import stop_on_signals
    from tests.detect.frames import camera, registry

    cameras = registry(*(camera(f"cam-{i}") for i in range(6)))
    run(line_settings(sys.argv[1], Path(sys.argv[2])), cameras, stop_on_signals())


if __name__ == "__main__":
    main()
