"""Produce, fetch, list offsets and producer ids."""

import asyncio
from typing import Any

from kafka.protocol.consumer import (
    FetchRequest,
    FetchResponse,
    ListOffsetsRequest,
    ListOffsetsResponse,
)
from kafka.protocol.producer import (
    InitProducerIdRequest,
    InitProducerIdResponse,
    ProduceRequest,
    ProduceResponse,
)

from pipeline.bus.embedded import metrics
from pipeline.bus.embedded.connection import Connection, refused
from pipeline.bus.embedded.errors import BrokerError, Code
from pipeline.bus.embedded.log import PartitionLog
from pipeline.bus.embedded.wire import Api

LATEST, EARLIEST, MAX_TIMESTAMP = -1, -2, -3
MAX_EPOCH = 2**15 - 1


async def produce(connection: Connection, request: Any, version: int) -> Any:
    """Append each partition's batch; answer where it lies (nothing when the producer asked for no answer)."""
    responses = [
        ProduceResponse.TopicProduceResponse(
            name=topic.name,
            partition_responses=[_append(connection, topic.name, part) for part in topic.partition_data],
        )
        for topic in request.topic_data
    ]
    if request.acks == 0:
        return None
    return ProduceResponse(responses=responses, throttle_time_ms=0, version=version)


def _append(connection: Connection, topic: str, part: Any) -> Any:
    log = connection.broker.topics.log(topic, part.index)
    offset, code, reason = -1, Code.NONE, None
    try:
        if log is None:
            raise BrokerError(Code.UNKNOWN_TOPIC_OR_PARTITION, "no such partition")
        appended = log.append(memoryview(part.records or b""))
        offset = appended.base_offset
        if appended.duplicate:
            metrics.DUPLICATES.inc()
    except BrokerError as error:
        code, reason = error.code, error.reason
    return ProduceResponse.TopicProduceResponse.PartitionProduceResponse(
        index=part.index,
        error_code=refused("Produce", code),
        base_offset=offset,
        log_append_time_ms=-1,
        log_start_offset=log.start_offset if log is not None else -1,
        record_errors=[],
        error_message=reason,
    )


async def fetch(connection: Connection, request: Any, version: int) -> Any:
    """Return records from each partition's offset on; wait for `min_bytes` up to `max_wait_ms`."""
    wait_ms = max(0, min(request.max_wait_ms, connection.broker.limits.fetch_wait_ms))
    asked = [
        (topic.topic, part, connection.broker.topics.log(topic.topic, part.partition))
        for topic in request.topics
        for part in topic.partitions
    ]
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait_ms / 1000
    while not _enough(asked, request.min_bytes) and (left := deadline - loop.time()) > 0:
        await _changed(connection, [log for _, _, log in asked if log is not None], left)
    return FetchResponse(
        throttle_time_ms=0, error_code=0, session_id=0, responses=_collect(request, connection), version=version
    )


def _enough(asked: list[tuple[str, Any, PartitionLog | None]], min_bytes: int) -> bool:
    """Whether a fetch can be answered now: enough bytes are there, or a partition has an error to tell."""
    total = 0
    for _, part, log in asked:
        if log is None or not log.holds(part.fetch_offset):
            return True
        if part.fetch_offset < log.end_offset:
            total += 1 if min_bytes <= 1 else min(log.available(part.fetch_offset), part.partition_max_bytes)
    return total >= min_bytes


async def _changed(connection: Connection, logs: list[PartitionLog], timeout_s: float) -> None:
    """Wait until something was appended to one of the logs, or the time is over."""
    appended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    for log in logs:
        log.waiters.add(appended)
    try:
        await connection.wait(appended, timeout_s)
    finally:
        for log in logs:
            log.waiters.discard(appended)


def _collect(request: Any, connection: Connection) -> list[Any]:
    left = min(request.max_bytes, connection.broker.limits.fetch_bytes)
    responses = []
    for topic in request.topics:
        parts = []
        for part in topic.partitions:
            log = connection.broker.topics.log(topic.topic, part.partition)
            data = _records(log, part, left)
            left -= len(data)
            parts.append(_fetched(log, part, data))
        responses.append(FetchResponse.FetchableTopicResponse(topic=topic.topic, partitions=parts))
    return responses


def _records(log: PartitionLog | None, part: Any, left: int) -> bytes:
    if log is None or left <= 0 or not log.start_offset <= part.fetch_offset < log.end_offset:
        return b""
    return log.read(part.fetch_offset, min(part.partition_max_bytes, left))


def _fetched(log: PartitionLog | None, part: Any, data: bytes) -> Any:
    if log is None:
        code, start, end = Code.UNKNOWN_TOPIC_OR_PARTITION, -1, -1
    else:
        code = Code.NONE if log.holds(part.fetch_offset) else Code.OFFSET_OUT_OF_RANGE
        start, end = log.start_offset, log.end_offset
    return FetchResponse.FetchableTopicResponse.PartitionData(
        partition_index=part.partition,
        error_code=refused("Fetch", code),
        high_watermark=end,
        last_stable_offset=end,
        log_start_offset=start,
        aborted_transactions=[],
        preferred_read_replica=-1,
        records=data,
    )


async def list_offsets(connection: Connection, request: Any, version: int) -> Any:
    """Answer the first, the last, or the first offset at or after a time, for each partition."""
    response = ListOffsetsResponse.ListOffsetsTopicResponse
    topics = []
    for topic in request.topics:
        parts = []
        for part in topic.partitions:
            log = connection.broker.topics.log(topic.name, part.partition_index)
            code = Code.NONE if log is not None else Code.UNKNOWN_TOPIC_OR_PARTITION
            offset, timestamp = _listed(log, part.timestamp) if log is not None else (-1, -1)
            parts.append(
                response.ListOffsetsPartitionResponse(
                    partition_index=part.partition_index,
                    error_code=refused("ListOffsets", code),
                    timestamp=timestamp,
                    offset=offset,
                    leader_epoch=0,
                )
            )
        topics.append(response(name=topic.name, partitions=parts))
    return ListOffsetsResponse(throttle_time_ms=0, topics=topics, version=version)


def _listed(log: PartitionLog, timestamp: int) -> tuple[int, int]:
    """(offset, its time) for a time in epoch ms or one of the protocol's marks; -1 where there is none."""
    if timestamp == LATEST:
        return log.end_offset, -1
    if timestamp == EARLIEST:
        return log.start_offset, -1
    return log.offset_for_time(timestamp) or (-1, -1)


async def init_producer_id(connection: Connection, request: Any, version: int) -> Any:
    """Give a producer an id of its own, or its next epoch (KIP-360); transactions are not supported."""
    if request.transactional_id is not None:
        code = refused("InitProducerId", Code.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
        return InitProducerIdResponse(
            throttle_time_ms=0, error_code=code, producer_id=-1, producer_epoch=-1, version=version
        )
    bumped = version >= 3 and request.producer_id >= 0 and 0 <= request.producer_epoch < MAX_EPOCH
    producer_id = request.producer_id if bumped else connection.broker.producer_ids.take()
    epoch = request.producer_epoch + 1 if bumped else 0
    return InitProducerIdResponse(
        throttle_time_ms=0, error_code=0, producer_id=producer_id, producer_epoch=epoch, version=version
    )


APIS = [
    Api(ProduceRequest, ProduceResponse, 3, 9, produce),
    Api(FetchRequest, FetchResponse, 4, 11, fetch),
    Api(ListOffsetsRequest, ListOffsetsResponse, 1, 5, list_offsets),
    Api(InitProducerIdRequest, InitProducerIdResponse, 0, 4, init_producer_id),
]
