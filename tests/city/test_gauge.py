"""The line along a gauge: read from its cell, its heights and alert levels, and what is wrong with a cell in words."""

import json

import pytest

from pipeline.city.gauge import LevelLine, parse
from pipeline.city.rows import RowError

GOOD = {"bottom": [0.5, 0.9, 500], "top": [0.5, 0.4, 1000], "siaga": [950, 850, 750]}


def test_a_line_and_back() -> None:
    line = parse(json.dumps(GOOD))
    assert line == LevelLine((0.5, 0.9, 500), (0.5, 0.4, 1000), (950, 850, 750))
    assert parse(line.cell()) == line
    assert parse("") is None
    assert line.height(0.5) == 750
    assert line.point(1.0) == pytest.approx((0.5, 0.4))


@pytest.mark.parametrize(("cm", "siaga"), [(1000, 1), (950, 1), (949, 2), (850, 2), (800, 3), (749, 4), (0, 4)])
def test_siaga(cm: float, siaga: int) -> None:
    line = parse(json.dumps(GOOD))
    assert line is not None
    assert line.grade(cm) == siaga


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"bottom": [0.5, 0.9]}, "need x, y and cm"),
        ({"bottom": [0.5, 1.9, 500]}, "within 0..1"),
        ({"top": [0.5, 0.4, 100]}, "top must lie higher"),
        ({"top": [0.5, 0.9, 1000]}, "at another place"),
        ({"siaga": [750, 850, 950]}, "must fall"),
        ({"siaga": "high"}, "not JSON like"),
        ({"bottom": None}, "not JSON like"),
    ],
)
def test_what_is_wrong_is_said(change: dict[str, object], said: str) -> None:
    with pytest.raises(RowError, match=said):
        parse(json.dumps({**GOOD, **change}))
    with pytest.raises(RowError, match="not JSON like"):
        parse("{")
