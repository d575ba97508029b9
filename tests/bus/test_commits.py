"""Commits by time: what is done is committed together, the highest offset of each place, and nothing twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.bus.admin import ensure_topics
from pipeline.bus.commits import EVERY_S, TimedCommits
from pipeline.bus.consumer import Consumer
from pipeline.bus.topics import FRAMES
from pipeline.ops.errors import BusError
from pipeline.ops.sections import BusSection
from tests.brokers import EmbeddedBrokerProcess, embedded_broker
from tests.waiting import wait_for

GROUP = "commits"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[EmbeddedBrokerProcess]:
    with embedded_broker(tmp_path) as running:
        yield running


class Time:
    """A clock that a test moves."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def member(section: BusSection) -> Consumer:
    """A member of the group that has its partitions."""
    consumer = Consumer(section, "test", [FRAMES], GROUP)
    wait_for(lambda: consumer.poll(0.1) is not None and consumer.places(), 30, what="partitions")
    return consumer


def test_what_is_done_is_committed_together_when_it_is_time(broker: EmbeddedBrokerProcess) -> None:
    section = BusSection(bootstrap_servers=broker.bootstrap, partitions=2)
    ensure_topics(section)
    consumer, time = member(section), Time()
    commits = TimedCommits(consumer, clock=time)
    commits.note({(FRAMES, 0): 4, (FRAMES, 1): 1})
    commits.note({(FRAMES, 0): 7})
    commits.note({(FRAMES, 0): 6})  # later told, earlier done: an offset never goes back
    assert not commits.due
    assert consumer.committed((FRAMES, 0)) is None
    time.now += EVERY_S
    assert commits.due
    assert commits.commit()
    assert not commits.due
    assert [consumer.committed((FRAMES, place)) for place in (0, 1)] == [7, 1]
    consumer.close()


def test_what_could_not_be_committed_is_committed_later(broker: EmbeddedBrokerProcess) -> None:
    section = BusSection(bootstrap_servers=broker.bootstrap, partitions=1)
    ensure_topics(section)
    consumer = member(section)
    commits = TimedCommits(consumer)
    commits.note({(FRAMES, 0): 3})
    broker.kill()
    with pytest.raises(BusError):
        commits.commit(0.5)
    broker.restart()
    wait_for(lambda: _commits(commits), 60, what="a commit")
    assert consumer.committed((FRAMES, 0)) == 3
    consumer.close()


def _commits(commits: TimedCommits) -> bool:
    try:
        return commits.commit(2)
    except BusError:
        return False
