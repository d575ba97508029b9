"""Consumer groups: resuming, sharing partitions, losing members, static members, commits from callbacks."""

import json
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kafka import ConsumerRebalanceListener, TopicPartition
from kafka.structs import OffsetAndMetadata

from tests.contract.reading import poll, read
from tests.shared import REPO
from tests.waiting import wait_for


class Member:
    """A member process and what it wrote down."""

    def __init__(self, bootstrap: str, topic: str, group: str, out: Path, instance: str | None = None) -> None:
        self.out = out
        command = [sys.executable, "-m", "tests.contract.member", bootstrap, topic, group, str(out)]
        self.process = subprocess.Popen(
            [*command, *([instance] if instance else [])], cwd=REPO, stderr=subprocess.DEVNULL
        )

    def lines(self) -> list[dict]:
        """Whole lines written so far."""
        if not self.out.exists():
            return []
        return [json.loads(line) for line in self.out.read_text().splitlines(keepends=True) if line.endswith("\n")]

    @property
    def assignments(self) -> list[list[int]]:
        return [line["assigned"] for line in self.lines() if "assigned" in line]

    @property
    def owned(self) -> list[int]:
        return self.assignments[-1] if self.assignments else []

    @property
    def values(self) -> set[str]:
        return {line["value"] for line in self.lines() if "value" in line}

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(timeout=30)


MakeMember = Callable[..., Member]


@pytest.fixture
def member(broker, tmp_path) -> Iterator[MakeMember]:
    """Start member processes, all killed at the end."""
    started: list[Member] = []

    def start(topic: str, group: str, instance: str | None = None) -> Member:
        started.append(Member(broker.bootstrap, topic, group, tmp_path / f"{len(started)}.jsonl", instance))
        return started[-1]

    yield start
    for one in started:
        one.kill()


@pytest.fixture
def group() -> str:
    return f"g-{uuid.uuid4().hex[:8]}"


def test_a_group_resumes_where_it_committed(producer, consumers, make_topic, group):
    topic = make_topic()
    for number in range(20):
        producer.send(topic, value=b"%d" % number)
    producer.flush()
    first = consumers(topic, group_id=group, max_poll_records=5)
    records = read(first, 5)
    first.commit({TopicPartition(topic, 0): OffsetAndMetadata(records[4].offset + 1, "note", -1)})
    first.close(autocommit=False)
    second = consumers(topic, group_id=group)
    assert read(second, 15)[0].offset == 5
    assert second.committed(TopicPartition(topic, 0), metadata=True).metadata == "note"


def test_a_new_group_starts_where_it_says(producer, consumers, make_topic):
    topic = make_topic()
    producer.send(topic, value=b"before").get(30)
    late = consumers(topic, group_id=f"g-{uuid.uuid4().hex}", auto_offset_reset="latest")
    wait_for(lambda: late.poll(timeout_ms=200) is not None and late.assignment() and _placed(late), what="a position")
    producer.send(topic, value=b"after").get(30)
    assert [r.value for r in read(late, 1)] == [b"after"]


def _placed(consumer) -> bool:
    return all(consumer.position(partition, timeout_ms=1000) is not None for partition in consumer.assignment())


def test_offsets_are_kept_by_group_and_partition(consumers, make_topic, group):
    topic = make_topic(partitions=3)
    other = consumers(group_id=f"{group}-other")
    mine = consumers(group_id=group)
    for consumer, base in ((mine, 10), (other, 20)):
        consumer.assign([TopicPartition(topic, n) for n in range(3)])
        consumer.commit({TopicPartition(topic, n): OffsetAndMetadata(base + n, "", -1) for n in range(2)})
    assert [mine.committed(TopicPartition(topic, n)) for n in range(3)] == [10, 11, None]
    assert [other.committed(TopicPartition(topic, n)) for n in range(3)] == [20, 21, None]


def test_two_members_share_and_the_survivor_takes_over_from_a_killed_one(producer, member, make_topic, group):
    topic = make_topic(partitions=4)
    first, second = member(topic, group), member(topic, group)
    wait_for(lambda: len(first.owned) == len(second.owned) == 2, 60, what="two partitions each")
    assert sorted(first.owned + second.owned) == [0, 1, 2, 3]
    sent = {f"a{number}" for number in range(200)}
    for value in sorted(sent):
        producer.send(topic, value=value.encode())
    producer.flush()
    wait_for(lambda: first.values and second.values, 60, what="both to read")
    first.kill()
    more = {f"b{number}" for number in range(200)}
    for value in sorted(more):
        producer.send(topic, value=value.encode())
    producer.flush()
    wait_for(lambda: second.owned == [0, 1, 2, 3], 60, what="the partitions to go over")
    wait_for(lambda: first.values | second.values >= sent | more, 60, what="every record")


def test_members_come_and_go_in_good_order(producer, member, make_topic, group):
    topic = make_topic(partitions=6)
    members = [member(topic, group) for _ in range(3)]
    wait_for(lambda: sorted(n for m in members for n in m.owned) == list(range(6)), 60, what="six partitions in all")
    wait_for(lambda: all(len(m.owned) == 2 for m in members), 60, what="two each")
    members[0].process.terminate()
    members[1].kill()
    wait_for(lambda: members[2].owned == list(range(6)), 60, what="one member with all")
    late = member(topic, group)
    wait_for(lambda: len(late.owned) == len(members[2].owned) == 3, 60, what="three each")


def test_a_static_member_is_killed_and_comes_back_without_a_rebalance(producer, member, make_topic, group):
    topic = make_topic(partitions=4)
    one, two = member(topic, group, "worker-1"), member(topic, group, "worker-2")
    wait_for(lambda: len(one.owned) == len(two.owned) == 2, 60, what="two partitions each")
    owned, seen = one.owned, len(two.assignments)
    one.kill()
    again = member(topic, group, "worker-1")
    wait_for(lambda: again.owned, 60, what="the returned member's partitions")
    assert again.owned == owned
    assert len(two.assignments) == seen
    producer.send(topic, value=b"to-the-old-place", partition=owned[0]).get(30)
    wait_for(lambda: "to-the-old-place" in again.values, 60, what="its record")


def test_a_dead_static_member_is_given_up_after_its_session(producer, member, make_topic, group):
    topic = make_topic(partitions=2)
    one, two = member(topic, group, "worker-1"), member(topic, group, "worker-2")
    wait_for(lambda: len(one.owned) == len(two.owned) == 1, 60, what="a partition each")
    one.kill()
    wait_for(lambda: two.owned == [0, 1], 60, what="the partition to go over")


def test_offsets_can_be_committed_while_partitions_are_taken_away(producer, consumers, make_topic, group):
    topic = make_topic(partitions=2)
    for number in range(10):
        producer.send(topic, value=b"%d" % number, partition=number % 2)
    producer.flush()
    first = consumers(group_id=group)

    class CommitOnRevoke(ConsumerRebalanceListener):
        def on_partitions_revoked(self, revoked):
            if revoked:
                first.commit_async({p: OffsetAndMetadata(first.position(p), "", -1) for p in revoked})

        def on_partitions_assigned(self, assigned):
            del assigned

    first.subscribe([topic], listener=CommitOnRevoke())
    read(first, 10)
    second = consumers(topic, group_id=group)

    def shared() -> bool:
        poll(first)
        assert poll(second) == [], "a record was read twice: the commit in the callback was lost"
        return len(first.assignment()) == len(second.assignment()) == 1

    wait_for(shared, 60, every=0, what="the second member's partition")
    assert second.committed(next(iter(second.assignment()))) == 5


def test_groups_can_be_listed_and_forgotten(admin, producer, consumers, make_topic, group):
    topic = make_topic()
    consumer = consumers(topic, group_id=group)
    producer.send(topic, value=b"x").get(30)
    read(consumer, 1)
    consumer.commit()
    assert group in [found["group_id"] for found in admin.list_groups()]
    assert admin.list_group_offsets([group])[group][TopicPartition(topic, 0)].offset == 1
    consumer.close(autocommit=False)
    admin.delete_groups([group])
    assert group not in [found["group_id"] for found in admin.list_groups()]
