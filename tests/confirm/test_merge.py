from pipeline.confirm.machine import new_city, tick
from pipeline.confirm.merge import KEPT_MS
from tests.confirm.world import T0, fire, quiet, rulebook, run


def test_closed_events_are_forgotten_when_nothing_can_belong_to_them():
    city = new_city(rulebook())
    run([*fire(0, 5), *quiet(5, 60), *fire(65, 5, camera="c"), *quiet(70, 60, camera="c")], city)
    assert len(city.board) == len(list(city.board)) == 2
    tick(city, T0 + KEPT_MS)
    assert len(city.board) == 2
    later_s = 2 * KEPT_MS / 1000
    run(fire(later_s, 5), city)
    tick(city, T0 + int(later_s * 1000))
    assert len(city.board) == 1
    assert list(city.board.of("c")) == []
    assert [event.closed_ms for event in city.board.of("a")] == [None]


def test_an_own_event_goes_before_a_neighbours():
    city = new_city(rulebook(merge_window_s=5))
    run([*fire(0, 20, camera="a")], city)
    run([*fire(40, 20, camera="b")], city)
    found = city.board.find("b", ("b", "a"), "fire", T0 + 61_000, T0 + 62_000, 120_000)
    assert found is not None
    assert found.camera == "b"
    assert city.board.find("b", ("b", "a"), "flood", T0 + 61_000, T0 + 62_000, 120_000) is None
