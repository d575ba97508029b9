"""The sections of `siaga.yaml` for clip review and for the public view."""

from pydantic import Field

from pipeline.ops.section import Seconds, Section, Share


class ReviewSection(Section):
    """Satpol PP's review of clips."""

    lease_s: Seconds = Field(120, description="A clip on somebody's screen is shown to nobody else for this long")
    double_every: int = Field(
        10, ge=0, description="Every n-th clip is read by two people, to measure their agreement; 0 = none"
    )


class PublicSection(Section):
    """The view for citizens, without sign-in, at `/publik`."""

    enabled: bool = Field(False, description="Serve the public view; cameras must be marked public one by one")
    every_s: Seconds = Field(15, description="The page is made anew this often, however many read it")
    picture_every_s: Seconds = Field(60, description="A camera's picture changes this often at most")
    delay_s: Seconds = Field(60, description="Pictures are at least this old; less than bus.frames_retention_s")
    stale_after_s: Seconds = Field(240, description="A picture older than this says that it is old")
    gone_after_s: Seconds = Field(900, description="A picture, or a page, older than this is not shown any more")
    enlarge: Share = Field(0.35, description="Boxes of people are blurred with this share of their size around them")
    longest_side: int = Field(
        320, ge=64, le=1280, description="Longest side of public pictures, px; small, for people whom the model misses"
    )
    confirmed_after_s: float = Field(
        30, ge=30, description="An incident is shown this long after an officer confirmed it: undo takes 30 s"
    )
    ended_for_s: Seconds = Field(7200, description="An incident that was dealt with is shown for this long")
