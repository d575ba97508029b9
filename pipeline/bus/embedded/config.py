"""Topic settings as Kafka names them, checked, and what of them the embedded broker acts on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pipeline.bus.embedded.errors import BrokerError, Code
from pipeline.bus.embedded.limits import MIB, Limits

CODECS = {"producer", "uncompressed", "gzip", "snappy", "lz4", "zstd"}
SEGMENTS_KEPT = 8
SMALLEST_SEGMENT = 65_536


@dataclass(frozen=True)
class LogConfig:
    """How one partition of a topic is kept.

    Attributes:
        segment_bytes: a segment file is closed at this size.
        segment_ms: ... or when its first record is this old.
        retention_bytes: bytes a partition keeps (-1: no bound); the oldest closed segments go first.
        retention_ms: age in ms after which records go (-1: never).
        message_bytes: largest record batch.
        compact: keep only the last record of each key.
        delete: drop by age and size.
        tombstone_ms: how long a record without value stays in a compacted partition.
    """

    segment_bytes: int
    segment_ms: int
    retention_bytes: int
    retention_ms: int
    message_bytes: int
    compact: bool
    delete: bool
    tombstone_ms: int


def _number(lowest: int) -> Callable[[str], bool]:
    def check(value: str) -> bool:
        try:
            return lowest <= int(value) < 2**63
        except ValueError:
            return False

    return check


def _policy(value: str) -> bool:
    return bool(value) and {part.strip() for part in value.split(",")} <= {"compact", "delete"}


def _boolean(value: str) -> bool:
    return value in {"true", "false"}


def _ratio(value: str) -> bool:
    try:
        return 0.0 <= float(value) <= 1.0
    except ValueError:
        return False


CHECKS: dict[str, Callable[[str], bool]] = {
    "cleanup.policy": _policy,
    "retention.ms": _number(-1),
    "retention.bytes": _number(-1),
    "segment.bytes": _number(MIB),
    "segment.ms": _number(1),
    "max.message.bytes": _number(0),
    "delete.retention.ms": _number(0),
    "compression.type": lambda value: value in CODECS,
    "min.insync.replicas": _number(1),
    "unclean.leader.election.enable": _boolean,
    "message.timestamp.type": lambda value: value == "CreateTime",
    "min.cleanable.dirty.ratio": _ratio,
    "min.compaction.lag.ms": _number(0),
    "max.compaction.lag.ms": _number(1),
    "flush.messages": _number(1),
    "flush.ms": _number(0),
}
DEFAULTS = {
    "cleanup.policy": "delete",
    "retention.ms": "604800000",
    "retention.bytes": "-1",
    "segment.ms": "604800000",
    "delete.retention.ms": "86400000",
}


def checked(configs: Mapping[str, str | None]) -> dict[str, str]:
    """Return the given settings without those left at None (their default).

    Raises:
        BrokerError: INVALID_CONFIG naming the setting that is unknown or has no sound value.
    """
    kept = {name: value for name, value in configs.items() if value is not None}
    for name, value in kept.items():
        check = CHECKS.get(name)
        if check is None:
            raise BrokerError(Code.INVALID_CONFIG, f"unknown topic setting {name!r}")
        if not check(value):
            raise BrokerError(Code.INVALID_CONFIG, f"{name} cannot be {value!r}")
    return kept


def effective(configs: Mapping[str, str], limits: Limits) -> dict[str, str]:
    """Every setting with a value: the topic's own over the defaults."""
    base = {"segment.bytes": str(limits.segment_bytes), "max.message.bytes": str(limits.message_bytes)}
    return {**DEFAULTS, **base, **configs}


def log_config(configs: Mapping[str, str], limits: Limits) -> LogConfig:
    """Turn a topic's settings into what its partitions do.

    Segments are kept small enough (an eighth of the bound) that a partition stays within 1.25 times its bounds of
    bytes and age, since only whole closed segments can be dropped.
    """
    values = effective(configs, limits)
    policy = {part.strip() for part in values["cleanup.policy"].split(",")}
    retention_bytes, retention_ms = int(values["retention.bytes"]), int(values["retention.ms"])
    segment_bytes, segment_ms = int(values["segment.bytes"]), int(values["segment.ms"])
    if retention_bytes >= 0 and "delete" in policy:
        segment_bytes = min(segment_bytes, max(SMALLEST_SEGMENT, retention_bytes // SEGMENTS_KEPT))
    if retention_ms >= 0 and "delete" in policy:
        segment_ms = min(segment_ms, max(1, retention_ms // SEGMENTS_KEPT))
    return LogConfig(
        segment_bytes=segment_bytes,
        segment_ms=segment_ms,
        retention_bytes=retention_bytes,
        retention_ms=retention_ms,
        message_bytes=int(values["max.message.bytes"]),
        compact="compact" in policy,
        delete="delete" in policy,
        tombstone_ms=int(values["delete.retention.ms"]),
    )
