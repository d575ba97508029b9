"""A steady load on a broker, a reader that notes when each observation came, and the incidents that must follow."""

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from pipeline.bus.consumer import Consumer
from pipeline.bus.producer import Producer
from pipeline.bus.records import Frame, Incident, Observation, decode
from pipeline.bus.topics import OBSERVATIONS
from pipeline.city.registry import Registry
from pipeline.confirm.machine import new_city, step
from pipeline.confirm.rules import Rulebook
from pipeline.detect.worker import GROUP
from pipeline.ops.clock import now_ms
from pipeline.ops.errors import BusError
from pipeline.ops.settings import Settings
from tests.detect.frames import camera, jpeg, picture, registry

CAMERAS = 6
EACH_S = 0.02
"""A frame of some camera every 20 ms: 50 a second."""
FIRE_S = 5.0
"""One camera after the other shows a fire for so long."""
BRIGHT, DARK = jpeg(picture(160, 90, level=210)), jpeg(picture(160, 90, level=30))
CITY: Registry = registry(*(camera(f"cam-{n}", lat=-6.1 - 0.01 * n) for n in range(CAMERAS)))

Event = tuple[str, str, str, int]
"""Id, kind, camera and opening time of an incident."""


class Load:
    """Sends frames from a thread until stopped; one that the bus refuses is sent again."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._stop = settings, threading.Event()
        self.traces: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="load")

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Send no more; everything sent is acknowledged afterwards."""
        self._stop.set()
        self._thread.join(90)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        producer, began, number = Producer(self._settings.bus, "load"), time.monotonic(), 0
        while not self._stop.wait(max(0.0, began + number * EACH_S - time.monotonic())):
            burning = int((time.monotonic() - began) // FIRE_S) == number % CAMERAS
            item = Frame(
                camera=f"cam-{number % CAMERAS}", trace=f"t-{number}", seq=number, captured_ms=now_ms(),
                width=160, height=90, cause="floor", jpeg=BRIGHT if burning else DARK,
            )  # fmt: skip
            try:
                producer.send_frame(item)
            except BusError:
                continue
            self.traces.add(item.trace)
            number += 1
        producer.flush(60)
        producer.close()


class Reader:
    """Reads all observations as they come, in a thread; `arrived` holds (captured, came) of each trace's first, ms."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._stop = settings, threading.Event()
        self.observations: list[Observation] = []
        self.arrived: dict[str, tuple[int, int]] = {}
        self._thread = threading.Thread(target=self._run, name="reader")

    def __enter__(self) -> "Reader":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)

    def _run(self) -> None:
        consumer = Consumer(self._settings.bus, "reader", [OBSERVATIONS], None)
        while not self._stop.is_set():
            try:
                records = consumer.poll(0.1)
            except BusError:
                continue
            for record in records:
                one = decode(Observation, record.value)
                self.observations.append(one)
                self.arrived.setdefault(one.trace, (one.captured_ms, now_ms()))
        consumer.close()

    def p95_s(self, start_ms: int, end_ms: int) -> float:
        """Seconds from capture to the reader of 95 % of the frames captured in between."""
        waits = sorted(came - at for at, came in list(self.arrived.values()) if start_ms <= at < end_ms)
        return waits[int(0.95 * (len(waits) - 1))] / 1000 if waits else 0.0


def members(bootstrap: str) -> int:
    """How many workers share the frames now; 0 while they are finding together."""
    try:
        admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    except KafkaError:
        return 0  # The broker is away just now.
    try:
        group = admin.describe_groups([GROUP])[GROUP]
        return len(group["members"]) if group["group_state"] == "Stable" else 0
    except KafkaError:
        return 0
    finally:
        admin.close()


@contextmanager
def confirming(settings: Settings, folder: Path) -> Iterator[None]:
    """The confirm stage in a thread of this process."""
    from pipeline.confirm.worker import run

    stop = threading.Event()
    own = settings.model_copy(update={"data_dir": folder})
    thread = threading.Thread(target=run, args=(own, CITY, stop), name="confirm")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(60)
    assert not thread.is_alive()


def event(incident: Incident) -> Event:
    """What an incident is known by."""
    return incident.id, incident.kind, incident.camera, incident.opened_ms


def decided(settings: Settings, observations: Iterable[Observation]) -> set[Event]:
    """The incidents that the rules alone make of observations, in this order."""
    city = new_city(Rulebook(settings, CITY))
    return {event(i) for one in observations for i in step(city, one, one.captured_ms).incidents}


def once(observations: Iterable[Observation]) -> list[Observation]:
    """Each observation once, in order of capture: what a line without any trouble would have given."""
    return sorted({one.trace: one for one in observations}.values(), key=lambda one: one.captured_ms)
