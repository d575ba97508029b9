import pytest

from pipeline.confirm.rules import compile_rule, family, log_odds, outranks
from pipeline.ops.sections import CameraRule, KindRule, Schedule
from tests.confirm.world import camera, rulebook

JAKARTA_NOON_MS = 1_760_072_400_000  # 2025-10-10 12:00 in Jakarta


def test_a_camera_has_its_own_values_over_the_kinds():
    rule = compile_rule("fire", KindRule(), CameraRule(kind="fire", threshold=0.2, min_evidence=9))
    assert (rule.threshold, rule.min_evidence) == (0.2, 9)
    assert rule.close_threshold == 0.2, "never above the threshold"
    assert compile_rule("fire", KindRule(), CameraRule(kind="fire", close_threshold=0.1)).close_threshold == 0.1


def test_only_enabled_kinds_are_watched():
    book = rulebook([camera("a", kinds=("smoke",))])
    rules = book.of("a")
    assert rules is not None
    assert [rule.kind for rule in rules.rules] == ["smoke"]
    assert rules.disabled == ("fire",)
    assert book.of("nobody") is None


def test_cameras_of_one_place():
    assert rulebook().siblings("a") == ("a", "b")
    assert rulebook().siblings("c") == ("c",)


@pytest.mark.parametrize(
    ("start", "end", "hour", "expected"),
    [
        ("11:00", "13:00", 0, True),
        ("12:00", "13:00", 0, True),
        ("11:00", "12:00", 0, False),
        ("22:00", "05:00", 0, False),
        ("22:00", "05:00", 11, True),
        ("22:00", "05:00", 16, True),
        ("22:00", "05:00", 17, False),
        ("00:00", "00:00", 3, True),
    ],
)
def test_quiet_hours_are_local_and_may_pass_midnight(start, end, hour, expected):
    entry = Schedule(kind="smoke", cameras=("a",), start=start, end=end, reason="sate stalls")
    book = rulebook(quiet=(entry,))
    at_ms = JAKARTA_NOON_MS + hour * 3_600_000
    assert book.quiet("smoke", "a", at_ms) is expected
    assert not book.quiet("fire", "a", at_ms)
    assert not book.quiet("smoke", "b", at_ms)
    assert not rulebook().quiet("smoke", "a", at_ms)


def test_fire_and_smoke_are_one_family_and_fire_is_the_graver():
    assert family("fire") == family("smoke") != family("flood")
    assert family("brawl") == "brawl"
    assert outranks("fire", "smoke")
    assert not outranks("smoke", "fire")
    assert not outranks("fire", "fire")


def test_log_odds_stay_finite():
    assert log_odds(0.5) == 0
    assert log_odds(0) < -6
    assert log_odds(1) > 6
