"""Hours, shifts and who is on duty at one instant: pure, from the roster and the city's local time."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from pipeline.ops.duty import Day, Hours, OnCall, Post

DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ONE_DAY = timedelta(days=1)
H = TypeVar("H", bound=Hours)


@dataclass(frozen=True)
class OnDuty:
    """Targets of a post at one instant; `on_call` when no shift is on; `reason` says why in one line.

    `shift` is the shift with its hours, empty where there is none.
    """

    targets: tuple[str, ...]
    reason: str
    on_call: bool = False
    shift: str = ""


def local_time(at_ms: int, zone: ZoneInfo) -> datetime:
    """Return an instant, epoch ms, as the city's clocks show it (without zone, for comparing with `HH:MM`)."""
    return datetime.fromtimestamp(at_ms / 1000, zone).replace(tzinfo=None)


def begins_on(hours: Hours, day: date, holidays: Set[date], replaced: bool) -> bool:
    """Say whether hours begin on a day.

    Args:
        hours: The hours.
        day: A date of the city.
        holidays: Dates that are holidays.
        replaced: On a holiday only `holiday` counts, not the weekday it falls on.
    """
    if not hours.days:
        return True
    if day in holidays:
        return "holiday" in hours.days or (not replaced and DAYS[day.weekday()] in hours.days)
    return DAYS[day.weekday()] in hours.days


def hours_on(every: Sequence[H], local: datetime, holidays: Set[date]) -> list[tuple[H, date]]:
    """Return the hours that cover an instant, each with the day on which it began.

    Hours cross midnight when their end is not after their start; they belong to the day on which they begin. Where
    one of them names `holiday`, on a holiday those take the place of the ones of the weekday; where none does, a
    holiday is a day like any other, so that nobody is left without a shift by a date in a list.
    """
    replaced = any("holiday" in hours.days for hours in every)
    now, today = local.strftime("%H:%M"), local.date()
    found: list[tuple[H, date]] = []
    for hours in every:
        over_midnight = hours.end <= hours.start
        if over_midnight and now < hours.end and begins_on(hours, today - ONE_DAY, holidays, replaced):
            found.append((hours, today - ONE_DAY))
        if hours.start <= now and (over_midnight or now < hours.end) and begins_on(hours, today, holidays, replaced):
            found.append((hours, today))
    return found


def on_duty(post: Post, local: datetime, holidays: Set[date]) -> list[OnDuty]:
    """Return who of a post is told at an instant, the ones of any hour first; empty when nobody is.

    Args:
        post: The post.
        local: The city's time, without zone.
        holidays: Dates that are holidays.
    """
    told: list[OnDuty] = []
    if post.targets:
        told.append(OnDuty(post.targets, "at any hour"))
    shifts = hours_on(post.roster, local, holidays)
    for shift, day in shifts:
        holiday = ", holiday" if day in holidays else ""
        reason = f"shift {shift.shift} of {DAYS[day.weekday()]} {day}{holiday}, {span(shift)}"
        told.append(OnDuty(shift.targets, reason, shift=f"{shift.shift} {span(shift)}"))
    if not shifts:
        told.extend(_called(one, local.date(), bool(post.roster)) for one in post.on_call if _holds(one, local.date()))
    return told


def span(hours: Hours) -> str:
    """Return hours as people write them: `23:00-07:00`."""
    return f"{hours.start}-{hours.end}"


def _holds(one: OnCall, today: date) -> bool:
    """Say whether somebody is on call on a date."""
    return (one.first is None or one.first <= today) and (one.last is None or today <= one.last)


def _called(one: OnCall, today: date, has_roster: bool) -> OnDuty:
    """Return who is on call, with the reason."""
    why = "no shift is on" if has_roster else f"on {today}"
    return OnDuty(one.targets, f"on call, {why}", on_call=True)
