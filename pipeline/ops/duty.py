"""Who is on duty, who gets copies, when nobody is disturbed, and how long people may take: of the alert section."""

import datetime
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from pipeline.ops.alert_targets import Area
from pipeline.ops.section import Kind, Seconds, Section

TargetName = Annotated[str, Field(pattern=r"^[a-z]+:[a-z0-9_.-]{1,100}$")]
"""A target as routing names it: `channel:name`, such as `telegram:damkar-pusat`."""
Name = Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,40}$")]


def _unquoted(value: object) -> object:
    """Undo what YAML makes of a time without quotes: `19:00` is read as 1140."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 24 * 60:
        return f"{value // 60:02d}:{value % 60:02d}"
    return value


Clock = Annotated[str, BeforeValidator(_unquoted), Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
"""A time of day in the city's zone, `HH:MM`."""
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday"]
Level = Literal["post", "kecamatan", "kota", "city"]
"""Who should accept: the duty post, then the kecamatan, the kota, the city room (Jakarta Siaga 112)."""

AGENCY_NAMES: Mapping[str, str] = {
    "damkar": "Damkar",
    "bpbd": "BPBD",
    "sda": "Dinas SDA",
    "satpol": "Satpol PP",
    "polisi": "Polisi",
    "dishub": "Dishub",
}
"""The agencies (OPD) that Siaga knows, by the key that the desk forwards to."""
CONCERNED: Mapping[Kind, tuple[str, ...]] = {
    "fire": ("damkar",),
    "smoke": ("damkar",),
    "flood": ("sda", "bpbd"),
    "brawl": ("satpol", "polisi"),
}
"""The agencies that each kind concerns. Siaga knows no address of theirs: `agencies` gives them."""
FIRE_CONFIRMED = "fire-may-go-unheard"


def agency_key(name: str) -> str:
    """Return the key of an agency by its key or name, whatever the case; another one is its own key."""
    plain = name.strip().casefold()
    return next((key for key, known in AGENCY_NAMES.items() if plain in (key, known.casefold())), plain)


class AgencyCopy(Section):
    """An agency (OPD) that gets a copy."""

    agency: str = Field(min_length=1, max_length=60, description="Its key or name, such as damkar or Damkar")
    kinds: tuple[Kind, ...] = Field(min_length=1, description="Kinds that concern it")
    targets: tuple[TargetName, ...] = Field(min_length=1, description="Targets of the alert section, `channel:name`")
    kelurahan: tuple[str, ...] = Field((), description="Codes or code prefixes that it serves; empty = all")
    automatic: bool = Field(True, description="Told when an incident opens; false = only when an officer forwards it")


class Hours(Section):
    """Hours on certain days, in the city's time zone; `end` before or at `start` lies on the next day."""

    days: tuple[Day, ...] = Field((), description="Days on which they begin; empty = every day, holidays too")
    start: Clock = Field(description="From, HH:MM")
    end: Clock = Field(description="Until, HH:MM, not included; at or before `start` = on the next day")


class Shift(Hours):
    """One shift of a roster."""

    shift: Name = Field(description="Its name in explanations, such as pagi")
    targets: tuple[TargetName, ...] = Field(min_length=1, description="Who is on duty, `channel:name`")


class OnCall(Section):
    """Who is called while no shift of the roster is on."""

    targets: tuple[TargetName, ...] = Field(min_length=1, description="Who is called, `channel:name`")
    first: datetime.date | None = Field(None, description="From this date; null = since ever")
    last: datetime.date | None = Field(None, description="Up to and with this date; null = for ever")


class Post(Section):
    """A duty post (posko): which incidents it hears of, and who is there when."""

    name: Name = Field(description="Its name in explanations, such as posko-gambir")
    kelurahan: tuple[Area, ...] = Field((), description="Codes or code prefixes that it serves; empty = all")
    kinds: tuple[Kind, ...] = Field((), description="Kinds it hears of; empty = all")
    categories: tuple[str, ...] = Field((), description="Only cameras of one of these categories; empty = all")
    targets: tuple[TargetName, ...] = Field((), description="Told at any hour, `channel:name`")
    roster: tuple[Shift, ...] = Field((), description="Shifts; a day called holiday takes the place of the weekday")
    on_call: tuple[OnCall, ...] = Field((), description="Told while no shift is on")

    @model_validator(mode="after")
    def _has_somebody(self) -> "Post":
        if not (self.targets or self.roster or self.on_call):
            raise ValueError(f"post {self.name} has nobody: give targets, a roster or on_call")
        return self


class QuietRule(Hours):
    """Hours in which a kind disturbs nobody; the desk still shows it, and each silence is counted."""

    name: Name = Field(description="Its name in explanations")
    kinds: tuple[Kind, ...] = Field(min_length=1, description="Kinds that are kept quiet")
    kelurahan: tuple[Area, ...] = Field((), description="Codes or code prefixes; empty = all")
    categories: tuple[str, ...] = Field((), description="Only cameras of one of these categories; empty = all")
    targets: tuple[TargetName, ...] = Field((), description="Only these targets, `channel:name`; empty = all")
    reason: str = Field(min_length=1, max_length=120, description="Why, in one line")
    confirm: Literal["", "fire-may-go-unheard"] = Field("", description="Needed for a rule that keeps fire quiet")

    @model_validator(mode="after")
    def _fire_is_confirmed(self) -> "QuietRule":
        if "fire" in self.kinds and self.confirm != FIRE_CONFIRMED:
            raise ValueError(
                f"quiet rule {self.name} keeps fire quiet; if that is meant, add confirm: {FIRE_CONFIRMED}"
            )
        return self


class NeighbourSection(Section):
    """Incidents near a boundary are told on both sides."""

    within_m: float = Field(50, ge=0, le=5000, description="This near to another kelurahan it is told too; 0 = never")
    boundaries: str = Field(
        "", description="GeoJSON of kelurahan, as alert.cap.boundaries; '' = that one, else halfway between centroids"
    )


class DutySection(Section):
    """Who is told of an incident beside the desk."""

    require_post: bool = Field(
        True, description="A kelurahan with cameras that nobody serves (no account, target or post) stops the start"
    )
    posts: tuple[Post, ...] = Field((), description="Duty posts with their rosters")
    holidays: tuple[datetime.date, ...] = Field((), description="Dates (YYYY-MM-DD) that rosters call holiday")
    quiet: tuple[QuietRule, ...] = Field((), description="Hours in which a kind disturbs nobody")
    agencies: tuple[AgencyCopy, ...] = Field((), description="Agencies that get copies, by kind")
    neighbours: NeighbourSection = Field(
        NeighbourSection(), description="Incidents near a boundary are told on both sides"
    )

    @model_validator(mode="after")
    def _names_differ(self) -> "DutySection":
        for what, names in (("post", [post.name for post in self.posts]), ("rule", [rule.name for rule in self.quiet])):
            twice = next((name for name in names if names.count(name) > 1), None)
            if twice is not None:
                raise ValueError(f"the {what} {twice} stands twice")
        return self


class Deadlines(Section):
    """How long each level has to accept an incident; then it counts as overdue there."""

    post_s: Seconds = Field(90, description="The duty post")
    kecamatan_s: Seconds = Field(120, description="Then the kecamatan")
    kota_s: Seconds = Field(120, description="Then the kota")
    city_s: Seconds = Field(300, description="Then the city room (Jakarta Siaga 112)")


class LevelTargets(Section):
    """Who is told at each level beside its desk; a target's own `kelurahan` and `kinds` narrow it down."""

    kecamatan: tuple[TargetName, ...] = Field((), description="When the post did not accept in time")
    kota: tuple[TargetName, ...] = Field((), description="When the kecamatan did not either")
    city: tuple[TargetName, ...] = Field((), description="When the kota did not: the city room")


def _default_deadlines() -> dict[Kind, Deadlines]:
    """Return the deadlines by kind: fire spreads within minutes, water rises slower."""
    return {
        "fire": Deadlines(post_s=60, kecamatan_s=60, kota_s=60, city_s=120),
        "smoke": Deadlines(),
        "flood": Deadlines(post_s=300, kecamatan_s=300, kota_s=300, city_s=600),
        "brawl": Deadlines(post_s=60, kecamatan_s=60, kota_s=60, city_s=120),
    }


class EscalationSection(Section):
    """When nobody accepts: overdue incidents are counted by level, and the Prometheus rules call people."""

    deadlines: dict[Kind, Deadlines] = Field(default_factory=_default_deadlines, description="Deadlines by kind")
    targets: LevelTargets = Field(
        LevelTargets(), description="Who is told at each level beside its desk; their own `kelurahan` and `kinds` hold"
    )
