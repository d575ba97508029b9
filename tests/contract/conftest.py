"""The same suite on both brokers: every test here runs once on the embedded broker and once on Apache Kafka."""

import uuid
from collections.abc import Callable, Iterator

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import NewTopic

from tests.brokers import Broker, apache_broker, embedded_broker
from tests.waiting import wait_for

MakeTopic = Callable[..., str]


@pytest.fixture(scope="session", params=["embedded", "apache"])
def broker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A running broker; tests may kill and restart it, and make topics of their own."""
    make = {"embedded": embedded_broker, "apache": apache_broker}[request.param]
    with make(tmp_path_factory.mktemp(request.param)) as running:
        yield running


@pytest.fixture
def admin(broker: Broker) -> Iterator[KafkaAdminClient]:
    client = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    yield client
    client.close()


@pytest.fixture
def make_topic(admin: KafkaAdminClient, broker: Broker) -> MakeTopic:
    """Make a topic of a fresh name and wait until it has leaders."""

    def make(partitions: int = 1, **configs: object) -> str:
        name = f"t-{uuid.uuid4().hex[:10]}"
        named = {key.replace("_", "."): str(value) for key, value in configs.items()}
        admin.create_topics([NewTopic(name, partitions, 1, topic_configs=named)])

        def led() -> bool:
            found = admin.describe_topics([name])[0]
            return found["error_code"] == 0 and len(found["partitions"]) == partitions and all(
                part["leader_id"] >= 0 for part in found["partitions"]
            )  # fmt: skip

        wait_for(led, what=f"leaders of {name}")
        return name

    return make


@pytest.fixture
def producer(broker: Broker) -> Iterator[KafkaProducer]:
    """A producer as the stages use it: idempotent, acks from all."""
    client = KafkaProducer(bootstrap_servers=broker.bootstrap, linger_ms=5, batch_size=1 << 20, acks="all")
    yield client
    client.close(timeout=10)


@pytest.fixture
def consumers(broker: Broker) -> Iterator[Callable[..., KafkaConsumer]]:
    """Make consumers that are closed at the end."""
    made: list[KafkaConsumer] = []

    def make(*topics: str, **options: object) -> KafkaConsumer:
        settings = {
            "bootstrap_servers": broker.bootstrap,
            "auto_offset_reset": "earliest",
            "enable_auto_commit": False,
            "session_timeout_ms": 6000,
            "heartbeat_interval_ms": 500,
            **options,
        }
        consumer = KafkaConsumer(*topics, **settings)
        made.append(consumer)
        return consumer

    yield make
    for consumer in made:
        consumer.close(autocommit=False)
