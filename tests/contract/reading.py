"""Reading a topic to its end, for tests."""

from typing import Any

from kafka import KafkaConsumer, TopicPartition

from tests.waiting import wait_for


def poll(consumer: KafkaConsumer) -> list[Any]:
    """Records of one short poll, all partitions together."""
    return [record for records in consumer.poll(timeout_ms=300).values() for record in records]


def read(consumer: KafkaConsumer, count: int, timeout: float = 60) -> list[Any]:
    """Poll until `count` records came; more are returned too, so that a test sees what is written twice."""
    found: list[Any] = []

    def enough() -> bool:
        found.extend(poll(consumer))
        return len(found) >= count

    wait_for(enough, timeout, every=0, what=f"{count} records")
    return found


def read_all(consumer: KafkaConsumer, topic: str, partitions: int = 1) -> list[Any]:
    """Every record of a topic, from its beginning to the end it has now."""
    assigned = [TopicPartition(topic, number) for number in range(partitions)]
    consumer.assign(assigned)
    consumer.seek_to_beginning(*assigned)
    ends = consumer.end_offsets(assigned)
    found: list[Any] = []

    def done() -> bool:
        found.extend(poll(consumer))
        return all(consumer.position(partition) >= ends[partition] for partition in assigned)

    wait_for(done, 60, every=0, what=f"the end of {topic}")
    return found
