from hypothesis import given
from hypothesis import strategies as st

from pipeline.grab.rules import LATE, SamplingRules, floor_for
from pipeline.ops.sections import GrabSection


def play(
    rules: SamplingRules, packets: list[tuple[float, bool]], active: bool = False
) -> list[tuple[float, str, bool]]:
    """Run packets (second, key) through the rules as a decoder without delay would; what was emitted."""
    out = []
    for t, key in packets:
        rules.see(t, key)
        due = rules.due(t, key, active)
        if due is not None:
            assert due.from_s <= t + 1e-9
            rules.emitted(t, due.cause)
            out.append((t, due.cause, key))
    return out


def stream(seconds: float, fps: float, key_every: int) -> list[tuple[float, bool]]:
    return [(i / fps, i % key_every == 0) for i in range(int(seconds * fps))]


def test_keyframes_alone_serve_where_they_are_frequent_enough() -> None:
    for key_every in (25, 12, 5, 1, 27):
        rules = SamplingRules.of(GrabSection(floor_fps=1))
        out = play(rules, stream(20, 25, key_every))
        assert all(key for t, _, key in out if t > 1.2), key_every
        assert len(out) >= 18
        assert not rules.full_decode


def test_rare_keyframes_mean_full_decoding_at_the_floor_rate() -> None:
    rules = SamplingRules.of(GrabSection(floor_fps=1))
    out = play(rules, stream(20, 25, 50))
    assert rules.full_decode
    assert len(out) == 20


def test_activity_comes_on_top_and_floor_keeps_its_rate() -> None:
    rules = SamplingRules.of(GrabSection(floor_fps=1, activity_fps=4))
    out = play(rules, stream(20, 25, 25), active=True)
    assert 18 <= sum(cause == "floor" for _, cause, _ in out) <= 21
    assert 70 <= len(out) <= 82


def test_nothing_before_the_first_keyframe() -> None:
    rules = SamplingRules.of(GrabSection())
    assert play(rules, [(i / 25, False) for i in range(100)]) == []


def test_a_stream_that_begins_anew_is_sampled_at_once() -> None:
    rules = SamplingRules.of(GrabSection())
    play(rules, stream(20, 25, 25))
    assert play(rules, stream(3, 25, 25))[0][0] == 0


@given(
    st.lists(st.tuples(st.floats(0.01, 0.5), st.booleans()), min_size=1, max_size=300),
    st.floats(0.2, 5),
    st.lists(st.booleans(), min_size=1, max_size=7),
)
def test_the_floor_is_never_gated(steps: list[tuple[float, bool]], floor: float, actives: list[bool]) -> None:
    rules = SamplingRules.of(GrabSection(floor_fps=floor, activity_fps=max(2.0, floor)))
    t, last_floor, last_any, widest = 0.0, 0.0, -1.0, 0.0
    rules.see(0.0, True)
    assert rules.due(0.0, True, False) is not None
    rules.emitted(0.0, "floor")
    for index, (step, key) in enumerate(steps):
        t, widest = t + step, max(widest, step)
        rules.see(t, key)
        due = rules.due(t, key, actives[index % len(actives)])
        if due is not None:
            rules.emitted(t, due.cause)
            assert t > last_any
            last_any = t
            if due.cause == "floor":
                assert t - last_floor >= 0.5 / floor - 0.01
                last_floor = t
        assert t - last_floor <= LATE / floor + widest + 0.01


def test_the_floor_is_the_highest_that_a_cameras_kinds_ask_for() -> None:
    grab = GrabSection(floor_fps=1, floors={"flood": 0.2, "brawl": 2})
    assert floor_for(("flood",), grab).floor_fps == 0.2
    assert floor_for(("fire", "flood"), grab).floor_fps == 1
    assert floor_for(("brawl", "flood"), grab).floor_fps == 2
    assert floor_for((), grab) == grab
    rules = SamplingRules.of(floor_for(("flood",), grab))
    assert [t for t, _, _ in play(rules, stream(11, 5, 5))] == [0, 5, 10]
