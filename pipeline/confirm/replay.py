"""Coming back: the state from the bus alone, as it was when the last offset was committed.

1. Incidents: the latest revision of each on `siaga.incidents`; open ones go on, closed ones may be reopened.
2. Observations of the last seconds before the committed offset (the *horizon*) are folded into the windows without
   deciding anything: what they decided is on the bus already, because it is acknowledged before an offset is committed.
3. From the committed offset on everything is decided. What was decided and published but not yet committed is decided
   again to the same: ids follow from camera, kind and opening time, an open incident is not opened, and a closed one
   does not reopen for observations from before it closed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import structlog

from pipeline.bus.consumer import Consumer, Place
from pipeline.bus.records import Incident, decode
from pipeline.bus.topics import INCIDENTS
from pipeline.confirm.merge import KEPT_MS
from pipeline.ops.errors import BusError, RecordError
from pipeline.ops.sections import BusSection

log = structlog.get_logger(__name__)

FIRST_START_MS = 3_600_000
"""Where nothing was ever committed, observations older than this are left out, ms."""
POLLS = 40
"""Polls without a record after which reading is given up (and tried again from the beginning)."""


@dataclass(frozen=True, slots=True)
class Start:
    """Where to read a partition from (`fold`), and from which offset on to decide."""

    fold: int
    decide: int


def latest_incidents(bus: BusSection, stage: str, since_ms: int) -> list[Incident]:
    """Return the latest revision of every incident that is open, or closed not before `since_ms`.

    Raises:
        BusError: The bus does not answer.
    """
    consumer = Consumer(bus, stage, [INCIDENTS], None)
    try:
        latest: dict[str, Incident] = {}
        for value in _values(consumer):
            try:
                incident = decode(Incident, value)
            except RecordError as error:
                log.warning("confirm.incident_unreadable", reason=str(error))
                continue
            known = latest.get(incident.id)
            if known is None or incident.revision >= known.revision:
                latest[incident.id] = incident
    finally:
        consumer.close()
    found = [i for i in latest.values() if i.closed_ms is None or i.closed_ms >= since_ms - KEPT_MS]
    return sorted(found, key=lambda incident: (incident.opened_ms, incident.id))


def _values(consumer: Consumer) -> Iterator[bytes]:
    """Yield the values of all records up to the ends that the topics have now.

    Raises:
        BusError: They could not be read to their ends; going on with half of them would open incidents twice.
    """
    places = consumer.places()
    begins, ends = consumer.begins(places), consumer.ends(places)
    for place in places:
        consumer.seek(place, begins[place])
    open_places = {place for place in places if begins[place] < ends[place]}
    empty = 0
    while open_places:
        if empty >= POLLS:
            raise BusError(f"{INCIDENTS} could not be read to its end")
        records = consumer.poll(0.25, 5000)
        empty = 0 if records else empty + 1
        for record in records:
            if record.offset + 1 >= ends[record.place]:
                open_places.discard(record.place)
            if record.value is not None and record.offset < ends[record.place]:
                yield record.value


def find_starts(
    consumer: Consumer, horizon_ms: int, learned: Mapping[Place, int], now_ms: int
) -> tuple[dict[Place, Start], int]:
    """Return where each partition begins, and the earliest capture time to reckon with.

    Args:
        consumer: Reads `siaga.observations`, all partitions; its position is changed.
        horizon_ms: How far before the committed offset the state reaches back, ms of capture time.
        learned: Offsets up to which the memory of places was learned.
        now_ms: The clock.

    Raises:
        BusError: The bus does not answer.
    """
    places = consumer.places()
    begins, ends = consumer.begins(places), consumer.ends(places)
    decide: dict[Place, int] = {}
    for place in places:
        committed = consumer.committed(place)
        if committed is None:
            committed = consumer.offset_at(place, now_ms - FIRST_START_MS)
        decide[place] = min(max(committed, begins[place]), ends[place])
    stamps = _stamps(consumer, {p: max(begins[p], decide[p] - 1) for p in places if begins[p] < ends[p]})
    starts = {}
    for place in places:
        fold = decide[place]
        if place in stamps:
            fold = min(fold, consumer.offset_at(place, max(0, stamps[place] - horizon_ms)))
        starts[place] = Start(max(begins[place], min(fold, learned.get(place, fold))), decide[place])
    earliest = min(stamps.values(), default=now_ms) - horizon_ms
    for place, start in starts.items():
        consumer.seek(place, start.fold)
    return starts, max(0, earliest)


def _stamps(consumer: Consumer, at: Mapping[Place, int]) -> dict[Place, int]:
    """Return the time stamps of the records at (or next after) these offsets."""
    for place, offset in at.items():
        consumer.seek(place, offset)
    stamps: dict[Place, int] = {}
    empty = 0
    while len(stamps) < len(at):
        if empty >= POLLS:
            raise BusError("the place to begin from could not be read")
        records = consumer.poll(0.25, 2000)
        empty = 0 if records else empty + 1
        for record in records:
            stamps.setdefault(record.place, record.timestamp_ms)
    return stamps
