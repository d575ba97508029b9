"""Who is on duty at one instant: shifts over midnight, weekdays, holidays, on-call, the city's time zone."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.alert.roster import DAYS, hours_on, local_time, on_duty
from pipeline.ops.duty import Post, Shift

JAKARTA = ZoneInfo("Asia/Jakarta")
SOMEBODY = ("telegram:budi",)


def shift(name: str, start: str, end: str, *days: str, targets: tuple[str, ...] = SOMEBODY) -> dict[str, Any]:
    return {"shift": name, "start": start, "end": end, "days": days, "targets": targets}


def post(*shifts: dict[str, Any], **more: Any) -> Post:
    return Post.model_validate({"name": "posko", "roster": shifts, **more})


def names(duty: Post, at: str, *holidays: str) -> list[str]:
    """Who is on duty, by the first target of each."""
    every = on_duty(duty, datetime.fromisoformat(at), frozenset(map(date.fromisoformat, holidays)))
    return [one.targets[0] for one in every]


def three() -> Post:
    """Three shifts a day, the last one over midnight; on Sunday nights somebody else."""
    week = ("mon", "tue", "wed", "thu", "fri", "sat")
    return post(
        shift("pagi", "07:00", "15:00", targets=("telegram:pagi",)),
        shift("siang", "15:00", "23:00", targets=("telegram:siang",)),
        shift("malam", "23:00", "07:00", *week, targets=("telegram:malam",)),
        shift("malam-minggu", "23:00", "07:00", "sun", targets=("telegram:minggu",)),
    )


@pytest.mark.parametrize(
    ("at", "who"),
    [
        ("2026-11-25T06:59", "malam"), ("2026-11-25T07:00", "pagi"), ("2026-11-25T14:59:59", "pagi"),
        ("2026-11-25T15:00", "siang"), ("2026-11-25T23:00", "malam"), ("2026-11-26T00:00", "malam"),
        # 2026-11-29 is a Sunday: its night is Sunday's until Monday 07:00, and its morning still Saturday's night.
        ("2026-11-29T03:00", "malam"), ("2026-11-29T23:30", "minggu"), ("2026-11-30T06:59", "minggu"),
        ("2026-11-30T23:00", "malam"),
    ],
)  # fmt: skip
def test_a_night_belongs_to_the_day_on_which_it_begins(at: str, who: str) -> None:
    assert names(three(), at) == [f"telegram:{who}"]


def test_the_reason_names_shift_day_and_hours() -> None:
    (duty,) = on_duty(three(), datetime(2026, 11, 30, 3), frozenset())
    assert duty.reason == "shift malam-minggu of sun 2026-11-29, 23:00-07:00"
    assert not duty.on_call


def test_holidays_take_the_place_of_the_weekday() -> None:
    duty = post(
        shift("kantor", "08:00", "16:00", "mon", "tue", "wed", "thu", "fri", targets=("telegram:kantor",)),
        shift("libur", "08:00", "20:00", "holiday", targets=("telegram:libur",)),
        on_call=[{"targets": ["telegram:danru"]}],
    )
    friday = "2026-12-25"
    assert names(duty, f"{friday}T09:00") == ["telegram:kantor"]
    assert names(duty, f"{friday}T09:00", friday) == ["telegram:libur"]
    assert names(duty, f"{friday}T19:00", friday) == ["telegram:libur"]
    assert names(duty, f"{friday}T21:00", friday) == ["telegram:danru"]
    (called,) = on_duty(duty, datetime(2026, 12, 26, 9), frozenset({date(2026, 12, 25)}))
    assert (called.targets, called.reason, called.on_call) == (("telegram:danru",), "on call, no shift is on", True)


def test_where_no_shift_is_for_holidays_they_are_days_like_any_other() -> None:
    assert names(three(), "2026-12-25T09:00", "2026-12-25") == ["telegram:pagi"]


def test_on_call_by_date() -> None:
    duty = post(
        on_call=[
            {"targets": ["telegram:a"], "first": "2026-11-01", "last": "2026-11-30"},
            {"targets": ["telegram:b"], "first": "2026-12-01"},
        ]
    )
    assert names(duty, "2026-11-30T23:59") == ["telegram:a"]
    assert names(duty, "2026-12-01T00:00") == ["telegram:b"]
    assert names(duty, "2026-10-31T12:00") == []


def test_the_citys_clock_decides_not_the_machines() -> None:
    instant = int(datetime(2026, 11, 24, 23, 30, tzinfo=UTC).timestamp() * 1000)
    assert local_time(instant, JAKARTA) == datetime(2026, 11, 25, 6, 30)
    assert local_time(instant, ZoneInfo("Asia/Jayapura")) == datetime(2026, 11, 25, 8, 30)


@pytest.mark.parametrize("hour", [19 * 60, "19:00"])
def test_a_time_without_quotes_is_read_as_it_was_meant(hour: object) -> None:
    assert Shift.model_validate({"shift": "a", "start": hour, "end": 0, "targets": SOMEBODY}).start == "19:00"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (dict(shift("a", "7:00", "15:00")), "start"),
        (dict(shift("a", "07:00", "24:00")), "end"),
        (dict(shift("a", "07:00", "15:00", "monday")), "days"),
        (dict(shift("a", "07:00", "15:00", targets=())), "targets"),
    ],
)
def test_a_wrong_shift_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        post(wrong)


def test_a_post_with_nobody_is_refused() -> None:
    with pytest.raises(ValidationError, match="post posko has nobody"):
        post()


# Properties

clocks = st.integers(0, 24 * 60 - 1)
instants = st.integers(1_700_000_000_000, 1_900_000_000_000)
zones = st.sampled_from([JAKARTA, ZoneInfo("Asia/Makassar"), ZoneInfo("Asia/Jayapura"), ZoneInfo("UTC")])


def text(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


@given(st.sets(clocks, min_size=1, max_size=6), instants, zones)
def test_shifts_that_follow_one_another_cover_every_instant_exactly_once(
    changes: set[int], at_ms: int, zone: ZoneInfo
) -> None:
    starts = sorted(changes)
    ends = [*starts[1:], starts[0]]
    duty = post(*(shift(f"s{index}", text(a), text(b)) for index, (a, b) in enumerate(zip(starts, ends, strict=True))))
    (one,) = hours_on(duty.roster, local_time(at_ms, zone), frozenset())
    minute = (at_ms // 60_000 + zone.utcoffset(datetime(2026, 1, 1)).seconds // 60) % (24 * 60)  # type: ignore[union-attr]
    expected = max((index for index, start in enumerate(starts) if start <= minute), default=len(starts) - 1)
    assert one[0].shift == f"s{expected}"


days = st.sets(st.sampled_from([*DAYS, "holiday"]))
shifts = st.lists(st.tuples(clocks, clocks, days), min_size=1, max_size=5)
moments = st.datetimes(datetime(2026, 11, 20), datetime(2026, 12, 10))
dates = st.sets(st.dates(date(2026, 11, 18), date(2026, 12, 12)), max_size=8)


@given(shifts, moments, dates)
def test_on_are_exactly_the_shifts_whose_hours_hold_the_instant(
    made: list[tuple[int, int, set[str]]], at: datetime, holidays: set[date]
) -> None:
    """Against a plain model: every shift written out, day by day, as a stretch of time."""
    duty = post(*(shift(f"s{index}", text(a), text(b), *sorted(on)) for index, (a, b, on) in enumerate(made)))
    special = any("holiday" in on for _, _, on in made)
    expected: set[tuple[str, date]] = set()
    for index, (start, end, on) in enumerate(made):
        for offset in range(-2, 2):
            day = at.date() + timedelta(days=offset)
            word = "holiday" if special and day in holidays else DAYS[day.weekday()]
            begins = datetime.combine(day, datetime.min.time()) + timedelta(minutes=start)
            length = (end - start - 1) % (24 * 60) + 1
            if (not on or word in on) and begins <= at < begins + timedelta(minutes=length):
                expected.add((f"s{index}", day))
    found = hours_on(duty.roster, at, frozenset(holidays))
    assert {(one.shift, day) for one, day in found} == expected
    assert len(found) == len(expected)


@given(shifts, moments, dates)
def test_on_call_is_told_exactly_while_no_shift_is_on(
    made: list[tuple[int, int, set[str]]], at: datetime, holidays: set[date]
) -> None:
    duty = post(
        *(shift(f"s{index}", text(a), text(b), *sorted(on)) for index, (a, b, on) in enumerate(made)),
        on_call=[{"targets": ["telegram:danru"]}],
    )
    told = on_duty(duty, at, frozenset(holidays))
    assert told
    assert any(one.on_call for one in told) == (not hours_on(duty.roster, at, frozenset(holidays)))
