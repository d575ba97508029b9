"""Keys of the desk's sign-in."""

from pydantic import Field

from pipeline.ops.section import Section


class DeskAccess(Section):
    """What the desk's section holds on signing in."""

    session_idle_minutes: float = Field(60, gt=0, description="A sign-in with no page open for this long is over")
