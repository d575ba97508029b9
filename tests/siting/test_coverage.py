"""Coverage as it is, on cases that can be counted by hand."""

import numpy as np
import pytest

from pipeline.city.boundaries import Boundary
from pipeline.siting.availability import Availability, complete
from pipeline.siting.coverage import Tally, by_hour, ground, idle_cameras, look, overlaps, shares, tallies
from pipeline.siting.demand import Demand
from pipeline.siting.places import City
from pipeline.siting.views import Floats, View
from tests.siting.world import city, spot

CODE = "31.74.01.1007"
WHOLE = city()
HERE = WHOLE.kelurahan[CODE]
NIGHT = Availability(tuple(0.0 if hour < 6 else 1.0 for hour in range(24)), 1)
"""A camera that is dark every night from 0 to 6."""


def view(name: str, east_m: float = 0, **changes: object) -> View:
    lat, lng = WHOLE.plane.degrees(*(float(v[0]) + d for v, d in zip(_home(), (east_m, 0.0), strict=True)))
    return View(name, lat, lng, 60, CODE, **changes)  # type: ignore[arg-type]


def _home() -> tuple[Floats, Floats]:
    return WHOLE.plane.metres([HERE.lat], [HERE.lng])


def test_a_camera_that_is_dark_at_night_sees_less_of_what_happens_at_night() -> None:
    spots = (spot(HERE.lat, HERE.lng, hour=2), spot(HERE.lat, HERE.lng, hour=13), spot(HERE.lat, HERE.lng))
    demand = Demand(spots, WHOLE.plane)
    sight = look([view("a")], {"a": NIGHT}, demand)
    assert sight.share.tolist() == [0, 1, 0.75]
    rows = by_hour(demand, np.ones(3), sight)
    assert rows[2].need == pytest.approx(1 + 1 / 24)
    assert rows[2].seen == 0
    assert rows[13].seen == pytest.approx(1 + 1 / 24)
    assert sum(row.need for row in rows) == pytest.approx(3)
    counted = tallies(demand, sight.share, lambda n: f"{demand.hours[n]:02d}")
    assert counted["02"] == Tally(1, 0.0, 0, 0.0)
    assert counted["13"] == Tally(1, 1.0, 0, 0.0)
    (group,) = shares(demand, np.ones(3), sight.share, lambda n: spots[n].kelurahan)
    assert (group.name, group.need, group.seen) == (CODE, 3, 1.75)
    assert group.share == pytest.approx(1.75 / 3)


def test_of_two_cameras_the_better_one_counts() -> None:
    demand = Demand((spot(HERE.lat, HERE.lng),), WHOLE.plane)
    live = {"a": NIGHT, "b": Availability((0.5,) * 24, 1)}
    assert look([view("a"), view("b")], live, demand).share.tolist() == [(6 * 0.5 + 18) / 24]


def test_ground_is_counted_once_and_by_availability() -> None:
    one = np.pi * 60**2
    live = complete({}, "abc")
    assert ground([view("a")], live, WHOLE)[CODE].seen_m2 == pytest.approx(one)
    assert ground([view("a"), view("b")], live, WHOLE)[CODE].seen_m2 == pytest.approx(one)
    assert ground([view("a"), view("b", 500)], live, WHOLE)[CODE].seen_m2 == pytest.approx(2 * one)
    dark = ground([view("a")], {"a": NIGHT}, WHOLE)[CODE]
    assert dark.hourly_m2[2] == 0
    assert dark.hourly_m2[12] == pytest.approx(one)
    quarter = ground([view("a", bearing=90.0, angle=90.0)], {"a": NIGHT}, WHOLE)[CODE].seen_m2
    assert quarter == pytest.approx(one / 4 * 0.75)
    assert ground([], {}, WHOLE)[CODE].cameras == 0


def test_with_boundaries_the_whole_ground_is_known() -> None:
    east, north = round(HERE.lng * 10_000), round(HERE.lat * 10_000)
    corners = tuple((east + x, north + y) for x, y in ((0, 0), (100, 0), (100, 100), (0, 100)))
    whole = City(WHOLE.kelurahan, {CODE: Boundary(CODE, HERE.name, (corners,))})
    found = ground([], {}, whole)[CODE].whole_m2
    assert found == pytest.approx(1112**2 * np.cos(np.radians(HERE.lat)), rel=0.01)


def test_cameras_that_see_the_same_and_those_to_move() -> None:
    views = [view("a"), view("b", 10), view("c", 1000)]
    (pair,) = overlaps(views, WHOLE.plane, 0.5)
    assert pair[:2] == ("a", "b")
    assert pair[2] == pytest.approx(0.89, abs=0.03)
    assert overlaps([], WHOLE.plane, 0.5) == []
    at_c = WHOLE.plane.degrees(*(float(v[0]) + d for v, d in zip(_home(), (1000.0, 0.0), strict=True)))
    demand = Demand((spot(HERE.lat, HERE.lng), spot(*at_c)), WHOLE.plane)
    live = complete({}, "abc")
    sight = look(views, live, demand)
    idle = idle_cameras(views, live, sight, np.array([5.0, 2.0]), {"b": 3})
    assert [(one.camera, one.alone) for one in idle] == [("a", 0.0), ("c", 2.0)]
