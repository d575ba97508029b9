"""What was recorded within a span of time: from the archive, and from the bus what the archive does not have yet."""

import threading
from collections.abc import Collection, Iterator
from pathlib import Path

from pipeline.bus.consumer import Consumer
from pipeline.bus.topics import OBSERVATIONS
from pipeline.city.registry import Registry
from pipeline.ops.errors import BusError, ConfigError
from pipeline.ops.sections import BusSection
from pipeline.ops.settings import Settings
from pipeline.tune.archive.layout import HOUR_MS, hour_files
from pipeline.tune.archive.reader import read

POLLS = 40
POLL_S = 0.25
RECORDS = 5000


def cameras_within(
    registry: Registry, camera: str | None, kelurahan: str | None, category: str | None
) -> frozenset[str] | None:
    """Return the cameras that are meant, None for all of the city.

    Raises:
        ConfigError: Nothing is called so, or no camera is left.
    """
    if camera is None and kelurahan is None and category is None:
        return None
    if camera is not None and camera not in registry.cameras:
        raise ConfigError(f"--camera {camera}: no such camera in the registry")
    if kelurahan is not None and kelurahan not in registry.kelurahan:
        raise ConfigError(f"--kelurahan {kelurahan}: no such code in the registry")
    found = frozenset(
        one.id
        for one in registry.cameras.values()
        if camera in (None, one.id)
        and kelurahan in (None, one.kelurahan)
        and (category is None or category in one.categories)
    )
    if not found:
        raise ConfigError("no camera is left of --camera, --kelurahan and --category together")
    return found


def recorded(settings: Settings, start_ms: int, end_ms: int, cameras: Collection[str] | None) -> Iterator[bytes]:
    """Yield observations captured within `[start_ms, end_ms)`: finished hours from the archive, the rest from the bus.

    Raises:
        ArchiveError: A file of the archive is damaged.
        BusError: The bus is needed and does not answer.
    """
    folder = settings.data_path(settings.archive.dir)
    kept_ms = archived_until(folder)
    for _, value in read(folder, start_ms, min(end_ms, kept_ms), cameras):
        yield value
    if end_ms > kept_ms:
        yield from from_bus(settings.bus, max(start_ms, kept_ms), end_ms, cameras)


def archived_until(folder: Path) -> int:
    """Return up to when all partitions are archived, epoch ms; 0 where nothing is."""
    newest: dict[int, int] = {}
    for file in hour_files(folder):
        newest[file.partition] = max(file.hour_ms + HOUR_MS, newest.get(file.partition, 0))
    return min(newest.values(), default=0)


def from_bus(bus: BusSection, start_ms: int, end_ms: int, cameras: Collection[str] | None) -> Iterator[bytes]:
    """Yield what the bus still has of a span, in the order of capture.

    Raises:
        BusError: It does not answer.
    """
    once = threading.Event()
    once.set()  # one attempt: whoever asks does not wait for a bus that is away
    try:
        consumer = Consumer(bus, "replay", [OBSERVATIONS], None, stop=once)
    except InterruptedError as error:
        raise BusError(
            f"{bus.bootstrap_servers}: no broker answers, and the archive does not have all of this span"
        ) from error
    try:
        found = sorted(_of(consumer, start_ms, end_ms, cameras), key=lambda one: one[0])
    finally:
        consumer.close()
    for _, value in found:
        yield value


def _of(consumer: Consumer, start_ms: int, end_ms: int, cameras: Collection[str] | None) -> Iterator[tuple[int, bytes]]:
    """Yield capture times and records of a span, partition by partition."""
    places = consumer.places()
    ends = consumer.ends(places)
    waiting = set()
    for place in places:
        offset = consumer.offset_at(place, start_ms)
        consumer.seek(place, offset)
        if offset < ends[place]:
            waiting.add(place)
    keys = None if cameras is None else frozenset(camera.encode() for camera in cameras)
    empty = 0
    while waiting:
        records = consumer.poll(POLL_S, RECORDS)
        empty = 0 if records else empty + 1
        if empty >= POLLS:
            raise BusError(f"{OBSERVATIONS} could not be read to its end")
        for record in records:
            if record.offset + 1 >= ends[record.place]:
                waiting.discard(record.place)
            if record.value is None or (keys is not None and record.key not in keys):
                continue
            if start_ms <= record.timestamp_ms < end_ms:
                yield record.timestamp_ms, record.value
