"""Committing offsets and reading them back."""

import logging
from typing import Any

from kafka.protocol.consumer import (
    OffsetCommitRequest,
    OffsetCommitResponse,
    OffsetFetchRequest,
    OffsetFetchResponse,
)

from pipeline.bus.embedded.connection import Connection, refused
from pipeline.bus.embedded.coordinator import valid_id
from pipeline.bus.embedded.errors import Code
from pipeline.bus.embedded.offsets import Commit
from pipeline.bus.embedded.wire import Api

logger = logging.getLogger(__name__)

MAX_NOTE = 4096


async def offset_commit(connection: Connection, request: Any, version: int) -> Any:
    """Keep what a member (or, for an empty group, anybody) says it has read; in the journal before it is answered."""
    code = _may_commit(connection, request, version)
    accepted: list[Commit] = []
    codes: dict[tuple[str, int], Code] = {}
    for topic in request.topics:
        for part in topic.partitions:
            commit = Commit(topic.name, part.partition_index, part.committed_offset, part.committed_metadata or "")
            codes[commit.topic, commit.partition] = verdict = code or _check(connection, commit)
            if verdict is Code.NONE:
                accepted.append(commit)
    try:
        connection.broker.offsets.commit(request.group_id, accepted)
    except OSError as error:
        logger.error("offsets of group %s not kept: %s", request.group_id, error)
        codes.update({(commit.topic, commit.partition): Code.COORDINATOR_NOT_AVAILABLE for commit in accepted})
    response = OffsetCommitResponse.OffsetCommitResponseTopic
    topics = [
        response(
            name=topic.name,
            partitions=[
                response.OffsetCommitResponsePartition(
                    partition_index=part.partition_index,
                    error_code=refused("OffsetCommit", codes[topic.name, part.partition_index]),
                )
                for part in topic.partitions
            ],
        )
        for topic in request.topics
    ]
    return OffsetCommitResponse(throttle_time_ms=0, topics=topics, version=version)


def _may_commit(connection: Connection, request: Any, version: int) -> Code:
    if not valid_id(request.group_id):
        return Code.INVALID_GROUP_ID
    instance = request.group_instance_id if version >= 7 else None
    generation = request.generation_id_or_member_epoch
    return connection.broker.coordinator.may_commit(request.group_id, request.member_id, instance, generation)


def _check(connection: Connection, commit: Commit) -> Code:
    if connection.broker.topics.log(commit.topic, commit.partition) is None:
        return Code.UNKNOWN_TOPIC_OR_PARTITION
    if commit.offset < 0 or len(commit.metadata) > MAX_NOTE:
        return Code.INVALID_REQUEST
    return Code.NONE


async def offset_fetch(connection: Connection, request: Any, version: int) -> Any:
    """Return committed offsets (-1 where there is none); of all partitions when none is named."""
    store = connection.broker.offsets
    response = OffsetFetchResponse.OffsetFetchResponseTopic
    if request.topics is None:
        wanted = list(store.partitions_of(request.group_id).items())
    else:
        wanted = [(topic.name, list(topic.partition_indexes)) for topic in request.topics]
    topics = []
    for name, partitions in wanted:
        parts = []
        for number in partitions:
            committed = store.fetch(request.group_id, name, number)
            parts.append(
                response.OffsetFetchResponsePartition(
                    partition_index=number,
                    committed_offset=committed.offset if committed is not None else -1,
                    committed_leader_epoch=-1,
                    metadata=committed.metadata if committed is not None else "",
                    error_code=0,
                )
            )
        topics.append(response(name=name, partitions=parts))
    return OffsetFetchResponse(throttle_time_ms=0, error_code=0, topics=topics, version=version)


APIS = [
    Api(OffsetCommitRequest, OffsetCommitResponse, 2, 7, offset_commit),
    Api(OffsetFetchRequest, OffsetFetchResponse, 1, 5, offset_fetch),
]
