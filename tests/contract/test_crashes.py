"""The broker killed and started again: nothing acknowledged is lost, nothing written twice; garbage harms nobody."""

import socket
import struct
import threading
import time
import uuid
from typing import Any

from kafka import KafkaProducer, TopicPartition
from kafka.protocol.producer import InitProducerIdRequest, ProduceRequest
from kafka.record.memory_records import MemoryRecordsBuilder

from tests.contract.reading import read, read_all
from tests.waiting import wait_for


class Producing:
    """A thread that sends numbered records all the time, as a context manager; `numbers` are those acknowledged."""

    def __init__(self, bootstrap: str, topic: str, request_timeout_ms: int = 20_000) -> None:
        self.producer = KafkaProducer(
            bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, linger_ms=1, retry_backoff_ms=50,
            request_timeout_ms=request_timeout_ms, delivery_timeout_ms=120_000, max_block_ms=120_000,
        )  # fmt: skip
        self.futures: list[Any] = []
        self._topic = topic
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._produce)

    def _produce(self) -> None:
        while not self._stop.wait(0.001):
            number = len(self.futures)
            value = b"%d " % number + b"x" * 2000
            self.futures.append(self.producer.send(self._topic, key=b"%d" % (number % 5), value=value))

    def __enter__(self) -> "Producing":
        self._thread.start()
        return self

    def more(self, count: int = 300) -> None:
        """Wait until `count` more records were sent."""
        wanted = len(self.futures) + count
        wait_for(lambda: len(self.futures) >= wanted, 120, what="records in flight")

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.producer.flush(timeout=120)
        self.producer.close()

    @property
    def numbers(self) -> list[int]:
        assert all(future.succeeded() for future in self.futures), "a record was given up"
        return list(range(len(self.futures)))


def test_what_was_acknowledged_is_there_exactly_once_after_kills(broker, consumers, make_topic):
    topic = make_topic(partitions=2)
    with Producing(broker.bootstrap, topic) as producing:
        for _ in range(2):
            producing.more()
            broker.kill()
            broker.restart()
        producing.more()
    assert sorted(int(r.value.split()[0]) for r in read_all(consumers(), topic, 2)) == producing.numbers


def test_a_broker_that_hangs_costs_nothing_and_doubles_nothing(broker, consumers, make_topic):
    topic = make_topic(partitions=2)
    with Producing(broker.bootstrap, topic, request_timeout_ms=1500) as producing:
        producing.more()
        broker.pause()
        try:
            # Longer than the client's patience: it sends again on new connections what waits unread on the old ones.
            time.sleep(4)
        finally:
            broker.resume()
        producing.more()
    assert sorted(int(r.value.split()[0]) for r in read_all(consumers(), topic, 2)) == producing.numbers


def test_committed_offsets_and_members_survive_the_broker(broker, producer, consumers, make_topic):
    topic, group = make_topic(partitions=2), f"g-{uuid.uuid4().hex}"
    for number in range(10):
        producer.send(topic, value=b"%d" % number)
    producer.flush()
    consumer = consumers(topic, group_id=group)
    read(consumer, 10)
    consumer.commit()
    broker.kill()
    broker.restart()
    producer.send(topic, value=b"after").get(60)
    assert [r.value for r in read(consumer, 1, 90)] == [b"after"]
    consumer.commit()
    total = sum(consumer.committed(TopicPartition(topic, n)) or 0 for n in range(2))
    assert total == 11


def _batch(producer_id: int, epoch: int, sequence: int, value: bytes) -> bytes:
    builder = MemoryRecordsBuilder(magic=2, compression_type=0, batch_size=1 << 20)
    builder.set_producer_state(producer_id, epoch, sequence, False)
    builder.append(timestamp=time.time_ns() // 1_000_000, key=None, value=value)
    builder.close()
    return bytes(builder.buffer())


class Raw:
    """A connection that sends requests one by one, as a test wants them."""

    def __init__(self, bootstrap: str) -> None:
        host, port = bootstrap.split(":")
        self.socket = socket.create_connection((host, int(port)), timeout=30)

    def ask(self, request, version: int):
        request.API_VERSION = version
        request.with_header(correlation_id=7, client_id="raw")
        self.socket.sendall(request.encode(version=version, header=True, framed=True))
        return self.answer()

    def answer(self) -> bytes:
        (size,) = struct.unpack(">i", self._exactly(4))
        return self._exactly(size)

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise ConnectionError("closed")
            data += part
        return data

    def produce(self, topic: str, records: bytes):
        from kafka.protocol.producer import ProduceResponse

        part = ProduceRequest.TopicProduceData.PartitionProduceData(index=0, records=records)
        data = ProduceRequest.TopicProduceData(name=topic, partition_data=[part])
        answer = self.ask(ProduceRequest(transactional_id=None, acks=-1, timeout_ms=10_000, topic_data=[data]), 8)
        return ProduceResponse.decode(answer[4:], version=8).responses[0].partition_responses[0]

    def producer_id(self) -> int:
        from kafka.protocol.producer import InitProducerIdResponse

        answer = self.ask(InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=60_000), 1)
        return InitProducerIdResponse.decode(answer[4:], version=1).producer_id


def test_a_batch_sent_again_is_not_written_again_also_after_a_kill(broker, consumers, make_topic):
    topic = make_topic()
    raw = Raw(broker.bootstrap)
    pid = wait_for(lambda: [pid for pid in [raw.producer_id()] if pid >= 0], what="a producer id")[0]
    batches = [_batch(pid, 0, sequence, b"%d" % sequence) for sequence in range(3)]
    assert [raw.produce(topic, batch).base_offset for batch in batches] == [0, 1, 2]
    assert (raw.produce(topic, batches[1]).error_code, raw.produce(topic, batches[1]).base_offset) == (0, 1)
    broker.kill()
    broker.restart()
    raw = Raw(broker.bootstrap)
    wait_for(lambda: raw.produce(topic, batches[2]).error_code == 0, 60, what="the leader")
    assert raw.produce(topic, batches[2]).base_offset == 2
    assert raw.produce(topic, _batch(pid, 0, 9, b"gap")).error_code == 45
    assert raw.produce(topic, _batch(pid, 0, 3, b"3")).base_offset == 3
    assert raw.producer_id() != pid
    assert [r.value for r in read_all(consumers(), topic)] == [b"0", b"1", b"2", b"3"]


def test_a_broken_batch_is_refused(broker, consumers, make_topic):
    topic = make_topic()
    raw = Raw(broker.bootstrap)
    good = _batch(-1, -1, -1, b"good")
    wrong_crc = good[:-1] + bytes([good[-1] ^ 1])
    assert raw.produce(topic, wrong_crc).error_code == 2
    assert raw.produce(topic, good).error_code == 0
    assert [r.value for r in read_all(consumers(), topic)] == [b"good"]


def test_garbage_closes_its_own_connection_only(broker, producer, make_topic):
    topic = make_topic()
    bystander = Raw(broker.bootstrap)
    for garbage in (
        b"GET / HTTP/1.1\r\n\r\n",
        struct.pack(">i", 2**31 - 1) + b"x" * 100,
        struct.pack(">i", -5),
        struct.pack(">ihhih", 10, 999, 0, 1, -1),
        struct.pack(">ihhih", 10, 0, 99, 1, -1),
        struct.pack(">ihhih", 14, 3, 4, 1, -1) + b"\x7f\xff\xff\xff",
        struct.pack(">i", 3) + b"abc",
    ):
        with socket.create_connection(bystander.socket.getpeername(), timeout=30) as bad:
            bad.sendall(garbage)
            bad.shutdown(socket.SHUT_WR)
            while bad.recv(4096):
                pass
    assert bystander.producer_id() >= 0
    assert producer.send(topic, value=b"fine").get(30).offset == 0
