"""Versions, metadata, and the making, changing and removing of topics."""

from typing import Any

from kafka.protocol.admin import (
    CreatePartitionsRequest,
    CreatePartitionsResponse,
    CreateTopicsRequest,
    CreateTopicsResponse,
    DeleteTopicsRequest,
    DeleteTopicsResponse,
    DescribeConfigsRequest,
    DescribeConfigsResponse,
    IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
)
from kafka.protocol.metadata import ApiVersionsRequest, ApiVersionsResponse, MetadataRequest, MetadataResponse

from pipeline.bus.embedded import wire
from pipeline.bus.embedded.config import effective
from pipeline.bus.embedded.connection import Connection, refused
from pipeline.bus.embedded.errors import BrokerError, Code
from pipeline.bus.embedded.topics import Topic
from pipeline.bus.embedded.wire import Api

NODE_ID = 1
TOPIC_RESOURCE = 2
SET, DELETE = 0, 1
SOURCE_TOPIC, SOURCE_DEFAULT = 1, 5


async def api_versions(connection: Connection, request: Any, version: int) -> Any:
    """List the requests and versions that are understood."""
    return ApiVersionsResponse(
        error_code=0, api_keys=wire.api_keys(connection.broker.apis), throttle_time_ms=0, version=version
    )


async def metadata(connection: Connection, request: Any, version: int) -> Any:
    """Name this broker as the leader of every partition; topics are never made by being asked for."""
    store = connection.broker.topics
    everything = request.topics is None or (version == 0 and not request.topics)
    names = list(store.topics) if everything else [topic.name for topic in request.topics]
    host, port = connection.local
    return MetadataResponse(
        throttle_time_ms=0,
        brokers=[MetadataResponse.MetadataResponseBroker(node_id=NODE_ID, host=host, port=port, rack=None)],
        cluster_id=connection.broker.cluster_id,
        controller_id=NODE_ID,
        topics=[_described(name, store.topics.get(name)) for name in names],
        version=version,
    )


def _described(name: str, topic: Topic | None) -> Any:
    response = MetadataResponse.MetadataResponseTopic
    code = Code.NONE if topic is not None else Code.UNKNOWN_TOPIC_OR_PARTITION
    partitions = [
        response.MetadataResponsePartition(
            error_code=0,
            partition_index=number,
            leader_id=NODE_ID,
            leader_epoch=0,
            replica_nodes=[NODE_ID],
            isr_nodes=[NODE_ID],
            offline_replicas=[],
        )
        for number in range(len(topic.partitions) if topic is not None else 0)
    ]
    return response(error_code=refused("Metadata", code), name=name, is_internal=False, partitions=partitions)


async def create_topics(connection: Connection, request: Any, version: int) -> Any:
    """Make topics; each answers for itself."""
    results = []
    for topic in request.topics:
        code, reason = Code.NONE, None
        try:
            if topic.assignments:
                raise BrokerError(Code.INVALID_REQUEST, "one node: partitions cannot be assigned by hand")
            configs = {entry.name: entry.value for entry in topic.configs}
            connection.broker.topics.create(topic.name, topic.num_partitions, configs, request.validate_only)
        except BrokerError as error:
            code, reason = error.code, error.reason
        results.append(
            CreateTopicsResponse.CreatableTopicResult(
                name=topic.name, error_code=refused("CreateTopics", code), error_message=reason
            )
        )
    return CreateTopicsResponse(throttle_time_ms=0, topics=results, version=version)


async def delete_topics(connection: Connection, request: Any, version: int) -> Any:
    """Remove topics, their records and the offsets committed for them."""
    results = []
    for name in request.topic_names:
        code = Code.NONE
        try:
            connection.broker.topics.delete(name)
            connection.broker.offsets.forget_topic(name)
        except BrokerError as error:
            code = error.code
        results.append(DeleteTopicsResponse.DeletableTopicResult(name=name, error_code=refused("DeleteTopics", code)))
    return DeleteTopicsResponse(throttle_time_ms=0, responses=results, version=version)


async def create_partitions(connection: Connection, request: Any, version: int) -> Any:
    """Give topics more partitions."""
    results = []
    for topic in request.topics:
        code, reason = Code.NONE, None
        try:
            connection.broker.topics.grow(topic.name, topic.count, request.validate_only)
        except BrokerError as error:
            code, reason = error.code, error.reason
        results.append(
            CreatePartitionsResponse.CreatePartitionsTopicResult(
                name=topic.name, error_code=refused("CreatePartitions", code), error_message=reason
            )
        )
    return CreatePartitionsResponse(throttle_time_ms=0, results=results, version=version)


async def describe_configs(connection: Connection, request: Any, version: int) -> Any:
    """Tell a topic's settings, its own and the defaults."""
    results = []
    for resource in request.resources:
        topic = connection.broker.topics.topics.get(resource.resource_name)
        found = topic if resource.resource_type == TOPIC_RESOURCE else None
        code = Code.NONE if found is not None else Code.UNKNOWN_TOPIC_OR_PARTITION
        results.append(
            DescribeConfigsResponse.DescribeConfigsResult(
                error_code=refused("DescribeConfigs", code),
                error_message=None if found is not None else "only topics that exist have settings here",
                resource_type=resource.resource_type,
                resource_name=resource.resource_name,
                configs=_settings(connection, found, resource.configuration_keys) if found is not None else [],
            )
        )
    return DescribeConfigsResponse(throttle_time_ms=0, results=results, version=version)


def _settings(connection: Connection, topic: Topic, wanted: list[str] | None) -> list[Any]:
    return [
        DescribeConfigsResponse.DescribeConfigsResult.DescribeConfigsResourceResult(
            name=name,
            value=value,
            read_only=False,
            config_source=SOURCE_TOPIC if name in topic.configs else SOURCE_DEFAULT,
            is_default=name not in topic.configs,
            is_sensitive=False,
            synonyms=[],
        )
        for name, value in effective(topic.configs, connection.broker.limits).items()
        if wanted is None or name in wanted
    ]


async def alter_configs(connection: Connection, request: Any, version: int) -> Any:
    """Set or reset single settings of topics (appending to lists is not supported)."""
    results = []
    for resource in request.resources:
        code, reason = Code.NONE, None
        try:
            if resource.resource_type != TOPIC_RESOURCE or any(
                c.config_operation not in (SET, DELETE) for c in resource.configs
            ):
                raise BrokerError(Code.INVALID_REQUEST, "only settings of topics can be set or reset")
            changes = {c.name: c.value if c.config_operation == SET else None for c in resource.configs}
            connection.broker.topics.alter(resource.resource_name, changes, request.validate_only)
        except BrokerError as error:
            code, reason = error.code, error.reason
        results.append(
            IncrementalAlterConfigsResponse.AlterConfigsResourceResponse(
                error_code=refused("IncrementalAlterConfigs", code),
                error_message=reason,
                resource_type=resource.resource_type,
                resource_name=resource.resource_name,
            )
        )
    return IncrementalAlterConfigsResponse(throttle_time_ms=0, responses=results, version=version)


APIS = [
    Api(ApiVersionsRequest, ApiVersionsResponse, 0, 3, api_versions),
    Api(MetadataRequest, MetadataResponse, 0, 8, metadata),
    Api(CreateTopicsRequest, CreateTopicsResponse, 2, 4, create_topics),
    Api(DeleteTopicsRequest, DeleteTopicsResponse, 1, 3, delete_topics),
    Api(CreatePartitionsRequest, CreatePartitionsResponse, 0, 1, create_partitions),
    Api(DescribeConfigsRequest, DescribeConfigsResponse, 1, 2, describe_configs),
    Api(IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse, 0, 0, alter_configs),
]
