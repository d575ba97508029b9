"""Which other kelurahan a camera is near to: by boundaries, and by centroids where there are none."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.alert.cap.areas import load_boundaries
from pipeline.alert.neighbours import METRES, Neighbour, near_of, ring_distances
from pipeline.alert.routing import route
from pipeline.alert.rules import rules_of
from pipeline.city.geo import distance_m
from pipeline.city.registry import Camera, Kelurahan, Registry, load_kelurahan
from tests.alert.making import T0, incident, settings_at
from tests.shared import REPO

A, B, C, D = "31.71.01.1001", "31.71.01.1002", "31.71.01.1003", "31.71.02.1001"
SIDE = 0.01
"""Of a square kelurahan, degrees: about 1.1 km."""


def ward(code: str, lat: float, lng: float) -> Kelurahan:
    return Kelurahan(code, f"K {code}", "Kecamatan", "Kota", lat, lng)


def square(lat: float, lng: float) -> tuple[tuple[float, float], ...]:
    """The ring around a centre."""
    half = SIDE / 2
    corners = [(-half, -half), (-half, half), (half, half), (half, -half), (-half, -half)]
    return tuple((lat + north, lng + east) for north, east in corners)


CENTRES = {A: (0.0, 0.0), B: (0.0, SIDE), C: (SIDE, 0.0), D: (0.0, 2 * SIDE)}
"""A has B in the east and C in the north; D is behind B."""
WARDS = {code: ward(code, *centre) for code, centre in CENTRES.items()}
BOUNDARIES = {code: (square(*centre),) for code, centre in CENTRES.items()}


def city(**places: tuple[float, float]) -> Registry:
    """Cameras of kelurahan A by name, at metres east and north of its centre."""
    cameras = {
        name: Camera(name, name, "rtsp://x/", A, north / METRES, east / METRES)
        for name, (east, north) in places.items()
    }
    return Registry(cameras, WARDS)


EDGE = SIDE / 2 * METRES
"""From the centre of A to its edge, m: 556."""


@pytest.mark.parametrize("boundaries", [None, BOUNDARIES], ids=["centroids", "boundaries"])
def test_a_camera_near_an_edge_has_the_neighbour_behind_it(
    boundaries: Mapping[str, tuple[tuple[tuple[float, float], ...], ...]] | None,
) -> None:
    here = city(
        middle=(0, 0), east=(EDGE - 60, 0), north=(0, EDGE - 60), corner=(EDGE - 20, EDGE - 60), far=(EDGE - 140, 0),
    )  # fmt: skip
    near = near_of(here, 100, boundaries)
    found = {camera: [(one.code, one.metres) for one in ones] for camera, ones in near.items()}
    assert found == {"east": [(B, 60)], "north": [(C, 60)], "corner": [(B, 20), (C, 60)]}
    assert near_of(here, 0, boundaries) == {}
    assert near_of(Registry({}, WARDS), 100, boundaries) == {}


def test_a_camera_that_stands_within_another_boundary_is_told_there_too() -> None:
    near = near_of(city(astray=(EDGE + 300, 0)), 100, BOUNDARIES)
    assert near == {"astray": (Neighbour(B, 0, by_boundary=True),)}
    assert near["astray"][0].why == "within its boundary"


def test_a_line_between_centroids_is_no_edge_where_a_third_is_nearer() -> None:
    """Halfway between A and D runs through the centre of B, far from both."""
    near = near_of(city(within=(2 * EDGE, 0)), 100)
    assert "within" not in near


def test_what_has_no_boundary_is_nobodys_neighbour() -> None:
    assert near_of(city(east=(EDGE - 60, 0)), 100, {C: BOUNDARIES[C]}) == {}


points = st.tuples(st.floats(-2, 3), st.floats(-2, 3))


@given(st.lists(points, min_size=1, max_size=5))
def test_distances_to_a_ring_are_those_to_its_corners_and_sides(places: list[tuple[float, float]]) -> None:
    """Against a ring walked step by step: the unit square with a notch."""
    ring = np.array([(0, 0), (1, 0), (1, 1), (0.5, 0.5), (0, 1), (0, 0)], dtype=np.float64)
    found = ring_distances(np.array(places, dtype=np.float64), ring)
    steps = np.linspace(0, 1, 401)[:, None]
    walked = np.concatenate([a + steps * (b - a) for a, b in pairwise(ring)])
    for (x, y), distance in zip(places, found, strict=True):
        inside = 0 < x < 1 and 0 < y < max(1 - x, x)
        nearest = float(np.hypot(*(walked - (x, y)).T).min())
        assert distance == pytest.approx(0 if inside else nearest, abs=0.003)


@given(st.floats(-400, 900), st.floats(-400, 900), st.sampled_from([20, 100, 300]))
def test_by_centroids_a_neighbour_is_as_near_as_a_step_to_where_it_is_the_nearest(
    east: float, north: float, within_m: int
) -> None:
    """Soundness: from the camera, `metres` on towards a neighbour (or back), both centroids are equally far."""
    here = city(cam=(east, north))
    camera = here.cameras["cam"]
    for one in near_of(here, within_m).get("cam", ()):
        assert one.metres <= within_m
        own, other = (distance_m(camera.lat, camera.lng, WARDS[code].lat, WARDS[code].lng) for code in (A, one.code))
        # Each metre towards the line between them changes the difference of the distances by two metres at most.
        assert abs(own - other) <= 2 * one.metres + 2


def test_routing_tells_both_sides_by_the_citys_own_boundaries(shared_data: Path, tmp_path: Path) -> None:
    file = shared_data / "data" / "geo" / "kelurahan.geojson"
    if not file.is_file():
        pytest.skip("no boundaries beside the repository (geo/kelurahan.geojson)")
    wards, boundaries = load_kelurahan(REPO / "configs" / "kelurahan.csv"), load_boundaries(file)
    code = "31.71.01.1001"
    # A corner that Gambir shares with another kelurahan, and the camera a few metres off it.
    corner = next(
        (point, other)
        for point in boundaries[code][0]
        for other, rings in boundaries.items()
        if other != code and other in wards and any(point in ring for ring in rings)
    )
    (lat, lng), other = corner
    camera = Camera("cam-1", "Perbatasan", "rtsp://x/", code, lat + 10 / METRES, lng)
    far = replace(camera, id="cam-2", lat=wards[code].lat, lng=wards[code].lng)
    registry = Registry({"cam-1": camera, "cam-2": far}, wards)
    for key in ("neighbours", "cap"):
        alert = (
            {"duty": {"neighbours": {"boundaries": str(file), "within_m": 30}}}
            if key == "neighbours"
            else {"cap": {"boundaries": str(file)}, "duty": {"neighbours": {"within_m": 30}}}
        )
        rules = rules_of(settings_at(tmp_path, alert=alert), registry)
        roles = {target.name: target.role for target in route(incident(), rules, T0).targets}
        assert roles[f"desk:{code}"] == "post"
        assert roles[f"desk:{other}"] == "neighbour"
        middle = route(incident(camera="cam-2"), rules, T0)
        assert [target.name for target in middle.targets] == [f"desk:{code}"]
