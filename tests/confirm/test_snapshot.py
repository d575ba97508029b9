import pytest

from pipeline.confirm import snapshot
from pipeline.confirm.memory import Memory
from pipeline.confirm.street import Streets

OFFSETS = {("siaga.observations", 0): 17, ("siaga.observations", 5): 3}


def test_what_was_saved_is_loaded(tmp_path):
    memory = Memory(3600, 7)
    memory.always_there("a", "fire", 0.6, (0.1, 0.1, 0.2, 0.2), 1000)
    file = tmp_path / "deep" / "memory.json"
    snapshot.save(file, memory, Streets(), OFFSETS)
    other = Memory(3600, 7)
    assert snapshot.load(file, other, Streets()) == OFFSETS
    assert other.dump() == memory.dump()


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"schema": 2}', '{"schema": 1, "offsets": {"x": 1}, "places": {}}',
     '{"schema": 1, "offsets": {}, "places": {"a|fire": [{}]}}'],
)  # fmt: skip
def test_a_broken_snapshot_is_no_snapshot(tmp_path, text):
    file = tmp_path / "memory.json"
    file.write_text(text)
    memory = Memory(3600, 7)
    assert snapshot.load(file, memory, Streets()) == {}
    assert memory.count() == 0


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    snapshot.save(blocked / "memory.json", Memory(3600, 7), Streets(), OFFSETS)
    assert snapshot.load(tmp_path / "absent.json", Memory(3600, 7), Streets()) == {}
