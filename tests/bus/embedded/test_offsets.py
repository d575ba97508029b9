import os

import pytest

from pipeline.bus.embedded.offsets import KEPT_MS, SLACK_LINES, Commit, OffsetStore
from tests.bus.embedded.making import Clock


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "offsets.jsonl"


def test_offsets_survive(path, clock):
    store = OffsetStore(path, clock)
    store.commit("g", [Commit("t", 0, 5, "note"), Commit("t", 1, 7, "")])
    store.commit("g", [Commit("t", 0, 6, "")])
    # Not closed: as after a kill.
    again = OffsetStore(path, clock)
    assert (again.fetch("g", "t", 0).offset, again.fetch("g", "t", 1).offset) == (6, 7)
    assert again.fetch("g", "t", 2) is None
    assert again.partitions_of("g") == {"t": [0, 1]}
    assert again.groups() == {"g"}


@pytest.mark.parametrize("tail", [b'["g","t",0,9', b"\x00\xff\n", b"[]\n", b'["g","t",{},1,"",1]\n', b"7\n"])
def test_a_torn_or_broken_line_costs_itself_only(path, clock, tail):
    OffsetStore(path, clock).commit("g", [Commit("t", 0, 5, "")])
    with path.open("ab") as file:
        file.write(tail)
    store = OffsetStore(path, clock)
    assert store.fetch("g", "t", 0).offset == 5
    store.commit("g", [Commit("t", 0, 6, "")])
    assert OffsetStore(path, clock).fetch("g", "t", 0).offset == 6


def test_the_journal_is_rewritten_on_start_and_when_it_has_grown(path, clock):
    store = OffsetStore(path, clock)
    for offset in range(SLACK_LINES + 100):
        store.commit("g", [Commit("t", 0, offset, "")])
    assert len(path.read_bytes().splitlines()) < 200
    again = OffsetStore(path, clock)
    assert len(path.read_bytes().splitlines()) == 1
    assert again.fetch("g", "t", 0).offset == SLACK_LINES + 99


def test_forgotten_offsets_stay_forgotten(path, clock):
    store = OffsetStore(path, clock)
    store.commit("g", [Commit("a", 0, 1, ""), Commit("b", 0, 1, "")])
    store.commit("h", [Commit("a", 0, 1, "")])
    assert store.forget_topic("a")
    assert not store.forget_topic("a")
    assert store.forget_group("g")
    again = OffsetStore(path, clock)
    assert again.groups() == set()


def test_offsets_nobody_renewed_for_long_go(path, clock):
    OffsetStore(path, clock).commit("g", [Commit("t", 0, 1, "")])
    clock.move(KEPT_MS + 1)
    assert OffsetStore(path, clock).fetch("g", "t", 0) is None


def test_a_commit_that_could_not_be_written_does_not_count(path, clock, monkeypatch):
    store = OffsetStore(path, clock)
    store.commit("g", [Commit("t", 0, 1, "")])
    original = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: original(fd, data[:3]))
    with pytest.raises(OSError, match="written"):
        store.commit("g", [Commit("t", 0, 2, "")])
    monkeypatch.setattr(os, "write", original)
    assert store.fetch("g", "t", 0).offset == 1
    store.commit("g", [Commit("t", 1, 3, "")])
    again = OffsetStore(path, clock)
    assert (again.fetch("g", "t", 0).offset, again.fetch("g", "t", 1).offset) == (1, 3)
