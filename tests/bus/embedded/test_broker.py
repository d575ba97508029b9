"""The server in this process: what it answers, what it closes, and that nothing sent to it stops it."""

import asyncio
import contextlib
import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kafka.protocol.admin import DescribeGroupsRequest, DescribeGroupsResponse
from kafka.protocol.consumer import FetchRequest, FetchResponse, JoinGroupRequest, JoinGroupResponse
from kafka.protocol.metadata import ApiVersionsRequest, ApiVersionsResponse, MetadataRequest, MetadataResponse
from kafka.protocol.producer import InitProducerIdRequest, InitProducerIdResponse, ProduceRequest, ProduceResponse
from prometheus_client import REGISTRY

from pipeline.bus.embedded import EmbeddedBroker, Limits, LockedError, wire
from pipeline.bus.embedded.broker import APIS
from pipeline.bus.embedded.errors import ProtocolError
from pipeline.bus.embedded.offsets import Commit
from tests.bus.embedded.making import batch

LIMITS = Limits(request_bytes=1 << 20, connections=20, tick_ms=20, retention_tick_ms=50, rebalance_delay_ms=20)
WAIT = 20


def closed(reason: str) -> float:
    return REGISTRY.get_sample_value("siaga_bus_broker_connections_closed_total", {"reason": reason}) or 0.0


class Client:
    """A raw client on asyncio."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    def send(self, request, version: int) -> None:
        request.API_VERSION = version
        request.with_header(correlation_id=5, client_id="test")
        self.writer.write(request.encode(version=version, header=True, framed=True))

    async def receive(self) -> bytes:
        (size,) = struct.unpack(">i", await asyncio.wait_for(self.reader.readexactly(4), WAIT))
        return await self.reader.readexactly(size)

    async def ask(self, request, response, version: int, tags: int = 0):
        self.send(request, version)
        return response.decode((await self.receive())[4 + tags :], version=version)

    async def end(self) -> bytes:
        """Everything up to the broker's close."""
        return await asyncio.wait_for(self.reader.read(), WAIT)

    def close(self) -> None:
        self.writer.close()


@pytest.fixture
async def broker(tmp_path):
    running = EmbeddedBroker(tmp_path, LIMITS)
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def connect(broker):
    made = []

    async def make() -> Client:
        port = int((broker.folder / "port").read_text())
        made.append(Client(*await asyncio.open_connection("127.0.0.1", port)))
        return made[-1]

    yield make
    for client in made:
        client.close()


def produce(topic: str, records: bytes, acks: int = -1):
    part = ProduceRequest.TopicProduceData.PartitionProduceData(index=0, records=records)
    data = ProduceRequest.TopicProduceData(name=topic, partition_data=[part])
    return ProduceRequest(transactional_id=None, acks=acks, timeout_ms=1000, topic_data=[data])


def fetch(topic: str, offset: int, wait_ms: int = 0, min_bytes: int = 1, partition: int = 0):
    part = FetchRequest.FetchTopic.FetchPartition(
        partition=partition,
        current_leader_epoch=-1,
        fetch_offset=offset,
        log_start_offset=-1,
        partition_max_bytes=1 << 20,
    )
    return FetchRequest(
        replica_id=-1, max_wait_ms=wait_ms, min_bytes=min_bytes, max_bytes=1 << 20, isolation_level=0, session_id=0,
        session_epoch=-1, topics=[FetchRequest.FetchTopic(topic=topic, partitions=[part])], forgotten_topics_data=[],
        rack_id="",
    )  # fmt: skip


def join(group: str, member: str = ""):
    return JoinGroupRequest(
        group_id=group, session_timeout_ms=6000, rebalance_timeout_ms=6000, member_id=member, group_instance_id=None,
        protocol_type="consumer", protocols=[JoinGroupRequest.JoinGroupRequestProtocol(name="range", metadata=b"m")],
    )  # fmt: skip


async def test_versions_are_told_also_to_a_client_that_is_too_new(connect):
    client = await connect()
    known = await client.ask(
        ApiVersionsRequest(client_software_name="t", client_software_version="1"), ApiVersionsResponse, 3
    )
    assert {api.api_key for api in known.api_keys} == set(APIS)
    client.writer.write(struct.pack(">ihhih", 10, 18, 99, 5, -1))
    answer = await client.receive()
    stepped = ApiVersionsResponse.decode(answer[4:], version=0)
    assert stepped.error_code == 35
    assert {api.api_key for api in stepped.api_keys} == set(APIS)


async def test_metadata_names_the_address_the_client_used(broker, connect):
    broker.topics.create("t", 2, {})
    client = await connect()
    everything = await client.ask(MetadataRequest(topics=None, allow_auto_topic_creation=True), MetadataResponse, 8)
    assert [(t.name, len(t.partitions)) for t in everything.topics] == [("t", 2)]
    port = int((broker.folder / "port").read_text())
    assert [(b.host, b.port) for b in everything.brokers] == [("127.0.0.1", port)]


async def test_without_acks_there_is_no_answer_but_the_records(broker, connect):
    broker.topics.create("t", 1, {})
    client = await connect()
    client.send(produce("t", bytes(batch(b"a")), acks=0), 8)
    answer = await client.ask(produce("t", bytes(batch(b"b"))), ProduceResponse, 8)
    assert answer.responses[0].partition_responses[0].base_offset == 1


async def test_requests_sent_before_a_close_are_still_done(broker, connect):
    broker.topics.create("t", 1, {})
    client = await connect()
    for _ in range(5):
        client.send(produce("t", bytes(batch(b"a")), acks=0), 8)
    client.close()
    await until(lambda: broker.topics.log("t", 0).end_offset == 5)


async def test_a_client_that_sends_far_ahead_is_read_as_fast_as_it_is_answered(broker, connect):
    broker.topics.create("t", 1, {})
    client = await connect()
    for _ in range(40):
        client.send(produce("t", bytes(batch(b"x" * 500_000))), 8)
    offsets = []
    for _ in range(40):
        answer = ProduceResponse.decode((await client.receive())[4:], version=8)
        offsets.append(answer.responses[0].partition_responses[0].base_offset)
    assert offsets == list(range(40))


async def until(condition) -> None:
    async with asyncio.timeout(WAIT):
        while not condition():  # noqa: ASYNC110 - what is awaited lies inside the broker, which has no event for tests
            await asyncio.sleep(0.01)


async def test_a_fetch_waits_for_enough_bytes_or_its_time(broker, connect):
    broker.topics.create("t", 1, {})
    client, other = await connect(), await connect()
    client.send(fetch("t", 0, wait_ms=60_000, min_bytes=200), 11)
    await until(lambda: broker.topics.log("t", 0).waiters)
    await other.ask(produce("t", bytes(batch(b"x" * 50))), ProduceResponse, 8)
    await until(lambda: broker.topics.log("t", 0).waiters)
    await other.ask(produce("t", bytes(batch(b"y" * 50))), ProduceResponse, 8)
    answer = FetchResponse.decode((await client.receive())[4:], version=11)
    part = answer.responses[0].partitions[0]
    assert (part.high_watermark, len(bytes(part.records)) > 200) == (2, True)
    empty = await client.ask(fetch("t", 2, wait_ms=10), FetchResponse, 11)
    assert not empty.responses[0].partitions[0].records


@pytest.mark.parametrize(
    ("topic", "partition", "offset", "code"),
    [("t", 0, 7, 1), ("t", 0, -1, 1), ("t", 9, 0, 3), ("t", -1, 0, 3), ("no", 0, 0, 3)],
)
async def test_a_fetch_that_cannot_be_is_answered_at_once(broker, connect, topic, partition, offset, code):
    broker.topics.create("t", 1, {})
    client = await connect()
    answer = await client.ask(fetch(topic, offset, wait_ms=60_000, partition=partition), FetchResponse, 11)
    assert answer.responses[0].partitions[0].error_code == code


async def test_a_topic_deleted_under_a_long_poll_ends_it(broker, connect):
    broker.topics.create("t", 1, {})
    client = await connect()
    client.send(fetch("t", 0, wait_ms=500), 11)
    await until(lambda: broker.topics.log("t", 0).waiters)
    broker.topics.delete("t")
    answer = FetchResponse.decode((await client.receive())[4:], version=11)
    assert answer.responses[0].partitions[0].error_code == 3


async def test_a_client_gone_while_it_joins_leaves_no_ghost(broker, connect):
    client = await connect()
    first = await client.ask(join("g"), JoinGroupResponse, 5)
    assert first.error_code == 79
    client.send(join("g", first.member_id), 5)
    await until(lambda: broker.coordinator.find("g") and broker.coordinator.find("g").members)
    client.close()
    await until(lambda: broker.coordinator.find("g") is None)
    asked = await (await connect()).ask(
        DescribeGroupsRequest(groups=["g"], include_authorized_operations=False), DescribeGroupsResponse, 4
    )
    assert asked.groups[0].group_state == "Dead"


async def test_transactions_are_refused(connect):
    request = InitProducerIdRequest(transactional_id="tx", transaction_timeout_ms=1)
    assert (await (await connect()).ask(request, InitProducerIdResponse, 1)).error_code == 53


async def test_a_producer_gets_its_next_epoch(connect):
    client = await connect()
    request = InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=1, producer_id=77, producer_epoch=4)
    bumped = await client.ask(request, InitProducerIdResponse, 4, tags=1)
    assert (bumped.error_code, bumped.producer_id, bumped.producer_epoch) == (0, 77, 5)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (struct.pack(">i", 2**31 - 1), "frame_size"),
        (struct.pack(">i", -1), "frame_size"),
        (struct.pack(">i", (1 << 20) + 1), "frame_size"),
        (struct.pack(">i", 100) + b"x" * 40, "torn_frame"),
        (struct.pack(">i", 0), "short_header"),
        (struct.pack(">ihhih", 10, 0, 8, 1, 50), "short_header"),
        (struct.pack(">ihhih", 10, 0, 8, 1, -7), "short_header"),
        (struct.pack(">ihhih", 10, 999, 0, 1, -1), "unknown_api"),
        (struct.pack(">ihhih", 10, 0, 99, 1, -1), "unknown_version"),
        (struct.pack(">ihhih", 10, 0, -1, 1, -1), "unknown_version"),
        (struct.pack(">ihhih", 12, 3, 8, 1, -1) + b"\x7f\xff", "undecodable"),
        (struct.pack(">ihhih", 14, 3, 8, 1, -1) + b"\x7f\xff\xff\xff", "undecodable"),
        (struct.pack(">ihhih", 16, 22, 4, 1, -1) + b"\xff" * 6, "undecodable"),
    ],
)
async def test_what_is_no_request_closes_its_connection_with_a_reason(broker, connect, data, reason):
    before = closed(reason)
    bad, good = await connect(), await connect()
    bad.writer.write(data)
    bad.writer.write_eof()
    assert await bad.end() == b""
    assert closed(reason) == before + 1
    assert (await good.ask(MetadataRequest(topics=None), MetadataResponse, 8)).controller_id == 1


async def test_a_handler_that_fails_costs_its_connection_only(broker, connect, monkeypatch):
    before = closed("handler_error")
    good, bad = await connect(), await connect()
    monkeypatch.setattr(broker.topics, "log", lambda *_: 1 / 0)
    bad.send(fetch("t", 0), 11)
    assert await bad.end() == b""
    assert closed("handler_error") == before + 1
    assert (await good.ask(MetadataRequest(topics=None), MetadataResponse, 8)).controller_id == 1


async def test_connections_are_bounded(broker, connect):
    before = closed("too_many")
    clients = [await connect() for _ in range(LIMITS.connections)]
    await until(lambda: len(broker._connections) == LIMITS.connections)
    assert await (await connect()).end() == b""
    assert closed("too_many") == before + 1
    clients[0].close()
    await until(lambda: len(broker._connections) == LIMITS.connections - 1)
    assert (await (await connect()).ask(MetadataRequest(topics=None), MetadataResponse, 8)).controller_id == 1


async def test_one_process_a_folder_and_an_address_in_use(broker, tmp_path):
    with pytest.raises(LockedError):
        await EmbeddedBroker(tmp_path, LIMITS).start()
    port = int((broker.folder / "port").read_text())
    with pytest.raises(OSError, match="in use"):
        await EmbeddedBroker(tmp_path / "other", LIMITS).start(port=port)
    again = EmbeddedBroker(tmp_path / "other", LIMITS)
    assert await again.start() != port
    await again.stop()


async def test_stopping_ends_long_polls(tmp_path):
    broker = EmbeddedBroker(tmp_path, LIMITS)
    client = Client(*await asyncio.open_connection("127.0.0.1", await broker.start()))
    broker.topics.create("t", 1, {})
    client.send(fetch("t", 0, wait_ms=60_000), 11)
    await until(lambda: broker.topics.log("t", 0).waiters)
    await asyncio.wait_for(broker.stop(), WAIT)
    with contextlib.suppress(ConnectionError):
        assert await client.end() == b""
    client.close()


async def test_retention_that_fails_is_tried_again(broker, monkeypatch):
    broker.topics.create("t", 1, {})
    calls = []

    def failing():
        calls.append(1)
        raise OSError("no space left")

    monkeypatch.setattr(broker.topics.log("t", 0), "enforce_retention", failing)
    await until(lambda: len(calls) > 2)


POPULATED = {
    "CreateTopics": {"topics": [("new", 1, 1, [], [("retention.ms", "1000")])]},
    "CreatePartitions": {"topics": [("t", 5, None)]},
    "DeleteTopics": {"topic_names": ["no"]},
    "DescribeConfigs": {"resources": [(2, "t", None), (2, "no", None), (4, "1", ["x"])]},
    "IncrementalAlterConfigs": {"resources": [(2, "t", [("retention.ms", 0, "7")]), (4, "1", [])]},
    "DescribeGroups": {"groups": ["g", "no", "offsets"]},
    "DeleteGroups": {"groups_names": ["g", "no"]},
    "FindCoordinator": {"key": "g"},
    "JoinGroup": {"group_id": "", "protocols": []},
    "SyncGroup": {"group_id": "g", "member_id": "m", "generation_id": 3},
    "Heartbeat": {"group_id": "g", "member_id": "m", "generation_id": 3},
    "LeaveGroup": {"group_id": "g", "member_id": "m", "members": []},
    "OffsetCommit": {
        "group_id": "g", "member_id": "", "generation_id_or_member_epoch": -1,
        "topics": [("t", [(0, 3, "note")]), ("no", [(0, 3, None)])],
    },
    "OffsetFetch": {"group_id": "offsets", "topics": [("t", [0, 1])]},
    "ListOffsets": {"topics": [("t", [(0, -1)]), ("no", [(0, -2)])]},
    "Metadata": {"topics": [("t",), ("no",)]},
    "Produce": {"acks": -1, "topic_data": [("t", [(0, b"no batch")]), ("no", [(0, bytes(batch()))])]},
    "Fetch": {"topics": [("t", [(0, 0, 1 << 20)])], "max_bytes": 1000},
}  # fmt: skip


def filled(cls, values):
    """A request of kafka-python's class from nested tuples, by the names of its fields."""
    fields = {}
    for name, value in values.items():
        inner = next(
            (getattr(cls, f.type_str) for f in cls.fields.values() if f.name == name and f.is_struct_array()), None
        )
        fields[name] = [_row(inner, row) for row in value] if inner is not None and value else value
    return cls(**fields)


ROWS = {
    "CreatableTopic": ("name", "num_partitions", "replication_factor", "assignments", "configs"),
    "CreatableTopicConfig": ("name", "value"),
    "CreatePartitionsTopic": ("name", "count", "assignments"),
    "DescribeConfigsResource": ("resource_type", "resource_name", "configuration_keys"),
    "AlterConfigsResource": ("resource_type", "resource_name", "configs"),
    "AlterableConfig": ("name", "config_operation", "value"),
    "OffsetCommitRequestTopic": ("name", "partitions"),
    "OffsetCommitRequestPartition": ("partition_index", "committed_offset", "committed_metadata"),
    "OffsetFetchRequestTopic": ("name", "partition_indexes"),
    "ListOffsetsTopic": ("name", "partitions"),
    "ListOffsetsPartition": ("partition_index", "timestamp"),
    "MetadataRequestTopic": ("name",),
    "TopicProduceData": ("name", "partition_data"),
    "PartitionProduceData": ("index", "records"),
    "FetchTopic": ("topic", "partitions"),
    "FetchPartition": ("partition", "fetch_offset", "partition_max_bytes"),
}


def _row(cls, row):
    return filled(cls, dict(zip(ROWS[cls.__name__], row, strict=True)))


@pytest.mark.parametrize(
    ("api", "version"), [(api, version) for api in APIS.values() for version in range(api.lowest, api.highest + 1)],
    ids=lambda value: value.name if isinstance(value, wire.Api) else f"v{value}",
)  # fmt: skip
async def test_every_version_told_is_answered(broker, connect, api, version):
    broker.topics.create("t", 1, {})
    broker.offsets.commit("offsets", [Commit("t", 0, 1, "note")])
    client = await connect()
    # An empty Produce asks for no acknowledgement, and rightly gets no answer.
    for values in (*([] if api.name == "Produce" else [{}]), POPULATED.get(api.name, {})):
        if api.name == "LeaveGroup" and version >= 3:
            values = {"group_id": "g"}
        client.send(filled(api.request, values), version)
        answer = await client.receive()
        assert answer[:4] == struct.pack(">i", 5)
        flexible = api.response.flexible_version_q(version) and api.name != "ApiVersions"
        api.response.decode(answer[4 + flexible :], version=version)


FRAMES = st.binary(max_size=200) | st.builds(
    lambda key, version, body: struct.pack(">hhih", key, version, 1, -1) + body,
    st.sampled_from(sorted(APIS)),
    st.integers(0, 12),
    st.binary(max_size=120),
)


@settings(max_examples=600, deadline=None)
@given(FRAMES)
def test_any_frame_is_a_request_or_a_protocol_error(frame):
    with contextlib.suppress(ProtocolError, wire.UnsupportedVersionError):
        assert wire.decode(frame, APIS).api.key in APIS


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(FRAMES, max_size=4), st.binary(max_size=50))
def test_random_bytes_never_stop_the_broker(tmp_path_factory, frames, tail):
    asyncio.run(_bombarded(tmp_path_factory.mktemp("broker"), frames, tail))


async def _bombarded(folder, frames, tail) -> None:
    broker = EmbeddedBroker(folder, Limits(request_bytes=1 << 20, fetch_wait_ms=10, rebalance_delay_ms=1))
    port = await broker.start()
    broker.topics.create("t", 1, {})
    bad = Client(*await asyncio.open_connection("127.0.0.1", port))
    for frame in frames:
        bad.writer.write(struct.pack(">i", len(frame)) + frame)
    bad.writer.write(tail)
    with contextlib.suppress(ConnectionError):
        bad.writer.write_eof()
        await bad.end()
    bad.close()
    good = Client(*await asyncio.open_connection("127.0.0.1", port))
    assert (await good.ask(produce("t", bytes(batch(b"fine"))), ProduceResponse, 8)).responses[0].partition_responses[
        0
    ].error_code == 0
    good.close()
    await broker.stop()
