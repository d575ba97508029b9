"""Drift of a camera's scores, and what scores are worth."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.tune.calibration import expected_error, isotonic
from pipeline.tune.drift import LEAST, by_minute, drift, psi

SCORES = st.lists(st.floats(0, 1), min_size=1, max_size=60)


def test_a_camera_that_sees_the_same_has_not_moved_and_a_dirty_one_has() -> None:
    rng = np.random.default_rng(0)
    month, week, dirty = rng.beta(0.5, 8, 5000), rng.beta(0.5, 8, 1500), rng.beta(2, 5, 1500)
    assert drift(month, week).moved is False
    assert drift(month, dirty).moved is True
    assert drift(month, dirty[: LEAST - 1]).moved is None
    assert drift([], week).moved is None


def test_false_alarms_of_the_test_are_rare() -> None:
    rng = np.random.default_rng(1)
    said = [drift(rng.beta(1, 5, 800), rng.beta(1, 5, 400)).moved for _ in range(200)]
    assert sum(bool(one) for one in said) <= 1


@given(SCORES, SCORES)
def test_both_measures_know_no_order_and_never_fall_below_zero(one: list[float], other: list[float]) -> None:
    there, back = drift(one, other), drift(other, one)
    assert there.psi == pytest.approx(back.psi)
    assert there.distance == pytest.approx(back.distance)
    assert there.psi >= 0
    assert 0 <= there.distance <= 1
    assert 0 <= there.chance <= 1
    assert psi(np.array(one), np.array(one)) == pytest.approx(0)


def test_the_highest_of_each_minute() -> None:
    assert by_minute([(60_000, 0.2), (0, 0.1), (59_999, 0.5), (61_000, 0.1)]).tolist() == [0.5, 0.2]


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=80))
def test_the_fit_rises_and_keeps_every_case(cases: list[tuple[float, bool]]) -> None:
    steps = isotonic([score for score, _ in cases], [real for _, real in cases])
    shares = [step.share for step in steps]
    assert shares == sorted(shares)
    assert sum(step.count for step in steps) == len(cases)
    assert sum(step.share * step.count for step in steps) == pytest.approx(sum(real for _, real in cases))
    assert all(step.least <= step.share + 1e-9 and step.share <= step.most + 1e-9 for step in steps)


def test_calibrated_scores_are_worth_what_they_say() -> None:
    rng = np.random.default_rng(2)
    scores = rng.uniform(0, 1, 4000)
    honest, boastful = rng.random(4000) < scores, rng.random(4000) < scores**3
    assert expected_error(list(scores), list(honest)) < 0.05
    assert expected_error(list(scores), list(boastful)) > 0.15
    steps = isotonic(list(scores), list(boastful))
    (held,) = [step.share for step in steps if step.low <= 0.8 <= step.high]
    assert held == pytest.approx(0.8**3, abs=0.1)
    assert isotonic([], []) == []
