"""Drills, and how long old rows are kept: part of the alert section."""

from typing import Literal

from pydantic import Field

from pipeline.ops.alert_targets import Area
from pipeline.ops.duty import Clock
from pipeline.ops.section import Seconds, Section

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class DrillSection(Section):
    """The weekly drill (latihan): every post in its area is told of a marked exercise and accepts it at its desk."""

    enabled: bool = Field(False, description="Hold the drill")
    weekday: Weekday = Field("thursday", description="The day, in the city's time zone")
    time: Clock = Field("10:00", description="When, HH:MM")
    kelurahan: tuple[Area, ...] = Field((), description="Codes or code prefixes that take part; empty = all")
    answer_s: Seconds = Field(600, description="A post that has not accepted after this long did not answer")
    everybody: bool = Field(
        False, description="Also tell agencies and whoever hears of every incident; false = the post and its desk"
    )


class KeepSection(Section):
    """How long rows of incidents that are over are kept; nothing of an open incident ever goes."""

    outbox_days: int = Field(90, ge=31, le=3650, description="Notices that were sent, replaced or given up")
    timeline_days: int = Field(1095, ge=31, le=36_500, description="Timelines of incidents")
