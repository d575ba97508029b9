"""Flood control, part of the alert section: when many notices to one target become one digest."""

from pydantic import Field

from pipeline.ops.section import Seconds, Section


class StormSection(Section):
    """Many incidents at once to one target become a digest that lists them all; the desk is never digested."""

    incidents: int = Field(20, ge=2, description="So many for one target within `window_s` are a storm")
    window_s: Seconds = Field(60, description="The time in which they are counted")
    gather_s: Seconds = Field(10, description="A digest gathers this long before it is sent")
    every_s: Seconds = Field(30, description="The next one goes out no sooner than this after the last was sent")
    lines: int = Field(40, ge=1, le=500, description="Incidents listed in one digest; more make further parts")
