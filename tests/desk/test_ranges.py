import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.desk.ranges import Span, UnsatisfiableError, parse_range


@pytest.mark.parametrize(
    ("header", "span"),
    [
        ("bytes=0-", (0, 100)),
        ("bytes=0-0", (0, 1)),
        ("bytes=10-19", (10, 20)),
        ("bytes=90-500", (90, 100)),
        ("bytes=-5", (95, 100)),
        ("bytes=-500", (0, 100)),
    ],
)
def test_ranges_that_are_served(header: str, span: tuple[int, int]) -> None:
    assert parse_range(header, 100) == Span(*span, 100)


@pytest.mark.parametrize("header", [None, "", "bytes=-", "bytes=5-2", "bytes=0-1,5-6", "chunks=1-2", "bytes=a-b", "x"])
def test_what_is_ignored_sends_the_whole(header: str | None) -> None:
    assert parse_range(header, 100) is None


@pytest.mark.parametrize(("header", "total"), [("bytes=100-", 100), ("bytes=-0", 100), ("bytes=0-", 0)])
def test_ranges_that_hold_no_byte(header: str, total: int) -> None:
    with pytest.raises(UnsatisfiableError):
        parse_range(header, total)


def test_the_answer_names_what_it_holds() -> None:
    assert Span(10, 20, 100).header == "bytes 10-19/100"


@given(st.text(max_size=60) | st.from_regex(r"\Abytes=\d{0,25}-\d{0,25}\Z"), st.integers(0, 10**12))
def test_any_header_gives_a_span_within_or_nothing(header: str, total: int) -> None:
    try:
        span = parse_range(header, total)
    except UnsatisfiableError:
        return
    assert span is None or 0 <= span.start < span.end <= total
