"""Reading from the bus: in groups that share partitions, or as one reader of all of them."""

import threading
from collections import Counter as Counting
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import CommitFailedError, KafkaError
from kafka.structs import OffsetAndMetadata
from prometheus_client import Counter

from pipeline.bus.client import common, instance_name, retrying
from pipeline.ops.errors import BusError
from pipeline.ops.sections import BusSection

log = structlog.get_logger(__name__)

RECEIVED = Counter("siaga_bus_records_received_total", "Records read from the bus", ["topic", "stage"])
COMMITS = Counter("siaga_bus_commits_total", "Offset commits", ["stage", "outcome"])

GATHER_BYTES = 1 << 19
"""A gathering consumer's answer comes at once when so many bytes wait."""
PARTITION_BYTES = 1 << 20
"""Most bytes of one partition in an answer: with more, a reader that catches up waits for what it cannot use yet."""

Place = tuple[str, int]
"""A topic and one of its partitions."""


@dataclass(frozen=True, slots=True)
class Received:
    """One record as it lay on the bus; `timestamp_ms` is what its sender stamped it with."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None = field(repr=False)
    headers: list[tuple[str, bytes]] = field(repr=False)

    @property
    def place(self) -> Place:
        """The topic and partition it lay on."""
        return self.topic, self.partition


class Consumer:
    """A consumer that commits only what it is told to. Not thread-safe: one thread polls, commits and closes.

    Args:
        bus: Where the brokers are.
        stage: The stage that reads; names client and instance.
        topics: Topics to read.
        group: Consumer group; None reads without one (nothing can be committed).
        share: Share the partitions with the group's other members; False takes all of them at once.
        latest: Where nothing is committed, begin with what comes from now on instead of with the oldest record kept.
        gather_s: The broker may hold an answer back so long to let more records come together; 0 takes each at once.
        stop: Ends the wait for a first broker.
    """

    def __init__(
        self,
        bus: BusSection,
        stage: str,
        topics: list[str],
        group: str | None,
        *,
        share: bool = True,
        latest: bool = False,
        gather_s: float = 0,
        stop: threading.Event | None = None,
    ) -> None:
        self._stage = stage
        fetch = {"fetch_min_bytes": GATHER_BYTES, "fetch_max_wait_ms": int(gather_s * 1000)} if gather_s else {}
        self._kafka: Any = retrying("consumer", lambda: self._connect(bus, group, share, latest, fetch), stop)
        if share and group is not None:
            self._kafka.subscribe(topics)
        else:
            self._kafka.assign(retrying("partitions", lambda: self._all_partitions(topics), stop))

    def _connect(self, bus: BusSection, group: str | None, share: bool, latest: bool, fetch: dict[str, int]) -> Any:
        member = {"group_instance_id": instance_name(self._stage)} if group and share else {}
        return KafkaConsumer(
            **common(bus.bootstrap_servers, self._stage),
            **member,
            **fetch,
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="latest" if latest else "earliest",
            session_timeout_ms=10_000,
            heartbeat_interval_ms=2_000,
            max_poll_interval_ms=120_000,
            request_timeout_ms=15_000,
            max_partition_fetch_bytes=PARTITION_BYTES,
        )

    def _all_partitions(self, topics: list[str]) -> list[TopicPartition]:
        """Return every partition of the topics, or raise until they exist."""
        found = [TopicPartition(t, p) for t in topics for p in sorted(self._kafka.partitions_for_topic(t) or ())]
        if {place.topic for place in found} != set(topics):
            raise KafkaError(f"topics are not there yet: {', '.join(topics)}")
        return found

    def poll(self, timeout_s: float = 0.5, max_records: int = 500) -> list[Received]:
        """Return the next records, oldest first within each partition; an empty list when none came in time.

        Raises:
            BusError: The bus refused (it is logged and may be tried again).
        """
        try:
            batches = self._kafka.poll(timeout_ms=int(timeout_s * 1000), max_records=max_records)
        except KafkaError as error:
            raise BusError(f"poll: {error}") from error
        records = [
            Received(r.topic, r.partition, r.offset, r.timestamp, r.key, r.value, list(r.headers or ()))
            for batch in batches.values()
            for r in batch
        ]
        for topic, count in Counting(record.topic for record in records).items():
            RECEIVED.labels(topic, self._stage).inc(count)
        return records

    def commit(self, next_offsets: Mapping[Place, int], patience_s: float = 10) -> bool:
        """Commit the offset to read next, by place; False when the partitions have gone to another member meanwhile.

        It waits for the bus for `patience_s`. A refused commit is no error: whoever has the partition now reads those
        records again.

        Raises:
            BusError: The bus did not answer.
        """
        if not next_offsets:
            return True
        offsets = {TopicPartition(*place): OffsetAndMetadata(offset, "", -1) for place, offset in next_offsets.items()}
        try:
            self._kafka.commit(offsets, timeout_ms=int(patience_s * 1000))
        except CommitFailedError:
            COMMITS.labels(self._stage, "refused").inc()
            return False
        except (KafkaError, AssertionError) as error:
            COMMITS.labels(self._stage, "failed").inc()
            raise BusError(f"commit: {error}") from error
        COMMITS.labels(self._stage, "done").inc()
        return True

    def places(self) -> list[Place]:
        """Return the topics and partitions that this consumer reads now."""
        return [(place.topic, place.partition) for place in self._kafka.assignment()]

    def committed(self, place: Place) -> int | None:
        """Return the group's committed offset (the one to read next), or None."""
        offset = self._ask("committed", lambda: self._kafka.committed(TopicPartition(*place)))
        return None if offset is None else int(offset)

    def offset_at(self, place: Place, at_ms: int) -> int:
        """Return the offset of the first record stamped at or after `at_ms`; the end offset when there is none."""
        wanted = TopicPartition(*place)
        found = self._ask("offset_at", lambda: self._kafka.offsets_for_times({wanted: at_ms}))[wanted]
        return self.ends([place])[place] if found is None or found.offset < 0 else int(found.offset)

    def ends(self, places: list[Place]) -> dict[Place, int]:
        """Return the offset that the next record of each place will get."""
        found = self._ask("ends", lambda: self._kafka.end_offsets([TopicPartition(*place) for place in places]))
        return {(place.topic, place.partition): int(offset) for place, offset in found.items()}

    def begins(self, places: list[Place]) -> dict[Place, int]:
        """Return the oldest offset still kept of each place."""
        found = self._ask("begins", lambda: self._kafka.beginning_offsets([TopicPartition(*p) for p in places]))
        return {(place.topic, place.partition): int(offset) for place, offset in found.items()}

    def seek(self, place: Place, offset: int) -> None:
        """Read this place from `offset` on."""
        self._kafka.seek(TopicPartition(*place), offset)

    def lag(self) -> int:
        """Return how many records wait, by what the broker said last; 0 while nothing is known."""
        lag = 0
        for place in self._kafka.assignment():
            end = self._kafka.highwater(place)
            at = None if end is None else self._ask("lag", lambda place=place: self._kafka.position(place, 1000))
            lag += 0 if at is None else max(0, end - at)
        return lag

    def _ask(self, what: str, call: Any) -> Any:
        try:
            return call()
        except KafkaError as error:
            raise BusError(f"{what}: {error}") from error

    def close(self) -> None:
        """Leave without committing; the group's other members take over at once."""
        # A member with a fixed name would not say goodbye: its partitions would rest until its session is over.
        self._kafka._coordinator.is_dynamic_member = lambda: True
        self._kafka.close(autocommit=False)
