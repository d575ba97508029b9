import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.desk.areas import scope, sees, valid_area

CODES = st.from_regex(r"\A\d\d\.\d\d\.\d\d\.\d{4}\Z")


@pytest.mark.parametrize("area", ["*", "31", "31.71", "31.71.01", "31.71.01.1001"])
def test_areas_of_every_level_are_valid(area: str) -> None:
    assert valid_area(area)


@pytest.mark.parametrize("area", ["", "31.", "3171", "31.71.01.10", "**", "31.71.01.1001.1", "31.71\n", "%"])
def test_what_is_no_area_is_refused(area: str) -> None:
    assert not valid_area(area)


def test_codes_are_compared_part_by_part() -> None:
    assert sees(["31.71.01"], "31.71.01.1001")
    assert not sees(["31.71.01"], "31.71.02.1001")
    assert not sees(["31.7"], "31.71.01.1001")
    assert not sees([], "31.71.01.1001")


@given(CODES)
def test_each_prefix_of_a_code_sees_it_and_so_does_the_city(code: str) -> None:
    parts = code.split(".")
    assert all(sees([".".join(parts[:size])], code) for size in range(1, 5))
    assert sees(["*"], code)


def test_the_city_is_no_condition_and_no_area_is_no_row() -> None:
    assert scope(["31.71", "*"]) is None
    assert scope([]) == []
