"""Producing and consuming: order, contents, sizes, times, long polls."""

import time

from kafka import TopicPartition
from kafka.errors import MessageSizeTooLargeError
from pytest import raises

from tests.contract.reading import poll, read, read_all
from tests.waiting import wait_for

# Recent, or retention takes the records away while a test looks at them.
START = time.time_ns() // 1_000_000 - 100_000


def test_records_of_a_key_stay_in_order(producer, consumers, make_topic):
    topic = make_topic(partitions=3)
    for number in range(600):
        producer.send(topic, key=b"camera-%d" % (number % 11), value=b"%d" % number)
    producer.flush()
    records = read_all(consumers(), topic, 3)
    assert sorted(int(r.value) for r in records) == list(range(600))
    for key in {r.key for r in records}:
        mine = [r for r in records if r.key == key]
        assert len({r.partition for r in mine}) == 1
        assert [int(r.value) for r in mine] == sorted(int(r.value) for r in mine)


def test_key_value_headers_and_time_come_back_as_sent(producer, consumers, make_topic):
    topic = make_topic()
    sent = [
        (
            b"camera",
            b"\x00\xff" * 500,
            [("schema", b"1"), ("trace", b"\xff\x00"), ("schema", b"again")],
            START + 123,
        ),
        (None, b"", [], START + 124),
        (b"gone", None, [("why", b"tombstone")], START + 125),
    ]
    for key, value, headers, at in sent:
        producer.send(topic, key=key, value=value, headers=headers, timestamp_ms=at)
    producer.flush()
    assert [(r.key, r.value, list(r.headers), r.timestamp) for r in read_all(consumers(), topic)] == sent


def test_compressed_batches_pass(broker, consumers, make_topic):
    from kafka import KafkaProducer

    topic = make_topic()
    packing = KafkaProducer(bootstrap_servers=broker.bootstrap, compression_type="gzip", linger_ms=50)
    for number in range(200):
        packing.send(topic, value=b"%d" % number * 100)
    packing.close()
    assert [r.value for r in read_all(consumers(), topic)] == [b"%d" % number * 100 for number in range(200)]


def test_a_megabyte_passes_and_what_is_larger_is_refused_without_harm(broker, consumers, make_topic):
    from kafka import KafkaProducer

    topic = make_topic()
    large = KafkaProducer(bootstrap_servers=broker.bootstrap, max_request_size=4 << 20, batch_size=1 << 20)
    large.send(topic, value=b"a" * 1_000_000).get(30)
    with raises(MessageSizeTooLargeError):
        large.send(topic, value=b"b" * 2_000_000).get(30)
    large.close(timeout=5)
    # kafka-python's idempotent producer is of no use after this error; the topic is.
    large = KafkaProducer(bootstrap_servers=broker.bootstrap, max_request_size=4 << 20, batch_size=1 << 20)
    large.send(topic, value=b"c" * 1_000_000).get(30)
    large.close()
    assert [(r.value[:1], len(r.value)) for r in read_all(consumers(), topic)] == [(b"a", 1_000_000), (b"c", 1_000_000)]


def test_a_topic_may_take_larger_records(broker, consumers, make_topic):
    from kafka import KafkaProducer

    topic = make_topic(max_message_bytes=4 << 20)
    large = KafkaProducer(bootstrap_servers=broker.bootstrap, max_request_size=4 << 20)
    large.send(topic, value=b"a" * 3_000_000).get(30)
    large.close()
    consumer = consumers(max_partition_fetch_bytes=1 << 20)
    assert [len(r.value) for r in read_all(consumer, topic)] == [3_000_000]


def test_offsets_by_time(producer, consumers, make_topic):
    topic = make_topic()
    for number in range(50):
        producer.send(topic, value=b"%d" % number, timestamp_ms=START + number * 1000)
        if number % 7 == 0:
            producer.flush()
    producer.flush()
    consumer, partition = consumers(), TopicPartition(topic, 0)
    assert consumer.beginning_offsets([partition])[partition] == 0
    assert consumer.end_offsets([partition])[partition] == 50
    for asked, offset in ((0, 0), (START, 0), (START + 20_500, 21), (START + 49_000, 49)):
        found = consumer.offsets_for_times({partition: asked})[partition]
        assert (found.offset, found.timestamp) == (offset, START + offset * 1000)
    assert consumer.offsets_for_times({partition: START + 50_000})[partition] is None


def test_reading_from_any_offset(producer, consumers, make_topic):
    topic = make_topic()
    for number in range(300):
        producer.send(topic, value=b"%d" % number * 100)
    producer.flush()
    consumer, partition = consumers(max_poll_records=10), TopicPartition(topic, 0)
    consumer.assign([partition])
    for offset in (0, 1, 137, 298, 299):
        consumer.seek(partition, offset)
        assert read(consumer, 1)[0].offset == offset


def test_an_offset_that_is_gone_starts_again_at_the_beginning(producer, consumers, make_topic):
    topic = make_topic()
    producer.send(topic, value=b"first").get(30)
    consumer, partition = consumers(), TopicPartition(topic, 0)
    consumer.assign([partition])
    consumer.seek(partition, 1_000_000)
    assert read(consumer, 1)[0].value == b"first"


def test_a_record_ends_a_long_poll_and_an_empty_poll_ends_by_itself(producer, consumers, make_topic):
    topic = make_topic()
    consumer = consumers(fetch_max_wait_ms=60_000, request_timeout_ms=90_000)
    consumer.assign([TopicPartition(topic, 0)])
    assert poll(consumer) == []
    producer.send(topic, value=b"woken").get(30)
    # Far below the long poll's minute: only the record itself can have ended it.
    assert wait_for(lambda: poll(consumer), 20, every=0)[0].value == b"woken"


def test_small_fetches_wait_for_min_bytes_and_lose_nothing(producer, consumers, make_topic):
    topic = make_topic(partitions=2)
    consumer = consumers(fetch_min_bytes=50_000, fetch_max_wait_ms=400, max_partition_fetch_bytes=30_000)
    for number in range(200):
        producer.send(topic, value=b"%d" % number + b"x" * 1000, partition=number % 2)
    producer.flush()
    assert len(read_all(consumer, topic, 2)) == 200
