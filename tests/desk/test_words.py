from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.desk.words import AGENCIES, clock_text, decimal, is_night, running, sureness
from pipeline.ops.duty import AGENCY_NAMES, agency_key

JAKARTA = ZoneInfo("Asia/Jakarta")
NOON = 1_795_500_000_000  # 2026-11-24 13:00 in Jakarta


@pytest.mark.parametrize(
    ("ms", "text"),
    [(-5, "0:00"), (41_900, "0:41"), (725_000, "12:05"), (3_750_000, "1:02:30"), (86_400_000, "24:00:00")],
)
def test_time_runs_like_a_stop_watch(ms: int, text: str) -> None:
    assert running(ms) == text


@pytest.mark.parametrize(
    ("score", "witnesses", "word"),
    [
        (0.5, 1, "rendah"),
        (0.66, 1, "sedang"),
        (0.9, 1, "tinggi"),
        (0.5, 2, "sedang"),
        (0.66, 3, "tinggi"),
        (1.0, 5, "tinggi"),
    ],
)
def test_how_sure_in_a_word(score: float, witnesses: int, word: str) -> None:
    assert sureness(score, 0.5, witnesses) == word


@given(st.floats(0, 1), st.floats(0, 1), st.integers(1, 9))
def test_a_higher_score_is_never_less_sure(score: float, threshold: float, witnesses: int) -> None:
    order = ["rendah", "sedang", "tinggi"]
    low, high = sureness(score, threshold, witnesses), sureness(min(1, score + 0.1), threshold, witnesses)
    assert order.index(low) <= order.index(high)


def test_times_are_the_citys_and_carry_the_date_when_it_is_another_day() -> None:
    assert clock_text(NOON, JAKARTA, NOON) == "13:00"
    assert clock_text(NOON, JAKARTA, NOON, seconds=True) == "13:00:00"
    assert clock_text(NOON - 86_400_000, JAKARTA, NOON) == "23-11-2026 13:00"


def test_night_is_from_six_to_six() -> None:
    assert not is_night(NOON, JAKARTA)
    assert is_night(NOON + 5 * 3_600_000, JAKARTA)
    assert is_night(NOON - 8 * 3_600_000, JAKARTA)


def test_numbers_are_written_as_the_language_does() -> None:
    assert decimal(3.14, "id") == "3,1"
    assert decimal(3.14, "en", 2) == "3.14"


def test_the_desk_and_routing_know_the_same_agencies() -> None:
    assert AGENCIES == AGENCY_NAMES
    assert all(agency_key(name) == key for key, name in AGENCIES.items())
