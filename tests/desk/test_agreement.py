"""Cohen's kappa against examples worked out by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.desk.agreement import Agreement, agreements, cohen_kappa


def table(yes_yes: int, yes_no: int, no_yes: int, no_no: int) -> list[tuple[str, str]]:
    words = [("true", "true"), ("true", "false"), ("false", "true"), ("false", "false")]
    return [pair for pair, n in zip(words, (yes_yes, yes_no, no_yes, no_no), strict=True) for _ in range(n)]


@pytest.mark.parametrize(
    ("verdicts", "kappa"),
    [
        # 50 grant applications: observed 35/50 = .7; expected .5*.6 + .5*.4 = .5; (.7-.5)/.5
        (table(20, 5, 10, 15), 0.4),
        # same observed .6; expected .7*.6+.3*.4 = .54 -> .06/.46; and .7*.3+.3*.7 -> expected .46: .14/.54
        (table(45, 15, 25, 15), (0.6 - 0.54) / (1 - 0.54)),
        (table(25, 35, 5, 35), (0.6 - 0.46) / (1 - 0.46)),
        (table(5, 0, 0, 5), 1.0),
        (table(0, 5, 5, 0), -1.0),
        (table(25, 25, 25, 25), 0.0),
    ],
)
def test_by_hand(verdicts: list[tuple[str, str]], kappa: float) -> None:
    assert cohen_kappa(verdicts) == pytest.approx(kappa)


def test_three_words_by_hand() -> None:
    # agree on 2 true, 1 false, 1 unsure of 6; one: 3/2/1, other: 2/2/2 -> expected (6+4+2)/36 = 1/3; (2/3-1/3)/(2/3)
    verdicts = [("true", "true")] * 2 + [("false", "false"), ("unsure", "unsure"), ("true", "false")]
    verdicts += [("false", "unsure")]
    assert cohen_kappa(verdicts) == pytest.approx(0.5)


def test_not_defined() -> None:
    assert cohen_kappa([]) is None
    assert cohen_kappa([("true", "true")] * 7) is None


@given(st.lists(st.tuples(st.sampled_from("tfu"), st.sampled_from("tfu")), min_size=1))
def test_bounds_and_symmetry(verdicts: list[tuple[str, str]]) -> None:
    kappa = cohen_kappa(verdicts)
    turned = cohen_kappa([(b, a) for a, b in verdicts])
    assert (kappa is None) == (turned is None)
    if kappa is not None and turned is not None:
        assert -1 - 1e-9 <= kappa <= 1 + 1e-9
        assert kappa == pytest.approx(turned)


def test_people_are_matched_whoever_was_first() -> None:
    found = agreements([("a", "true", "b", "false"), ("b", "true", "a", "true"), ("a", "true", "c", "true")])
    assert [(item.one, item.other, item.n, item.same) for item in found] == [("a", "b", 2, 0.5), ("a", "c", 1, 1.0)]


def test_words() -> None:
    words = [Agreement("a", "b", 9, 0.5, kappa).word for kappa in (None, -0.3, 0.1, 0.5, 0.61, 0.95, 1.0)]
    assert words == ["", "lemah", "lemah", "sedang", "kuat", "hampir sempurna", "hampir sempurna"]
