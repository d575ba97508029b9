import pytest

from pipeline.bus.records import FrameRef
from pipeline.confirm.evidence import NOTHING, Sight, assess
from pipeline.confirm.rules import compile_rule, log_odds
from pipeline.ops.sections import KindRule

BOX = (0.4, 0.4, 0.5, 0.5)
FAR = (0.8, 0.8, 0.9, 0.9)
RULE = compile_rule("fire", KindRule(threshold=0.5, min_evidence=2.0))


def sight(ms, score, box=BOX):
    boxes = ((score, box),) if score >= RULE.threshold else ()
    return Sight(ms, score, boxes, f"t{ms}", FrameRef(partition=0, offset=ms))


def window(*scores, every_ms=1000, box=BOX):
    return [sight(i * every_ms, score, box) for i, score in enumerate(scores)]


def test_three_agreeing_seconds_are_enough():
    verdict = assess(window(0.7, 0.7, 0.7), RULE)
    assert verdict.enough
    assert (verdict.frames, verdict.span_ms, verdict.first_ms) == (3, 2000, 0)
    assert verdict.evidence == pytest.approx(3 * log_odds(0.7))


@pytest.mark.parametrize(
    ("sights", "reason"),
    [
        ([], "nothing_seen"),
        (window(0.9, 0.9, 0.1), "nothing_seen"),
        (window(0.8), "too_few_frames"),
        (window(0.8, 0.8), "too_few_frames"),
        (window(0.55, 0.55, 0.55), "weak_evidence"),
        (window(0.7, 0.7, 0.7, 0.7, every_ms=300), "too_short"),
        (window(0.7, 0.1, 0.1, 0.7, 0.1, 0.1, 0.7), "not_persistent"),
        ([sight(0, 0.8, FAR), sight(1000, 0.8, BOX), sight(2000, 0.8, FAR), sight(3000, 0.8, BOX)], "too_few_frames"),
        ([sight(0, 0.8, FAR), sight(1000, 0.8, (0.1, 0.1, 0.2, 0.2)), sight(2000, 0.8, BOX)], "scattered"),
    ],
)
def test_what_is_not_enough_says_why(sights, reason):
    verdict = assess(sights, RULE)
    assert not verdict.enough
    assert verdict.reason == reason or (
        reason == "too_few_frames" and verdict.reason in ("scattered", "not_persistent")
    )


def test_overwhelming_evidence_needs_two_frames_a_second_apart():
    assert assess(window(0.98, 0.98), RULE).enough
    assert not assess(window(0.98, 0.98, every_ms=400), RULE).enough


def test_a_burst_of_one_second_says_little_more_than_its_first_frame():
    burst = window(*[0.7] * 10, every_ms=100)
    apart = window(*[0.7] * 10, every_ms=1000)
    assert not assess(burst, RULE).enough
    assert assess(burst, RULE).evidence < 3 * log_odds(0.7) + 1e-9
    assert assess(apart, RULE).evidence > 3 * assess(burst, RULE).evidence / 1.5


def test_a_very_strong_burst_opens_after_a_second():
    assert assess(window(*[0.97] * 11, every_ms=100), RULE).enough


def test_evidence_older_than_the_window_is_forgotten():
    old = [sight(0, 0.9), sight(1000, 0.9)]
    assert not assess([*old, sight(60_000, 0.9)], RULE).enough


def test_a_second_box_elsewhere_does_not_hide_the_first():
    sights = [
        Sight(i * 1000, 0.9, ((0.9, FAR if i == 2 else BOX), (0.8, BOX)), "t", FrameRef(partition=0, offset=i))
        for i in range(3)
    ]
    assert assess(sights, RULE).enough


def test_a_moving_thing_is_followed():
    sights = [sight(i * 1000, 0.8, (0.1 + 0.06 * i, 0.4, 0.2 + 0.06 * i, 0.5)) for i in range(6)]
    assert assess(sights, RULE).frames == 6


def test_first_seen_is_the_first_frame_of_the_longest_stretch():
    verdict = assess(window(0.1, 0.7, 0.7, 0.7, 0.7), RULE)
    assert verdict.first_ms == 1000
    assert NOTHING.enough is False
