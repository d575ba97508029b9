"""Agencies that get copies, and how long people may take: part of the alert section."""

from typing import Annotated

from pydantic import Field

from pipeline.ops.section import Kind, Seconds, Section

TargetName = Annotated[str, Field(pattern=r"^[a-z]+:[a-z0-9_.-]{1,100}$")]
"""A target as routing names it: `channel:name`, such as `telegram:damkar-pusat`."""


class AgencyCopy(Section):
    """An agency (OPD) that gets a copy."""

    agency: str = Field(min_length=1, max_length=60, description="Its name in explanations, such as Damkar")
    kinds: tuple[Kind, ...] = Field(min_length=1, description="Kinds that concern it")
    targets: tuple[TargetName, ...] = Field(min_length=1, description="Targets of the alert section, `channel:name`")
    kelurahan: tuple[str, ...] = Field((), description="Codes or code prefixes that it serves; empty = all")


class DutySection(Section):
    """Whom an incident concerns beside the duty post."""

    agencies: tuple[AgencyCopy, ...] = Field((), description="Agencies that get copies, by kind")


class Deadlines(Section):
    """How long each level has to accept an incident; then it counts as overdue there."""

    post_s: Seconds = Field(90, description="The duty post")
    kecamatan_s: Seconds = Field(120, description="Then the kecamatan")
    kota_s: Seconds = Field(120, description="Then the kota")
    city_s: Seconds = Field(300, description="Then the city room (Jakarta Siaga 112)")


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
