"""The record batch (magic 2): its 61-byte header read without decoding the records in it.

Layout: https://kafka.apache.org/documentation/#recordbatch
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from kafka.record.default_records import DefaultRecordBatch
from kafka.record.util import calc_crc32c

from pipeline.bus.embedded.errors import BrokerError, Code

HEADER = struct.Struct(">qiibIhiqqqhii")
HEADER_BYTES = HEADER.size
PREFIX = struct.Struct(">qii")
LENGTH_AT = 12
CRC_FROM = 21
MAX_SEQUENCE = 2**31 - 1
TRANSACTIONAL_OR_CONTROL = 0x30


class BatchHeader(NamedTuple):
    """One batch's header; offsets are the log's, times epoch ms, sizes bytes."""

    base_offset: int
    length: int
    leader_epoch: int
    magic: int
    crc: int
    attributes: int
    last_delta: int
    first_timestamp: int
    max_timestamp: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    record_count: int

    @property
    def size(self) -> int:
        """Bytes of the whole batch on disk and on the wire."""
        return self.length + LENGTH_AT

    @property
    def next_offset(self) -> int:
        """The offset after the batch's last record."""
        return self.base_offset + self.last_delta + 1

    @property
    def last_sequence(self) -> int:
        """Sequence of the last record; it wraps at 2**31 as the protocol says."""
        last = self.base_sequence + self.last_delta
        return last if last <= MAX_SEQUENCE else last - MAX_SEQUENCE - 1


class Record(NamedTuple):
    """What compaction and time look-up need of one record: offset, epoch ms, key, and whether the value is null."""

    offset: int
    timestamp: int
    key: bytes | None
    tombstone: bool


def read_header(data: bytes | memoryview, at: int = 0) -> BatchHeader | None:
    """Return the header at byte `at`, or None where the bytes end before it or are no batch of magic 2."""
    if len(data) - at < HEADER_BYTES:
        return None
    header = BatchHeader._make(HEADER.unpack_from(data, at))
    sound = header.magic == 2 and header.size >= HEADER_BYTES and header.last_delta >= 0 and header.base_offset >= 0
    return header if sound else None


def produced(data: memoryview, max_bytes: int) -> BatchHeader:
    """Check what a producer sent for one partition: exactly one whole, plain batch.

    Raises:
        BrokerError: CORRUPT_MESSAGE, INVALID_RECORD or MESSAGE_TOO_LARGE with the reason.
    """
    header = read_header(data)
    if header is None:
        raise BrokerError(Code.CORRUPT_MESSAGE, "not a record batch of magic 2")
    if header.size > max_bytes:
        raise BrokerError(Code.MESSAGE_TOO_LARGE, f"batch of {header.size} bytes, at most {max_bytes} are taken")
    if header.size != len(data):
        raise BrokerError(Code.INVALID_RECORD, f"{len(data)} bytes sent, the batch says {header.size}")
    if header.record_count != header.last_delta + 1:
        raise BrokerError(Code.INVALID_RECORD, f"{header.record_count} records, last offset delta {header.last_delta}")
    if header.attributes & TRANSACTIONAL_OR_CONTROL:
        raise BrokerError(Code.INVALID_RECORD, "transactional and control batches are not supported")
    if header.producer_id >= 0 and (header.base_sequence < 0 or header.producer_epoch < 0):
        raise BrokerError(Code.INVALID_RECORD, "a producer id without epoch and sequence")
    if not crc_matches(data, header):
        raise BrokerError(Code.CORRUPT_MESSAGE, "the batch's CRC-32C does not match its bytes")
    return header


def crc_matches(data: memoryview, header: BatchHeader) -> bool:
    """Whether the batch starting at `data[0]` carries the CRC-32C of its bytes."""
    return bool(calc_crc32c(data[CRC_FROM : header.size]) == header.crc)


def placed(data: memoryview, offset: int) -> list[bytes | memoryview]:
    """The same batch with its base offset set to `offset`, as buffers to write (the CRC does not cover these bytes)."""
    return [PREFIX.pack(offset, len(data) - LENGTH_AT, 0), data[PREFIX.size :]]


def records(data: bytes) -> Iterator[Record]:
    """Decode the records of one whole batch.

    Raises:
        kafka.errors.KafkaError, ValueError, IndexError: the batch is broken or its codec is not installed.
    """
    for record in DefaultRecordBatch(data):
        yield Record(record.offset, record.timestamp, record.key, record.value is None)
