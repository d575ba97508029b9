"""Views on the plane: what lies in a sector, outlines, overlaps; places in the city."""

from dataclasses import replace
from math import radians, sin
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.city.boundaries import load_boundaries
from pipeline.city.geo import distance_m
from pipeline.siting.merging import duplicates, near_same
from pipeline.siting.places import City
from pipeline.siting.views import Plane, View, outline, overlap, seen
from tests.siting.world import city, spot

HOME = View("a", -6.2, 106.85, 100)
PLANE = Plane(-6.2, 106.85)


def sees(view: View, x: float, y: float) -> bool:
    return len(next(seen([view], PLANE, np.array([x]), np.array([y])))) == 1


def test_a_circle_sees_all_around_and_no_farther() -> None:
    assert sees(HOME, 0, 99)
    assert sees(HOME, -70, -70)
    assert not sees(HOME, 0, 101)


@pytest.mark.parametrize(("bearing", "x", "y"), [(0, 0, 50), (90, 50, 0), (180, 0, -50), (270, -50, 0), (359, 0, 50)])
def test_a_sector_sees_only_its_own_side(bearing: float, x: float, y: float) -> None:
    view = replace(HOME, bearing=bearing, angle=60)
    assert sees(view, x, y)
    assert not sees(view, -x, -y)
    assert sees(view, 0, 0), "what happens at its foot has no direction"


@given(x=st.floats(-150, 150), y=st.floats(-150, 150), bearing=st.floats(0, 360), angle=st.floats(1, 359))
def test_two_sectors_that_make_a_circle_see_what_it_sees(x: float, y: float, bearing: float, angle: float) -> None:
    one = replace(HOME, bearing=bearing, angle=angle)
    other = replace(HOME, bearing=(bearing + 180) % 360, angle=360 - angle)
    assert (sees(one, x, y) or sees(other, x, y)) == sees(HOME, x, y)


@given(st.floats(-6.4, -5.9), st.floats(106.65, 107.0))
def test_the_plane_agrees_with_the_sphere(lat: float, lng: float) -> None:
    (x,), (y,) = PLANE.metres([lat], [lng])
    assert float(np.hypot(x, y)) == pytest.approx(distance_m(-6.2, 106.85, lat, lng), rel=2e-3, abs=0.5)
    assert PLANE.degrees(float(x), float(y)) == pytest.approx((lat, lng))


def test_the_grid_finds_what_looking_at_all_finds() -> None:
    dice = np.random.default_rng(1)
    x, y = dice.uniform(-2000, 2000, 500), dice.uniform(-2000, 2000, 500)
    views = [
        View(str(n), *PLANE.degrees(float(x[n]), float(y[n])), float(dice.uniform(20, 300)), "", 20.0 * n, 120.0)
        for n in range(15)
    ]
    for view, found in zip(views, seen(views, PLANE, x, y), strict=True):
        assert found.tolist() == [n for n in range(500) if sees(view, float(x[n]), float(y[n]))]


def test_outlines_are_closed_and_have_the_area_of_the_view() -> None:
    for view in (HOME, replace(HOME, bearing=30.0, angle=90.0)):
        ring = outline(view, PLANE, corners=720)
        assert ring[0] == ring[-1]
        x, y = PLANE.metres([lat for lat, _ in ring], [lng for _, lng in ring])
        area = abs(float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum())) / 2
        assert area == pytest.approx(view.area_m2, rel=1e-3)


def test_overlap_is_the_share_of_the_smaller_view() -> None:
    small = replace(HOME, range_m=50)
    assert overlap(small, HOME, PLANE) == 1
    lat, lng = PLANE.degrees(0, 100)
    lens = 2 * radians(60) / np.pi - sin(radians(120)) / np.pi
    assert overlap(HOME, replace(HOME, lat=lat, lng=lng), PLANE, steps=60) == pytest.approx(lens, abs=0.02)
    assert overlap(HOME, replace(HOME, lat=-6.3), PLANE) == 0


def test_requests_of_one_category_nearby_may_be_one() -> None:
    step = 30 / 111_195
    here = [spot(-6.2 + step * n, 106.85, "request", ref=str(n)) for n in range(4)]
    other = spot(-6.2, 106.85, "request", category="jalan")
    groups = duplicates([*here, other], 50)
    assert [[s.ref for s in group] for group in groups] == [["0", "1"], ["2", "3"]], "a chain does not become one"
    assert duplicates([], 50) == []
    assert [s.ref for s in near_same(here, -6.2 + step * 1.1, 106.85, "rawan_kebakaran", 40)] == ["1", "2", "0"]
    assert near_same(here, -6.2, 106.85, "taman_24_jam", 40) == []


def test_places_are_of_the_nearest_kelurahan_or_outside() -> None:
    whole = city()
    manggarai = whole.kelurahan["31.74.01.1007"]
    assert whole.code_at(manggarai.lat, manggarai.lng) == "31.74.01.1007"
    assert whole.code_at(-6.9, 107.6) is None
    assert whole.name("31.74.01.1007") == manggarai.name
    assert whole.name("nowhere") == "nowhere"
    assert len(whole.areas()["31.74"]) == 65
    assert whole.nearest_m(manggarai.lat, manggarai.lng) < 1


def test_boundaries_say_it_exactly(shared_data: Path) -> None:
    names = {code: place.name for code, place in city().kelurahan.items()}
    whole = City(city().kelurahan, load_boundaries(shared_data / "data" / "geo" / "kelurahan.geojson", names))
    inside = [code for code, place in whole.kelurahan.items() if whole.code_at(place.lat, place.lng) == code]
    assert len(inside) >= 255, "nearly every centroid lies in its own kelurahan"
    assert whole.code_at(-6.55, 106.85) is None
