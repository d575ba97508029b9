import asyncio
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.bus.embedded.batch import records
from pipeline.bus.embedded.errors import BrokerError, Code
from pipeline.bus.embedded.log import PartitionLog
from pipeline.bus.embedded.segment import Segment
from tests.bus.embedded.making import NOW, Clock, batch, config

MIB = 1 << 20


def everything(log: PartitionLog, max_bytes: int = 100_000) -> list[tuple[int, bytes]]:
    """All records by fetching again and again, as (offset, raw batch's first offset) pairs checked for gaps."""
    found, offset = [], log.start_offset
    while offset < log.end_offset:
        data = log.read(offset, max_bytes)
        if not data:
            break
        fresh = [r for r in split(data) if r[0] >= offset]
        found += fresh
        offset = fresh[-1][0] + 1
    return found


def split(data: bytes) -> list[tuple[int, bytes]]:
    found, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at + 8 : at + 12], "big") + 12
        found += [(record.offset, record.key) for record in records(data[at : at + size])]
        at += size
    return found


def filled(folder, count: int, size: int = 1000, clock=None, **settings: object) -> PartitionLog:
    log = PartitionLog(folder, config(**settings), clock or Clock())
    for number in range(count):
        log.append(batch(b"x" * size, at=NOW + number * 1000, key=b"%d" % number))
    return log


def test_offsets_run_on_and_every_one_can_be_read(tmp_path):
    log = PartitionLog(tmp_path, config(), Clock())
    assert [log.append(batch(*[b"v"] * n)).base_offset for n in (1, 3, 2)] == [0, 1, 4]
    assert (log.start_offset, log.end_offset) == (0, 6)
    for offset, first in ((0, 0), (1, 1), (2, 1), (3, 1), (4, 4), (5, 4)):
        assert split(log.read(offset, 1))[0][0] == first
    assert log.read(6, 1000) == b""


def test_reading_goes_over_segments_without_gap_or_double(tmp_path):
    log = filled(tmp_path, 400, 20_000, retention_bytes=16 * MIB)
    assert len(log.segments) > 1
    assert [offset for offset, _ in everything(log)] == list(range(400))
    assert log.available(399) == len(log.read(399, 10**9))
    assert log.available(0) == log.size
    assert log.available(400) == 0


def test_a_batch_larger_than_asked_for_is_given_whole(tmp_path):
    log = filled(tmp_path, 3, 50_000)
    assert [offset for offset, _ in split(log.read(1, 100))] == [1]


def test_a_restart_finds_everything_without_reading_closed_segments(tmp_path, monkeypatch):
    log = filled(tmp_path, 300, 20_000, retention_bytes=8 * MIB)
    closed = len(log.segments) - 1
    size = log.size
    log.close()
    scanned = []
    original = Segment.recover

    def counted(self):
        scanned.append(self.base)
        return original(self)

    monkeypatch.setattr(Segment, "recover", counted)
    again = PartitionLog(tmp_path, config(retention_bytes=8 * MIB), Clock())
    assert closed >= 1
    assert len(scanned) == 1
    assert (again.size, again.end_offset) == (size, 300)
    assert [offset for offset, _ in everything(again)] == list(range(again.start_offset, 300))


@pytest.mark.parametrize("damage", ["missing", "garbage", "other size"])
def test_a_wrong_sidecar_only_costs_the_scan(tmp_path, damage):
    log = filled(tmp_path, 300, 20_000, retention_bytes=8 * MIB)
    start = log.start_offset
    log.close()
    for sidecar in tmp_path.glob("*.index"):
        if damage == "missing":
            sidecar.unlink()
        else:
            sidecar.write_text("{" if damage == "garbage" else sidecar.read_text().replace('"size": ', '"size": 1'))
    again = PartitionLog(tmp_path, config(retention_bytes=8 * MIB), Clock())
    assert [offset for offset, _ in everything(again)] == list(range(start, 300))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 4000), st.binary(max_size=120).map(lambda garbage: b"\xfe" + garbage))
def test_a_tail_torn_anywhere_loses_the_torn_batch_only(tmp_path_factory, cut, garbage):
    folder = tmp_path_factory.mktemp("log")
    log = PartitionLog(folder, config(), Clock())
    ends = []
    for number in range(10):
        log.append(batch(b"x" * (100 * number), b"y"))
        ends.append(log.size)
    path = log.active.path
    log.close()
    kept = max(0, ends[-1] - cut)
    whole = [end for end in ends if end <= kept]
    os.truncate(path, kept)
    with path.open("ab") as file:
        file.write(garbage)
    again = PartitionLog(folder, config(), Clock())
    assert again.end_offset == 2 * len(whole)
    assert path.stat().st_size == (whole[-1] if whole else 0)
    assert again.append(batch(b"new")).base_offset == 2 * len(whole)
    assert [offset for offset, _ in everything(again)] == list(range(2 * len(whole) + 1))
    again.close()


@pytest.mark.parametrize("closed", [False, True])
def test_after_a_machine_crash_a_batch_with_a_wrong_crc_ends_its_segment(tmp_path, closed):
    log = filled(tmp_path, 5)
    path = log.active.path
    if closed:
        log.roll()
    log.close()
    data = bytearray(path.read_bytes())
    data[len(data) // 5 * 3 + 500] ^= 0xFF
    path.write_bytes(data)
    again = PartitionLog(tmp_path, config(), Clock(), verify=closed)
    assert again.end_offset == (5 if closed else 3)
    assert [offset for offset, _ in everything(again)] == [0, 1, 2]


def test_a_hole_in_a_closed_segment_is_stepped_over(tmp_path):
    log = filled(tmp_path, 300, 20_000, retention_bytes=8 * MIB)
    second = log.segments[1].base
    with log.segments[0].path.open("r+b") as file:
        file.seek(0)
        file.write(bytes(200))
    assert split(log.read(log.start_offset, 100_000))[0][0] == second


def test_a_batch_sent_again_is_known_after_roll_and_restart(tmp_path):
    log = PartitionLog(tmp_path, config(), Clock())
    sent = [batch(b"v", producer=9, epoch=0, sequence=n) for n in range(6)]
    for data in sent[:3]:
        log.append(data)
    log.roll()
    for data in sent[3:]:
        log.append(data)
    log.close()
    again = PartitionLog(tmp_path, config(), Clock())
    assert [again.append(data) for data in sent[1:]] == [(n, True) for n in range(1, 6)]
    with pytest.raises(BrokerError) as refusal:
        again.append(batch(b"v", producer=9, epoch=0, sequence=8))
    assert refusal.value.code is Code.OUT_OF_ORDER_SEQUENCE
    assert again.end_offset == 6


def test_bytes_are_bounded_while_writing(tmp_path):
    log = PartitionLog(tmp_path, config(retention_bytes=4 * MIB), Clock())
    for _ in range(400):
        log.append(batch(b"x" * 60_000))
        assert log.size <= 1.25 * 4 * MIB
    on_disk = sum(path.stat().st_size for path in tmp_path.glob("*.log"))
    assert on_disk == log.size
    assert log.size >= 4 * MIB
    assert log.start_offset > 0
    assert not log.holds(log.start_offset - 1)


def test_the_index_stays_small(tmp_path):
    log = filled(tmp_path, 3000, 1000)
    assert log.active.index_entries <= log.size // 65_536 + 1


def test_age_is_bounded_also_for_the_newest_segment(tmp_path):
    clock = Clock()
    log = PartitionLog(tmp_path, config(retention_ms=60_000), clock)
    log.append(batch(b"old", at=clock()))
    clock.move(20_000)
    assert log.enforce_retention() == 0
    log.append(batch(b"newer", at=clock()))
    clock.move(55_000)
    assert log.enforce_retention() == 1
    assert (log.start_offset, log.end_offset) == (1, 2)
    clock.move(60_000)
    assert log.enforce_retention() == 1
    assert (log.start_offset, log.end_offset, log.size) == (2, 2, 0)
    log.close()
    log = PartitionLog(tmp_path, config(retention_ms=60_000), clock)
    assert (log.start_offset, log.end_offset) == (2, 2)
    assert log.append(batch()).base_offset == 2


def test_a_time_in_the_future_does_not_keep_a_segment_for_ever(tmp_path):
    clock = Clock()
    log = PartitionLog(tmp_path, config(retention_ms=60_000), clock)
    log.append(batch(b"x", at=clock() + 10**12))
    clock.move(61_000)
    log.enforce_retention()
    assert log.size == 0


def test_without_bounds_nothing_goes(tmp_path):
    clock = Clock()
    log = filled(tmp_path, 100, 20_000, clock, retention_ms=-1, segment_bytes=MIB)
    clock.move(10**12)
    assert log.enforce_retention() == 0
    assert log.start_offset == 0


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=60), st.integers(-10, 11_000))
def test_an_offset_by_time_is_the_first_record_at_or_after_it(tmp_path_factory, times, asked):
    log = PartitionLog(tmp_path_factory.mktemp("log"), config(segment_bytes=MIB), Clock())
    for at in times:
        log.append(batch(b"x" * 40_000, at=NOW + at))
    expected = next(((n, NOW + at) for n, at in enumerate(times) if at >= asked), None)
    assert log.offset_for_time(NOW + asked) == expected
    log.close()


def test_a_full_disk_refuses_and_keeps_the_log_whole(tmp_path, monkeypatch):
    log = filled(tmp_path, 2)
    size = log.active.path.stat().st_size
    original = os.pwritev
    monkeypatch.setattr(os, "pwritev", lambda fd, parts, at: original(fd, [bytes(parts[0])[:5]], at))
    with pytest.raises(BrokerError) as refusal:
        log.append(batch(b"lost"))
    assert refusal.value.code is Code.STORAGE_ERROR
    monkeypatch.setattr(os, "pwritev", original)
    assert log.active.path.stat().st_size == size
    assert log.append(batch(b"kept")).base_offset == 2


def test_a_roll_without_room_for_the_index_goes_on(tmp_path, monkeypatch):
    log = filled(tmp_path, 2)

    def full(self, producers):
        raise OSError("no space left")

    monkeypatch.setattr("pipeline.bus.embedded.segment.Segment.save_sidecar", full)
    log.roll()
    assert log.append(batch()).base_offset == 2
    assert [offset for offset, _ in everything(log)] == [0, 1, 2]


async def test_an_append_wakes_who_waits(tmp_path):
    log = PartitionLog(tmp_path, config(), Clock())
    waiting = asyncio.get_running_loop().create_future()
    log.waiters.add(waiting)
    log.append(batch())
    await asyncio.wait_for(waiting, 5)
    assert not log.waiters


def test_idle_files_are_closed_and_opened_again(tmp_path):
    log = filled(tmp_path, 3)
    log.close_idle()
    log.close_idle()
    assert log.active._fd is None
    assert len(everything(log)) == 3


def test_a_retired_log_never_opens_its_files_again(tmp_path):
    log = filled(tmp_path, 1)
    log.retire()
    with pytest.raises(FileNotFoundError):
        log.active.read(0, 10)
