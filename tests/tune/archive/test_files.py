"""The archive's files: what is written is read back in order, sifted, pruned; damage names the file."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.tune.archive.layout import HOUR_MS, hour_files, hour_of, path_of
from pipeline.tune.archive.reader import ArchiveError, read
from pipeline.tune.archive.worker import prune
from pipeline.tune.archive.writer import HourWriter

T0 = hour_of(1_760_000_000_000)


def write(folder: Path, partition: int, seconds: list[int], camera: str = "a") -> list[tuple[int, bytes]]:
    """Rows of one camera, and what they hold."""
    writer = HourWriter(folder, partition, 100)
    rows = [(T0 + second * 1000, camera, number, f"{camera}{second}".encode()) for number, second in enumerate(seconds)]
    for row in rows:
        writer.add(row)
    writer.finish()
    return [(row[0], row[3]) for row in rows]


def test_an_hour_and_a_partition_is_a_file(tmp_path: Path) -> None:
    write(tmp_path, 0, [0, 1800, 3599, 3600, 7300])
    write(tmp_path, 1, [5])
    found = sorted(hour_files(tmp_path))
    assert [(file.hour_ms - T0, file.partition) for file in found] == [(0, 0), (0, 1), (HOUR_MS, 0), (2 * HOUR_MS, 0)]
    assert found[0].path == path_of(tmp_path, T0, 0)
    assert not list(tmp_path.rglob("*.part"))


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 3 * 3600), max_size=400).map(sorted), min_size=1, max_size=4),
    st.integers(0, 3 * 3600),
    st.integers(1, 3 * 3600),
)
def test_what_is_written_is_read_back_by_time(parts: list[list[int]], start: int, length: int) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        folder, rows = Path(name), list[tuple[int, bytes]]()
        for number, seconds in enumerate(parts):
            rows += write(folder, number, seconds, f"c{number}")
        low, high = T0 + start * 1000, T0 + (start + length) * 1000
        found = list(read(folder, low, high))
        assert sorted(found) == sorted(row for row in rows if low <= row[0] < high)
        assert [at for at, _ in found] == sorted(at for at, _ in found)


def test_only_the_cameras_asked_for(tmp_path: Path) -> None:
    write(tmp_path, 0, [1, 2], "a")
    mine = write(tmp_path, 1, [1, 3], "b")
    assert list(read(tmp_path, T0, T0 + HOUR_MS, {"b"})) == mine
    assert list(read(tmp_path, T0, T0 + HOUR_MS, set())) == []
    assert list(read(tmp_path / "absent", T0, T0 + HOUR_MS)) == []


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    write(tmp_path, 0, [1, 2])
    file = path_of(tmp_path, T0, 0)
    file.write_bytes(file.read_bytes()[:50])
    with pytest.raises(ArchiveError, match=r"-p0\.parquet: cannot be read"):
        list(read(tmp_path, T0, T0 + HOUR_MS))


def test_a_draft_is_no_file_and_is_written_anew(tmp_path: Path) -> None:
    writer = HourWriter(tmp_path, 0, 100)
    for number in range(250):
        writer.add((T0 + number, "a", number, b"x"))
    assert writer.draft.exists()
    assert list(read(tmp_path, T0, T0 + HOUR_MS)) == []
    writer.abandon()
    assert not writer.draft.exists()
    write(tmp_path, 0, [1])
    assert len(list(read(tmp_path, T0, T0 + HOUR_MS))) == 1


def test_old_files_go(tmp_path: Path) -> None:
    write(tmp_path, 0, [0, 3600, 2 * 86_400])
    (tmp_path / "notes.txt").write_text("mine")
    assert prune(tmp_path, T0 + HOUR_MS + 1) == 1
    assert prune(tmp_path, T0 + 86_400_000) == 1
    assert [file.hour_ms for file in hour_files(tmp_path)] == [hour_of(T0 + 2 * 86_400_000)]
    assert (tmp_path / "notes.txt").exists()
