"""Bounds of the embedded broker: what one client, group or topic may ask of it."""

from dataclasses import dataclass

MIB = 1_048_576


@dataclass(frozen=True)
class Limits:
    """Every bound in one place; the defaults fit one machine with a few dozen cameras.

    Attributes:
        request_bytes: largest request frame; a longer one closes its connection.
        connections: open connections; one more is closed at once.
        read_ahead_bytes: bytes of requests read ahead of the one being answered, per connection.
        partitions: partitions of one topic.
        topics: topics in all.
        segment_bytes: size of a segment file when the topic does not set `segment.bytes`.
        message_bytes: largest record batch when the topic does not set `max.message.bytes` (Apache Kafka's default).
        fetch_bytes: most bytes of records in one answer (the first batch may be larger).
        fetch_wait_ms: longest long poll.
        session_min_ms, session_max_ms: accepted session timeouts of group members.
        rebalance_delay_ms: how long an empty group waits for more members before its first assignment.
        group_members: members of one group.
        tick_ms: how often groups are checked for lost members.
        retention_tick_ms: how often retention, compaction and idle files are looked at.
    """

    request_bytes: int = 64 * MIB
    connections: int = 2000
    read_ahead_bytes: int = 2 * MIB
    partitions: int = 1000
    topics: int = 2000
    segment_bytes: int = 16 * MIB
    message_bytes: int = 1_048_588
    fetch_bytes: int = 16 * MIB
    fetch_wait_ms: int = 60_000
    session_min_ms: int = 500
    session_max_ms: int = 1_800_000
    rebalance_delay_ms: int = 250
    group_members: int = 500
    tick_ms: int = 100
    retention_tick_ms: int = 2000
