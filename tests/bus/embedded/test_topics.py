import json
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.bus.embedded import config, storage
from pipeline.bus.embedded.compaction import compact
from pipeline.bus.embedded.errors import BrokerError, Code
from pipeline.bus.embedded.limits import Limits
from pipeline.bus.embedded.log import PartitionLog
from pipeline.bus.embedded.topics import TopicStore
from tests.bus.embedded.making import NOW, Clock, batch
from tests.bus.embedded.making import config as settings
from tests.bus.embedded.test_log import everything

MIB = 1 << 20


@pytest.fixture
def store(tmp_path):
    found = TopicStore(tmp_path / "topics", Limits(), Clock())
    found.load()
    return found


def reopened(store: TopicStore) -> TopicStore:
    again = TopicStore(store.folder, Limits(), Clock())
    again.load()
    return again


def test_topics_survive(store):
    store.create("a.b_c-d", 3, {"retention.ms": "5000", "segment.bytes": None})
    store.log("a.b_c-d", 2).append(batch())
    again = reopened(store)
    assert again.require("a.b_c-d").configs == {"retention.ms": "5000"}
    assert [log.end_offset for log in again.logs()] == [0, 0, 1]
    assert again.log("a.b_c-d", 3) is None
    assert again.log("a.b_c-d", -1) is None
    assert again.log("other", 0) is None


@pytest.mark.parametrize(
    ("name", "count", "settings_", "code"),
    [
        ("", 1, {}, Code.INVALID_TOPIC),
        (".", 1, {}, Code.INVALID_TOPIC),
        ("..", 1, {}, Code.INVALID_TOPIC),
        ("../x", 1, {}, Code.INVALID_TOPIC),
        ("a\n", 1, {}, Code.INVALID_TOPIC),
        ("a" * 250, 1, {}, Code.INVALID_TOPIC),
        ("t", 0, {}, Code.INVALID_PARTITIONS),
        ("t", 10**6, {}, Code.INVALID_PARTITIONS),
        ("t", 1, {"segment.bytes": "7"}, Code.INVALID_CONFIG),
        ("t", 1, {"what": "7"}, Code.INVALID_CONFIG),
    ],
)
def test_a_topic_that_cannot_be_is_refused_and_leaves_nothing(store, name, count, settings_, code):
    with pytest.raises(BrokerError) as refusal:
        store.create(name, count, settings_)
    assert refusal.value.code is code
    assert list(store.folder.iterdir()) == []


def test_topics_are_bounded(tmp_path):
    store = TopicStore(tmp_path, Limits(topics=1), Clock())
    store.create("a", 1, {})
    with pytest.raises(BrokerError, match="at most 1"):
        store.create("b", 1, {})


def test_validating_makes_nothing(store):
    store.create("t", -1, {}, validate_only=True)
    assert store.topics == {}
    store.create("t", -1, {})
    store.grow("t", 4, validate_only=True)
    store.alter("t", {"retention.ms": "1"}, validate_only=True)
    assert (len(store.require("t").partitions), store.require("t").configs) == (1, {})


def test_growing_and_changing_survive(store):
    store.create("t", 1, {"retention.ms": "1000"})
    store.grow("t", 3)
    store.alter("t", {"retention.bytes": "5000000", "retention.ms": None})
    with pytest.raises(BrokerError, match="already"):
        store.grow("t", 2)
    again = reopened(store).require("t")
    assert (len(again.partitions), again.configs) == (3, {"retention.bytes": "5000000"})
    assert store.log("t", 2).config.retention_bytes == 5_000_000


def test_a_deleted_topic_leaves_nothing(store):
    store.create("t", 2, {})
    store.log("t", 0).append(batch())
    store.delete("t")
    assert list(store.folder.iterdir()) == []
    with pytest.raises(BrokerError):
        store.delete("t")
    store.create("t", 1, {})
    assert store.log("t", 0).end_offset == 0


def test_what_a_kill_left_half_done_is_cleared_away(store):
    store.create("kept", 1, {})
    (store.folder / ".deleted-x" / "0").mkdir(parents=True)
    (store.folder / "half-made" / "0").mkdir(parents=True)
    assert list(reopened(store).topics) == ["kept"]
    assert [path.name for path in store.folder.iterdir()] == ["kept"]


@pytest.mark.parametrize("content", ["{", "{}", '{"name": "t", "partitions": "many", "configs": {}}'])
def test_a_broken_description_is_one_clear_error(store, content):
    store.create("t", 1, {})
    (store.folder / "t" / "topic.json").write_text(content)
    with pytest.raises(ValueError, match=r"topic\.json"):
        reopened(store)


def test_a_full_disk_is_a_refusal(store, monkeypatch):
    def full(*_, **__):
        raise OSError("no space left")

    monkeypatch.setattr(storage, "write_atomically", full)
    with pytest.raises(BrokerError) as refusal:
        store.create("t", 1, {})
    assert refusal.value.code is Code.STORAGE_ERROR


@given(st.sampled_from(sorted(config.CHECKS)), st.text(max_size=12))
def test_a_setting_is_taken_or_refused_never_anything_else(name, value):
    try:
        kept = config.checked({name: value})
    except BrokerError as refusal:
        assert refusal.code is Code.INVALID_CONFIG
        assert name in refusal.reason
    else:
        config.log_config(kept, Limits())


def test_segments_are_a_small_part_of_what_is_kept():
    kept = settings(retention_bytes=80 * MIB, retention_ms=80_000, segment_bytes=64 * MIB)
    assert (kept.segment_bytes, kept.segment_ms) == (10 * MIB, 10_000)
    forever = settings(retention_bytes=-1, retention_ms=-1)
    assert forever.segment_bytes == Limits().segment_bytes
    compacted = settings(cleanup_policy="compact", retention_ms=8000)
    assert (compacted.compact, compacted.delete, compacted.segment_ms) == (True, False, 604_800_000)


def compacted_log(folder, clock, **more) -> PartitionLog:
    return PartitionLog(folder, settings(cleanup_policy="compact", segment_bytes=MIB, **more), clock)


async def test_compaction_keeps_the_last_of_each_key(tmp_path):
    clock = Clock()
    log = compacted_log(tmp_path, clock)
    for number in range(200):
        log.append(batch(b"x" * 20_000, key=b"%d" % (number % 3), at=NOW + number))
    log.append(batch(b"unkeyed"))
    before = log.size
    freed = await compact(log, clock)
    assert freed == before - log.size > 2 * MIB
    left = everything(log)
    assert {key: offset for offset, key in left if key} == {b"0": 198, b"1": 199, b"2": 197}
    assert (log.start_offset, log.end_offset) == (0, 201)
    assert await compact(log, clock) == 0
    log.close()
    again = compacted_log(tmp_path, clock)
    assert everything(again) == left
    for offset in (0, 100, 197):
        assert again.read(offset, 100_000)


async def test_a_tombstone_goes_after_its_time(tmp_path):
    clock = Clock()
    log = compacted_log(tmp_path, clock, delete_retention_ms=1000)
    log.append(batch(b"v", key=b"gone"))
    log.append(batch(None, key=b"gone"))
    log.append(batch(b"v", key=b"here"))
    log.roll()
    await compact(log, clock)
    assert [key for _, key in everything(log)] == [b"gone", b"here"]
    log.append(batch(b"v", key=b"other"))
    log.roll()
    clock.move(5000)
    await compact(log, clock)
    assert [key for _, key in everything(log)] == [b"here", b"other"]


async def test_compaction_remembers_producers(tmp_path):
    clock = Clock()
    log = compacted_log(tmp_path, clock)
    sent = [batch(b"v", key=b"k", producer=3, epoch=0, sequence=n) for n in range(3)]
    for data in sent:
        log.append(data)
    log.roll()
    await compact(log, clock)
    log.close()
    again = compacted_log(tmp_path, clock)
    assert [again.append(data).duplicate for data in sent] == [True] * 3


async def test_an_emptied_segment_goes_but_for_the_first(tmp_path):
    clock = Clock()
    log = compacted_log(tmp_path, clock)
    for _ in range(3):
        log.append(batch(b"v", key=b"k"))
        log.roll()
    log.append(batch(b"v", key=b"k"))
    await compact(log, clock)
    assert [segment.base for segment in log.segments] == [0, 3]
    assert [offset for offset, _ in everything(log)] == [3]


async def test_too_many_keys_are_not_compacted(tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.bus.embedded.compaction.MAX_KEYS", 1)
    clock = Clock()
    log = compacted_log(tmp_path, clock)
    for number in range(6):
        log.append(batch(b"v", key=b"%d" % (number % 3)))
    log.roll()
    assert await compact(log, clock) == 0
    assert len(everything(log)) == 6


def test_a_folder_is_locked_by_one_process(tmp_path):
    first = storage.FolderLock(tmp_path)
    with pytest.raises(storage.LockedError, match="another embedded broker"):
        storage.FolderLock(tmp_path)
    first.release()
    storage.FolderLock(tmp_path).release()


def test_producer_ids_are_never_given_twice(tmp_path):
    given_out = []
    for _ in range(3):
        ids = storage.ProducerIds(tmp_path)
        given_out += [ids.take() for _ in range(storage.BLOCK + 5)]
    assert len(set(given_out)) == len(given_out)
    (tmp_path / "producers").write_text("garbage")
    assert storage.ProducerIds(tmp_path).take() > max(given_out)


def test_a_reboot_is_noticed_once(tmp_path, monkeypatch):
    boot = tmp_path / "boot_id"
    boot.write_text("first")
    monkeypatch.setattr(storage, "BOOT_ID", boot)
    assert [storage.machine_rebooted(tmp_path) for _ in range(2)] == [False, False]
    boot.write_text("second")
    assert [storage.machine_rebooted(tmp_path) for _ in range(2)] == [True, False]


def test_a_second_process_on_the_folder_is_refused(tmp_path):
    held = storage.FolderLock(tmp_path)
    command = [sys.executable, "-m", "pipeline.bus.embedded", "--port", "0", "--dir", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=os.environ, check=False)
    held.release()
    assert done.returncode == 1
    assert done.stderr.strip().endswith("another embedded broker is running on this folder")
    assert "Traceback" not in done.stderr


def test_descriptions_are_readable(store):
    store.create("t", 2, {"cleanup.policy": "compact,delete"})
    saved = json.loads((store.folder / "t" / "topic.json").read_text())
    assert saved == {"name": "t", "partitions": 2, "configs": {"cleanup.policy": "compact,delete"}}
