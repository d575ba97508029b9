import json

import pytest

from pipeline.confirm.memory import PLACES, Memory

LAMP = (0.4, 0.1, 0.45, 0.2)
HOUR = 3_600_000


def watch(memory, hours, box=LAMP, score=0.6, start_ms=0, every_ms=2000):
    """See a box every two seconds for some hours; return the last answer."""
    said = False
    for ms in range(start_ms, start_ms + int(hours * HOUR), every_ms):
        said = memory.always_there("a", "fire", score, box, ms)
    return said


def test_a_lamp_is_held_back_after_hours_and_not_before():
    memory = Memory(2 * 3600, 7)
    assert not watch(memory, 1.9)
    assert watch(memory, 0.3, start_ms=int(1.9 * HOUR))


def test_the_next_night_it_is_still_known_and_after_weeks_forgotten():
    memory = Memory(3600, 7)
    watch(memory, 1.1)
    assert memory.always_there("a", "fire", 0.6, LAMP, 20 * HOUR)
    assert not memory.always_there("a", "fire", 0.6, (0.8, 0.8, 0.9, 0.9), 300 * HOUR)
    assert not memory.always_there("a", "fire", 0.6, LAMP, 300 * HOUR), "another box made room: the lamp is forgotten"


@pytest.mark.parametrize(
    ("box", "score"),
    [((0.35, 0.05, 0.5, 0.25), 0.6), (LAMP, 0.9), ((0.7, 0.7, 0.8, 0.8), 0.6)],
    ids=["grown", "brighter", "elsewhere"],
)
def test_what_is_new_speaks(box, score):
    memory = Memory(3600, 7)
    assert watch(memory, 1.1)
    assert not memory.always_there("a", "fire", score, box, 2 * HOUR)


def test_a_region_that_burns_is_never_learned():
    memory = Memory(3600, 7)
    said = []
    for i in range(5000):
        grown = 0.04 * (i % 4)
        said.append(memory.always_there("a", "fire", 0.6, (0.4 - grown / 2, 0.1, 0.5 + grown, 0.25), i * 2000))
    assert not any(said)


def test_cameras_and_kinds_are_kept_apart():
    memory = Memory(3600, 7)
    watch(memory, 1.1)
    assert not memory.always_there("b", "fire", 0.6, LAMP, 2 * HOUR)
    assert not memory.always_there("a", "smoke", 0.6, LAMP, 2 * HOUR)


def test_it_is_bounded_and_the_least_seen_goes_first():
    memory = Memory(3600, 7)
    watch(memory, 1.1)
    for i in range(200):
        x, y = (i % 14) * 0.07, (i // 14) * 0.06
        memory.always_there("a", "fire", 0.6, (x, y, x + 0.02, y + 0.02), 2 * HOUR + i)
    assert memory.count() == PLACES
    assert memory.always_there("a", "fire", 0.6, LAMP, 2 * HOUR + 1000)


def test_written_and_read_back_it_is_the_same():
    memory = Memory(3600, 7)
    watch(memory, 1.1)
    other = Memory(3600, 7)
    other.load(json.loads(json.dumps(memory.dump())))
    assert other.dump() == memory.dump()
    assert other.always_there("a", "fire", 0.6, LAMP, 2 * HOUR)


@pytest.mark.parametrize("broken", [{"a|fire": [{"box": [1, 2]}]}, {"a|fire": [{}]}, {"a|fire": [5]}, [1], {"x": 3}])
def test_something_else_is_not_read(broken):
    with pytest.raises((ValueError, TypeError, KeyError, AttributeError)):
        Memory(3600, 7).load(broken)


def test_replay_does_not_learn_twice():
    memory = Memory(3600, 7)
    watch(memory, 0.5)
    before = memory.dump()
    memory.learning = False
    watch(memory, 0.5)
    memory.always_there("a", "fire", 0.6, (0.8, 0.8, 0.9, 0.9), 0)
    assert memory.dump() == before
