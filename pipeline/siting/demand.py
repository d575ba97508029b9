"""What the city needs: requests, hotspots and incidents as weighted points; incidents corrected for where cameras are.

The formulas are in docs/siting.md.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from pipeline.ops.siting_section import SitingWeights
from pipeline.siting.merging import duplicates
from pipeline.siting.views import Floats, Ints, Plane

SpotKind = Literal["request", "hotspot", "incident"]
KIND_CATEGORY = {
    "fire": "rawan_kebakaran", "smoke": "rawan_kebakaran", "flood": "rawan_banjir", "brawl": "rawan_tawuran"
}  # fmt: skip
"""What an incident says about a place."""
DAY_MS = 86_400_000
MOST_OVER_CITY = 4.0
"""A kelurahan's own rate of incidents counts up to so many times the city's: a rate from few hotspots is uncertain."""
USUAL_PRIORITY = 3


@dataclass(frozen=True)
class Spot:
    """One point of need. `hour` (local, 0..23) is None where only the day is known; `at_ms` None for a request.

    `weight` is the priority of a request, the weight of a hotspot, 1 for an incident.
    """

    kind: SpotKind
    ref: str
    source: str
    category: str
    lat: float
    lng: float
    kelurahan: str
    weight: float
    at_ms: int | None = None
    hour: int | None = None


@dataclass(frozen=True)
class Demand:
    """All points of need on a plane of metres."""

    spots: tuple[Spot, ...]
    plane: Plane

    @cached_property
    def place(self) -> tuple[Floats, Floats]:
        """East and north of the points, m."""
        return self.plane.metres([spot.lat for spot in self.spots], [spot.lng for spot in self.spots])

    @cached_property
    def hours(self) -> Ints:
        """Hour of the day of each point, -1 where it is not known."""
        return np.array([-1 if spot.hour is None else spot.hour for spot in self.spots], np.int64)

    def of(self, kind: SpotKind) -> Ints:
        """Return the numbers of the points of a kind."""
        return np.flatnonzero([spot.kind == kind for spot in self.spots])

    def __len__(self) -> int:
        return len(self.spots)


@dataclass(frozen=True)
class Weighted:
    """Weights of the points in needs; `rates` are incidents per seen hotspot by category and kelurahan ("" = city)."""

    weight: Floats
    rates: dict[str, dict[str, float]]


def weigh(demand: Demand, weights: SitingWeights, seen: Floats, now_ms: int, merge_radius_m: float) -> Weighted:
    """Weigh every point.

    Args:
        demand: The points.
        weights: How much each kind counts.
        seen: Share of each point that cameras see today, 0..1.
        now_ms: The moment from which age is counted, epoch ms.
        merge_radius_m: Requests of one category this near count once together: asking twice does not pay.
    """
    fresh = np.array([_freshness(spot, weights.half_life_days, now_ms) for spot in demand.spots])
    factor = np.array([weights.categories.get(spot.category, 1.0) for spot in demand.spots])
    count = np.array([spot.weight for spot in demand.spots]) * fresh
    kind = {"request": weights.request / USUAL_PRIORITY, "hotspot": weights.hotspot, "incident": weights.incident}
    each = np.array([kind[spot.kind] for spot in demand.spots])
    source = np.array([weights.sources.get(spot.source, 1.0) for spot in demand.spots])
    total = each * source * factor * count
    _share_duplicates(demand, total, merge_radius_m)
    rates = incident_rates(demand, count * np.where(each > 0, source, 0), seen, weights.shrink)
    for number in demand.of("hotspot"):
        spot = demand.spots[number]
        rate = rates.get(spot.category, {}).get(spot.kelurahan, rates.get(spot.category, {}).get("", 0.0))
        unseen = count[number] * source[number] * (1 - seen[number])
        total[number] += weights.incident * factor[number] * rate * unseen
    return Weighted(total, rates)


def _freshness(spot: Spot, half_life_days: float, now_ms: int) -> float:
    """Return how much a point still counts for its age: half after the half-life; requests do not age."""
    if spot.at_ms is None:
        return 1.0
    return float(0.5 ** (max(0, now_ms - spot.at_ms) / (half_life_days * DAY_MS)))


def _share_duplicates(demand: Demand, total: Floats, radius_m: float) -> None:
    """Let requests that may be the same need weigh together what the heaviest of them weighs."""
    place = {id(demand.spots[n]): int(n) for n in demand.of("request")}
    for group in duplicates([demand.spots[n] for n in demand.of("request")], radius_m):
        numbers = [place[id(spot)] for spot in group]
        total[numbers] = total[numbers].max() / len(numbers)


def incident_rates(demand: Demand, count: Floats, seen: Floats, shrink: float) -> dict[str, dict[str, float]]:
    """Estimate how many incidents a camera would have seen for each hotspot, by category and kelurahan.

    Incidents are known only where cameras look. Where they look, incidents are compared with the hotspots seen there;
    a kelurahan with few seen hotspots borrows the city's rate (empirical Bayes, `shrink` hotspots strong).

    Args:
        demand: The points.
        count: Weight of each hotspot and incident by its age, without the factors of its kind and category.
        seen: Share of each point that cameras see today, 0..1.
        shrink: Hotspots that outweigh the city's rate.

    Returns:
        Rates by category and kelurahan; the city's own under "".
    """
    incidents: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    hotspots: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for number, spot in enumerate(demand.spots):
        if spot.kind == "incident":
            incidents[spot.category][spot.kelurahan] += float(count[number])
        elif spot.kind == "hotspot":
            hotspots[spot.category][spot.kelurahan] += float(count[number] * seen[number])
    rates: dict[str, dict[str, float]] = {}
    for category in sorted(hotspots):
        looked = sum(hotspots[category].values())
        city = sum(incidents[category].values()) / looked if looked > 0 else 0.0
        rates[category] = {"": city}
        for code in sorted({*hotspots[category], *incidents[category]}):
            own = (incidents[category][code] + shrink * city) / (hotspots[category][code] + shrink)
            rates[category][code] = min(own, MOST_OVER_CITY * city)
    return rates


def duplicate_requests(demand: Demand, radius_m: float) -> Sequence[Sequence[Spot]]:
    """Return the groups of requests that may be one need and were not merged."""
    return duplicates([demand.spots[n] for n in demand.of("request")], radius_m)
