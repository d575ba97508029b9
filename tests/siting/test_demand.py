"""Weights of the need, and the correction of what cameras alone can know."""

import numpy as np
import pytest

from pipeline.ops.siting_section import SitingWeights
from pipeline.siting.demand import DAY_MS, Demand, Spot, weigh
from pipeline.siting.views import Floats, Plane
from tests.siting.world import NOW, spot

EAST, WEST = "31.72.01.1001", "31.73.01.1001"


def weights_of(spots: list[Spot], seen: list[float] | None = None, **weights: object) -> Floats:
    demand = Demand(tuple(spots), Plane(-6.2, 106.85))
    share = np.array(seen if seen is not None else [0.0] * len(spots))
    return weigh(demand, SitingWeights.model_validate(weights), share, NOW, 50).weight


def test_priority_age_category_and_source_count() -> None:
    spots = [
        spot(-6.20, 106.85, "request", weight=3.0), spot(-6.21, 106.85, "request", weight=5.0),
        spot(-6.22, 106.85), spot(-6.23, 106.85, at_ms=NOW - 365 * DAY_MS), spot(-6.24, 106.85, category="jalan"),
        spot(-6.25, 106.85, source="JAKI"), spot(-6.26, 106.85, "incident", source="siaga"),
    ]  # fmt: skip
    found = weights_of(spots, categories={"jalan": 2}, sources={"JAKI": 0.5})
    assert found == pytest.approx([1, 5 / 3, 0.2, 0.1, 0.4, 0.1, 0.2])


def test_asking_twice_does_not_pay() -> None:
    twice = [spot(-6.2, 106.85, "request", weight=w) for w in (3.0, 5.0)]
    assert weights_of(twice).sum() == pytest.approx(5 / 3)
    apart = [spot(-6.2 - n / 100, 106.85, "request", weight=3.0) for n in range(2)]
    assert weights_of(apart).sum() == pytest.approx(2)


def two_halves(dice: np.random.Generator, count: int = 400) -> tuple[list[Spot], list[float]]:
    """A city whose halves need the same; cameras see nine tenths of the east and nothing of the west."""
    spots, seen = [], []
    for code, share in ((EAST, 0.9), (WEST, 0.0)):
        for _ in range(count):
            place = -6.2 + float(dice.normal(0, 0.01)), 106.85 + float(dice.normal(0, 0.01))
            spots.append(spot(*place, kelurahan=code, ref="h"))
            seen.append(share)
            if share and dice.random() < 0.8 * share:
                spots.append(spot(*place, "incident", kelurahan=code, source="siaga"))
                seen.append(share)
    return spots, seen


def test_the_half_without_cameras_is_not_forgotten() -> None:
    spots, seen = two_halves(np.random.default_rng(4))
    found = weights_of(spots, seen)
    half = {code: sum(w for w, s in zip(found, spots, strict=True) if s.kelurahan == code) for code in (EAST, WEST)}
    plain = {code: 0.2 * sum(s.kelurahan == code for s in spots) for code in (EAST, WEST)}
    assert plain[WEST] / plain[EAST] < 0.65, "incidents alone make the half with cameras look needier"
    assert half[WEST] / half[EAST] == pytest.approx(1, abs=0.06)


def test_rates_of_few_hotspots_lean_on_the_city_and_are_bounded() -> None:
    many = [spot(-6.2, 106.85 + n / 1000, kelurahan=EAST) for n in range(50)]
    wild = [spot(-6.3, 106.85, "incident", kelurahan=WEST, source="siaga") for _ in range(200)]
    demand = Demand((*many, *wild, spot(-6.3, 106.85, kelurahan=WEST)), Plane(-6.2, 106.85))
    rates = weigh(demand, SitingWeights(), np.ones(len(demand)), NOW, 50).rates["rawan_kebakaran"]
    assert rates[""] == pytest.approx(200 / 51)
    assert rates[WEST] == pytest.approx(4 * rates[""])
    assert rates[EAST] == pytest.approx((0 + 5 * rates[""]) / 55)


def test_without_hotspots_nothing_is_invented() -> None:
    found = weights_of([spot(-6.2, 106.85, "incident", source="siaga")], [1.0])
    assert found == pytest.approx([0.2])
