import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.bus.embedded.batch import HEADER, placed, produced, read_header, records
from pipeline.bus.embedded.errors import BrokerError, Code
from tests.bus.embedded.making import NOW, batch

LIMIT = 1 << 20


def changed(data: memoryview, **fields: int) -> memoryview:
    """The batch with header fields set to other values (the CRC is left wrong)."""
    header = read_header(data)
    assert header is not None
    return memoryview(HEADER.pack(*header._replace(**fields)) + bytes(data[HEADER.size :]))


def test_a_header_tells_offsets_times_and_sequences():
    header = produced(batch(b"a", b"b", producer=7, epoch=1, sequence=2**31 - 2), LIMIT)
    assert (header.record_count, header.next_offset, header.max_timestamp) == (2, 2, NOW + 1)
    assert header.last_sequence == 2**31 - 1
    assert header._replace(last_delta=3).last_sequence == 1


def test_a_placed_batch_has_its_offset_and_the_same_records():
    data = b"".join(placed(batch(b"a", b"b", key=b"k"), 41))
    assert [(r.offset, r.key, r.tombstone, r.timestamp) for r in records(data)] == [
        (41, b"k", False, NOW),
        (42, b"k", False, NOW + 1),
    ]
    assert produced(memoryview(data), LIMIT).base_offset == 41


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (memoryview(b""), Code.CORRUPT_MESSAGE),
        (memoryview(b"x" * 200), Code.CORRUPT_MESSAGE),
        (changed(batch(), magic=1), Code.CORRUPT_MESSAGE),
        (changed(batch(), last_delta=-1), Code.CORRUPT_MESSAGE),
        (changed(batch(), length=3), Code.CORRUPT_MESSAGE),
        (changed(batch(), crc=1), Code.CORRUPT_MESSAGE),
        (changed(batch(), record_count=2), Code.INVALID_RECORD),
        (changed(batch(), attributes=0x10), Code.INVALID_RECORD),
        (changed(batch(), attributes=0x20), Code.INVALID_RECORD),
        (changed(batch(), producer_id=4), Code.INVALID_RECORD),
        (batch()[:-1], Code.INVALID_RECORD),
        (memoryview(bytes(batch()) * 2), Code.INVALID_RECORD),
        (batch(b"x" * (LIMIT + 1)), Code.MESSAGE_TOO_LARGE),
    ],
)
def test_what_is_not_one_whole_plain_batch_is_refused(data, code):
    with pytest.raises(BrokerError) as refusal:
        produced(data, LIMIT)
    assert refusal.value.code is code
    assert refusal.value.reason


@given(st.binary(max_size=300))
def test_random_bytes_are_refused(data):
    with pytest.raises(BrokerError):
        produced(memoryview(data), LIMIT)


@given(st.integers(0, 200), st.integers(0, 255))
def test_one_wrong_byte_is_noticed(at, value):
    good = batch(b"x" * 200)
    data = bytearray(good)
    # The base offset and the leader epoch are the broker's to set and not covered by the CRC.
    at += 16
    if data[at] == value:
        return
    data[at] = value
    with pytest.raises(BrokerError):
        produced(memoryview(bytes(data)), LIMIT)
