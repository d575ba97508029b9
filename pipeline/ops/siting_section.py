"""The section of `siaga.yaml` for the study of where the next cameras go."""

from pydantic import Field

from pipeline.ops.section import Section, Share


class SiteType(Section):
    """A way to put a camera up: what it costs and how far it sees."""

    cost: int = Field(gt=0, description="Price of one site of this type, whole rupiah")
    range_m: float = Field(60, gt=0, le=1000, description="How far the camera sees, m")
    angle: float = Field(360, gt=0, le=360, description="Width of its view, degrees; 360 = all around")


class SitingWeights(Section):
    """How much each kind of need counts; the plan shows what changes when these change."""

    request: float = Field(1.0, ge=0, description="One request of priority 3 (priority 1 a third, 5 five thirds)")
    hotspot: float = Field(0.2, ge=0, description="One hotspot of today, of weight 1")
    incident: float = Field(0.2, ge=0, description="One incident of today that Siaga raised, not a false alarm")
    half_life_days: float = Field(365, gt=0, description="A hotspot or incident this old counts half")
    shrink: float = Field(
        5, gt=0, description="Hotspots that a kelurahan must have before its own rate of incidents outweighs the city's"
    )
    categories: dict[str, float] = Field(
        default_factory=dict, description="Factor by category, like rawan_banjir: 2; 1 when left out"
    )
    sources: dict[str, float] = Field(
        default_factory=dict, description="Factor by hotspot source, like '112': 0.5; 1 when left out"
    )


def _types() -> dict[str, SiteType]:
    """Return the site types with round example prices; a city puts its own here."""
    return {
        "tiang_ada": SiteType(cost=25_000_000),
        "gedung": SiteType(cost=30_000_000),
        "tiang_baru": SiteType(cost=45_000_000),
    }


class SitingSection(Section):
    """Where the next cameras go."""

    range_m: float = Field(60, gt=0, le=1000, description="How far a camera sees whose registry row does not say, m")
    new_availability: Share = Field(0.95, description="Share of the time that a new camera is expected to be live")
    window_days: float = Field(28, gt=0, description="Availability is taken from the log of this many days")
    worth_days: float = Field(90, gt=0, description="A camera without a true verdict for this long may be moved")
    merge_radius_m: float = Field(50, gt=0, description="Requests of one category within this distance may be one")
    outside_m: float = Field(
        4000, gt=0, description="Without boundaries: farther than this from every kelurahan's centroid is outside, m"
    )
    blind_below: Share = Field(0.1, description="A kelurahan of whose need less than this share is seen is blind")
    overlap_from: Share = Field(0.5, description="Two cameras that share this much of the smaller view overlap")
    move_cost: int = Field(10_000_000, ge=0, description="Price of moving an existing camera, whole rupiah")
    grid_m: float = Field(250, gt=0, description="Spacing of candidates on a grid, m")
    site_types: dict[str, SiteType] = Field(
        default_factory=_types, description="Site types by name; these prices are examples, put your own"
    )
    default_type: str = Field("tiang_ada", description="Type of a candidate that names none")
    weights: SitingWeights = Field(SitingWeights(), description="How much each kind of need counts")
    time_limit_s: float = Field(540, gt=0, description="The exact solver stops after this long")
    gap: Share = Field(0, description="The exact solver stops when it is this near to the best; 0 = proven best")
