import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.bus.embedded.batch import BatchHeader, read_header
from pipeline.bus.embedded.errors import BrokerError, Code
from pipeline.bus.embedded.producers import MAX_PRODUCERS, ProducerStates
from tests.bus.embedded.making import batch


def header(sequence: int, count: int = 1, producer: int = 5, epoch: int = 0) -> BatchHeader:
    found = read_header(batch(*[b"v"] * count, producer=producer, epoch=epoch, sequence=sequence))
    assert found is not None
    return found


def filled(count: int) -> ProducerStates:
    states = ProducerStates()
    for sequence in range(count):
        states.record(header(sequence), 100 + sequence)
    return states


def test_a_batch_sent_again_is_found_among_the_last_five():
    states = filled(7)
    assert [states.duplicate_of(header(sequence)) for sequence in range(2, 7)] == [102, 103, 104, 105, 106]
    assert states.duplicate_of(header(7)) is None


@pytest.mark.parametrize("sequence", [0, 1, 8, 100])
def test_a_gap_or_a_batch_long_gone_is_out_of_order(sequence):
    with pytest.raises(BrokerError) as refusal:
        filled(7).duplicate_of(header(sequence))
    assert refusal.value.code is Code.OUT_OF_ORDER_SEQUENCE


def test_an_older_epoch_is_fenced_and_a_newer_one_starts_at_zero():
    states = ProducerStates()
    states.record(header(0, epoch=3), 0)
    with pytest.raises(BrokerError) as refusal:
        states.duplicate_of(header(1, epoch=2))
    assert refusal.value.code is Code.INVALID_PRODUCER_EPOCH
    with pytest.raises(BrokerError) as refusal:
        states.duplicate_of(header(1, epoch=4))
    assert refusal.value.code is Code.OUT_OF_ORDER_SEQUENCE
    assert states.duplicate_of(header(0, epoch=4)) is None
    states.record(header(0, epoch=4), 1)
    assert states.duplicate_of(header(1, epoch=4)) is None


def test_sequences_wrap():
    states = ProducerStates()
    states.record(header(2**31 - 2, count=2), 0)
    assert states.duplicate_of(header(0)) is None


def test_an_unknown_producer_and_one_without_id_are_taken():
    states = ProducerStates()
    assert states.duplicate_of(header(42)) is None
    plain = read_header(batch())
    assert plain is not None
    states.record(plain, 0)
    assert states.duplicate_of(plain) is None
    assert len(states) == 0


def test_the_least_recent_producer_is_forgotten_first():
    states = ProducerStates()
    for producer in range(MAX_PRODUCERS + 5):
        states.record(header(0, producer=producer)._replace(producer_id=producer), 0)
    assert len(states) == MAX_PRODUCERS
    assert states.duplicate_of(header(9)._replace(producer_id=0)) is None
    assert states.duplicate_of(header(0)._replace(producer_id=MAX_PRODUCERS)) == 0


@given(st.lists(st.integers(1, 5), min_size=1, max_size=12))
def test_a_snapshot_answers_as_the_original(counts):
    states, sequence = ProducerStates(), 0
    for count in counts:
        states.record(header(sequence, count), sequence)
        sequence += count
    again = ProducerStates()
    again.restore(json.loads(json.dumps(states.snapshot())))
    assert again.snapshot() == states.snapshot()
    last = header(sequence - counts[-1], counts[-1])
    assert again.duplicate_of(last) == states.duplicate_of(last) == sequence - counts[-1]
    assert again.duplicate_of(header(sequence)) is None
