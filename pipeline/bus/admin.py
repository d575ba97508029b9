"""Make the topics that Siaga needs, once."""

import threading
from typing import Any

import structlog
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import KafkaError, TopicAlreadyExistsError

from pipeline.bus.client import common, retrying
from pipeline.bus.topics import topics
from pipeline.ops.sections import BusSection

log = structlog.get_logger(__name__)


def ensure_topics(bus: BusSection, stop: threading.Event | None = None) -> None:
    """Create the topics that are missing; those that exist are left as they are.

    Raises:
        InterruptedError: `stop` was set before a broker answered.
    """
    settings = common(bus.bootstrap_servers, "admin")
    for key in ("allow_auto_create_topics", "metrics_enabled"):
        settings.pop(key)
    admin: Any = retrying("admin", lambda: KafkaAdminClient(**settings), stop)
    try:
        retrying("topics", lambda: _create_missing(admin, bus), stop)
    finally:
        admin.close()


def _create_missing(admin: Any, bus: BusSection) -> None:
    there = set(admin.list_topics())
    for topic in topics(bus):
        if topic.name in there:
            continue
        new = NewTopic(topic.name, topic.partitions, bus.replication, topic_configs=topic.configs)
        try:
            admin.create_topics([new])
            log.info("bus.topic_created", topic=topic.name, partitions=topic.partitions)
        except TopicAlreadyExistsError:
            continue
        except KafkaError as error:
            if "already exists" not in str(error):
                raise
