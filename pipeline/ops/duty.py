"""Who is on duty, when somebody else is told, and how floods of notices are held: part of the alert section."""

from typing import Annotated

from pydantic import Field

from pipeline.ops.section import Kind, Seconds, Section

LocalTime = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
TargetName = Annotated[str, Field(pattern=r"^[a-z]+:[a-z0-9_.-]{1,100}$")]
"""A target as routing names it: `channel:name`, such as `telegram:damkar-pusat`."""


class AgencyCopy(Section):
    """An agency (OPD) that gets a copy."""

    agency: str = Field(min_length=1, max_length=60, description="Its name in explanations, such as Damkar")
    kinds: tuple[Kind, ...] = Field(min_length=1, description="Kinds that concern it")
    targets: tuple[TargetName, ...] = Field(min_length=1, description="Targets of the alert section, `channel:name`")
    kelurahan: tuple[str, ...] = Field((), description="Codes or code prefixes that it serves; empty = all")


class QuietRule(Section):
    """Hours in which a kind is not sent by some channels, local time; the desk shows it all the same."""

    kind: Kind = Field(description="The kind that is not sent")
    start: LocalTime = Field(description="From, HH:MM")
    end: LocalTime = Field(description="Until, HH:MM; may lie past midnight")
    channels: tuple[str, ...] = Field((), description="Channels that stay quiet; empty = all but the desk")
    kelurahan: tuple[str, ...] = Field((), description="Codes or code prefixes; empty = all")
    reason: str = Field(min_length=1, description="Why, as explanations and counters name it")


class DutySection(Section):
    """Duty posts and rosters (docs/escalation.md)."""

    posts: str = Field("", description="CSV or YAML of duty posts, relative to this file; '' = each kelurahan's desk")
    rosters: str = Field("", description="CSV or YAML of shifts and on-call duty, relative to this file; '' = none")
    holidays: str = Field("", description="CSV or YAML of holidays (date, name), relative to this file; '' = none")
    boundaries: str = Field(
        "", description="GeoJSON of kelurahan (property `kode`), relative to this file; '' = distances to cameras"
    )
    neighbour_m: float = Field(100, ge=0, le=5000, description="An event this near to a kelurahan goes there, too; m")
    agencies: tuple[AgencyCopy, ...] = Field((), description="Agencies that get copies, by kind")
    quiet: tuple[QuietRule, ...] = Field((), description="Hours in which a kind is not sent by some channels")


class Deadlines(Section):
    """How long each level has to accept an incident."""

    post_s: Seconds = Field(90, description="The duty post; then the kecamatan is told")
    kecamatan_s: Seconds = Field(120, description="The kecamatan; then the kota is told")
    kota_s: Seconds = Field(120, description="The kota; then the city room (Jakarta Siaga 112) is told")
    city_s: Seconds = Field(300, description="The city room; then `nobody accepts` is counted")


def _default_deadlines() -> dict[Kind, Deadlines]:
    """Return the deadlines by kind: fire spreads within minutes, water rises slower."""
    return {
        "fire": Deadlines(post_s=60, kecamatan_s=60, kota_s=60, city_s=120),
        "smoke": Deadlines(),
        "flood": Deadlines(post_s=300, kecamatan_s=300, kota_s=300, city_s=600),
        "brawl": Deadlines(post_s=60, kecamatan_s=60, kota_s=60, city_s=120),
    }


class EscalationSection(Section):
    """Who is told when nobody accepts."""

    enabled: bool = Field(True, description="Tell the next level when a deadline is over")
    deadlines: dict[Kind, Deadlines] = Field(default_factory=_default_deadlines, description="Deadlines by kind")


class StormSection(Section):
    """Many incidents at one target become one digest that lists them all."""

    incidents: int = Field(20, ge=2, le=10_000, description="This many openings for one target ...")
    within_s: Seconds = Field(60, description="... within this time are a storm")
    renew_every_s: Seconds = Field(15, description="While it lasts, its digest is renewed at most this often")
    quiet_s: Seconds = Field(120, description="Nothing new for this long ends it, with a summary")
    channels: tuple[str, ...] = Field(
        ("telegram", "apprise", "webpush", "webhook"), description="Channels to which digests go; others get each one"
    )


class DrillSection(Section):
    """A weekly *latihan*: a marked incident for each post, to measure how fast it is accepted."""

    enabled: bool = Field(False, description="Hold drills by the schedule below")
    weekday: int = Field(3, ge=1, le=7, description="Day of the week, 1 = Monday")
    at: LocalTime = Field("10:00", description="Local time")
    answer_within_s: Seconds = Field(600, description="A post that accepted nothing within this time did not answer")


class KeepSection(Section):
    """How long what is done with is kept."""

    outbox_days: float = Field(90, gt=0, description="Sent and superseded outbox rows")
    timeline_days: float = Field(365, gt=0, description="Timelines of incidents that are closed and decided")
    sessions_days: float = Field(7, ge=0, description="Sign-ins after they expired")
