"""Making, describing and removing topics; what happens to names that are none; keeping within bounds."""

import uuid

from kafka import KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, NewTopic
from kafka.errors import InvalidConfigurationError, InvalidTopicError, TopicAlreadyExistsError
from pytest import mark, raises

from tests.contract.reading import read, read_all
from tests.waiting import wait_for


def test_a_topic_is_made_once(admin, make_topic):
    topic = make_topic(partitions=4)
    assert len(admin.describe_topics([topic])[0]["partitions"]) == 4
    with raises(TopicAlreadyExistsError):
        admin.create_topics([NewTopic(topic, 2, 1)])


@mark.parametrize("name", ["..", "a/b", "blank name", "x" * 250, ""])
def test_a_name_that_cannot_be_is_refused(admin, name):
    with raises(InvalidTopicError):
        admin.create_topics([NewTopic(name, 1, 1)])


@mark.parametrize(("key", "value"), [("retention.ms", "soon"), ("no.such.setting", "1"), ("cleanup.policy", "keep")])
def test_a_setting_that_cannot_be_is_refused(admin, key, value):
    with raises(InvalidConfigurationError):
        admin.create_topics([NewTopic(f"t-{uuid.uuid4().hex[:8]}", 1, 1, topic_configs={key: value})])


def test_settings_can_be_read_and_changed(admin, make_topic):
    topic = make_topic(retention_ms=123_456)

    resource = ConfigResource(ConfigResourceType.TOPIC, topic)

    def retention() -> str:
        return str(admin.describe_configs([resource])["topic"][topic]["retention.ms"]["value"])

    assert retention() == "123456"
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs={"retention.ms": "654321"})])
    wait_for(lambda: retention() == "654321", what="the changed setting")


def test_an_unknown_topic_is_not_made_by_asking(admin, consumers):
    name = f"unknown-{uuid.uuid4().hex[:8]}"
    consumer = consumers()
    assert not consumer.partitions_for_topic(name)
    consumer.assign([TopicPartition(name, 0)])
    assert consumer.poll(timeout_ms=500) == {}
    assert name not in admin.list_topics()


def test_a_deleted_topic_is_gone_and_can_be_made_again(admin, producer, consumers, make_topic):
    topic = make_topic()
    producer.send(topic, value=b"old").get(30)
    admin.delete_topics([topic])
    wait_for(lambda: topic not in admin.list_topics(), what="the deletion")
    admin.create_topics([NewTopic(topic, 1, 1)])
    wait_for(lambda: topic in admin.list_topics(), what="the new topic")
    assert read_all(consumers(), topic) == []


def test_many_topics(admin, producer, consumers):
    names = [f"many-{uuid.uuid4().hex[:6]}-{number}" for number in range(60)]
    admin.create_topics([NewTopic(name, 2, 1) for name in names])
    wait_for(lambda: set(names) <= set(admin.list_topics()), what="60 topics")
    for name in names:
        producer.send(name, key=b"k", value=name.encode())
    producer.flush()
    consumer = consumers()
    consumer.assign([TopicPartition(name, number) for name in names for number in range(2)])
    consumer.seek_to_beginning()
    assert {(r.topic, r.value.decode()) for r in read(consumer, 60)} == {(name, name) for name in names}
    admin.delete_topics(names)


def test_old_records_go_when_a_partition_is_over_its_bytes(broker, consumers, make_topic):
    topic = make_topic(retention_bytes=3 << 20, segment_bytes=1 << 20)
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap, linger_ms=0)
    for _ in range(200):
        producer.send(topic, value=b"x" * 60_000).get(30)
    producer.close()
    consumer, partition = consumers(), TopicPartition(topic, 0)
    start = wait_for(lambda: consumer.beginning_offsets([partition])[partition], 60, what="retention")
    assert consumer.end_offsets([partition])[partition] == 200
    records = read_all(consumer, topic)
    assert records[0].offset >= start
    assert records[-1].offset == 199


def test_a_compacted_topic_keeps_the_last_record_of_each_key(broker, consumers, make_topic):
    topic = make_topic(cleanup_policy="compact", segment_bytes=1 << 20, min_cleanable_dirty_ratio=0.01)
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap, linger_ms=0)
    for number in range(400):
        producer.send(topic, key=b"incident-%d" % (number % 5), value=b"%d " % number + b"x" * 20_000).get(30)
    producer.close()
    consumer = consumers()
    records = wait_for(lambda: [r for r in [read_all(consumer, topic)] if len(r) < 300], 60, what="compaction")[0]
    last = {r.key: int(r.value.split()[0]) for r in records}
    assert last == {b"incident-%d" % key: 395 + key for key in range(5)}
    assert consumer.end_offsets([TopicPartition(topic, 0)])[TopicPartition(topic, 0)] == 400
