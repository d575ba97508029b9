"""Maps: who sees which cameras, incidents and outlines, and what the city may configure."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.city.boundaries import GRID, Boundary, load_boundaries
from pipeline.city.registry import Registry, load_kelurahan
from pipeline.desk.gate import security_headers
from pipeline.desk.maps import CityMap
from pipeline.ops.errors import ConfigError
from pipeline.ops.map_section import MapSection
from pipeline.ops.settings import Settings
from tests.desk.city import WARDS
from tests.desk.world import GAMBIR, MANGGARAI, Visitor, World

Visit = Callable[[str], Visitor]
SQUARE = [[106.82, -6.18], [106.83, -6.18], [106.83, -6.17], [106.82, -6.17], [106.82, -6.18]]


def collection(*features: object) -> str:
    return json.dumps({"type": "FeatureCollection", "features": list(features)})


def feature(code: str = GAMBIR, ring: list[list[float]] = SQUARE, kind: str = "Polygon") -> dict[str, object]:
    coordinates: list[object] = [ring] if kind == "Polygon" else [[ring]]
    return {"properties": {"kode": code}, "geometry": {"type": kind, "coordinates": coordinates}}


def test_an_officer_sees_the_cameras_and_incidents_of_their_kelurahan_alone(world: World, visit: Visit) -> None:
    mine = world.raise_incident()
    other = world.raise_incident(2, camera="cam-manggarai", kelurahan=MANGGARAI, kind="smoke")
    world.camera("cam-gambir-2", "lost", "timeout rtsp://admin:rahasia123@10.0.0.9/live")
    visitor = visit("piket_gambir")
    told = visitor.get("/peta/kamera.json")
    assert [row[0] for row in told.json()["cameras"]] == ["cam-gambir-2", "cam-gambir-1"]
    assert [ward[0] for ward in visitor.get("/peta/batas.json").json()["wards"]] == [GAMBIR]
    now = visitor.get("/peta/isi").text
    assert mine.id in now
    assert other.id not in now
    assert '"lost": ["cam-gambir-2"]' in now
    assert "rahasia" not in told.text + now + visitor.get("/peta").text
    assert [row[0] for row in visit("tanpa_wilayah").get("/peta/kamera.json").json()["cameras"]] == []


def test_an_incident_that_is_over_is_not_on_the_map(world: World, visit: Visit) -> None:
    record = world.raise_incident()
    visitor = visit("piket_gambir")
    for decision, before in (("accepted", "waiting"), ("done", "accepted")):
        assert record.id in visitor.get("/peta/isi").text
        visitor.submit(f"/kejadian/{record.id}/putusan", decision=decision, expected=before)
    assert record.id not in visitor.get("/peta/isi").text


def test_the_page_of_an_incident_shows_its_witnesses_on_a_map(world: World, visit: Visit) -> None:
    record = world.raise_incident()
    text = visit("piket_gambir").get(f"/kejadian/{record.id}").text
    assert 'data-icon="witness"' in text
    assert 'data-icon="fire"' in text
    assert 'data-icon="live" data-letter="•" data-title="Jl. Pejambon' in text


def test_a_browser_that_holds_the_newest_gets_nothing_again_and_texts_come_compressed(visit: Visit) -> None:
    visitor = visit("piket_gambir")
    first = visitor.get("/peta/kamera.json")
    assert first.headers["content-encoding"] == "gzip"
    assert visitor.get("/peta/kamera.json", headers={"if-none-match": first.headers["etag"]}).status_code == 304
    plain = visitor.get("/peta/kamera.json", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.json() == first.json()
    script = visitor.get("/static/leaflet/leaflet.js")
    assert script.headers["content-encoding"] == "gzip"
    assert int(script.headers["content-length"]) < 50_000
    assert len(visitor.get("/static/leaflet/leaflet.js", headers={"accept-encoding": "identity"}).content) > 140_000
    assert visitor.get("/static/leaflet/tidak-ada.js").status_code == 404


def test_leaflet_is_served_from_here_and_no_page_names_another_server(world: World, visit: Visit) -> None:
    visitor = visit("bos")
    world.raise_incident()
    for page in ("/peta", "/kejadian/kejadian-1", "/"):
        answer = visitor.get(page)
        assert "http://" not in answer.text.replace("http://www.w3.org", "")
        assert "https://" not in answer.text
    assert "img-src 'self' data:;" in visitor.get("/peta").headers["content-security-policy"]


def test_tiles_open_the_policy_for_exactly_their_server() -> None:
    section = MapSection(tiles="https://ubin.jakarta.go.id/{z}/{x}/{y}.png")
    assert section.origin == "https://ubin.jakarta.go.id"
    policy = security_headers(section.origin)["content-security-policy"]
    assert "img-src 'self' data: https://ubin.jakarta.go.id; " in policy
    assert "script-src 'self'; style-src 'self';" in policy
    assert MapSection(tiles="/ubin/{z}/{x}/{y}.png").origin == ""
    assert security_headers()["content-security-policy"].count("http") == 0


@pytest.mark.parametrize(
    "tiles",
    [
        "ftp://x/{z}/{x}/{y}",
        "https://x/{z}/{x}",
        "https://{s}.x/{z}/{x}/{y}",
        "//x/{z}/{x}/{y}",
        "https://x;y/{z}{x}{y}",
    ],
)
def test_an_address_of_tiles_that_cannot_be_used_is_refused(tiles: str) -> None:
    with pytest.raises(ValidationError, match="must be https://one-server"):
        MapSection(tiles=tiles)


def test_tiles_and_their_owner_are_on_the_page(world: World) -> None:
    tiles = MapSection(tiles="https://ubin.example.id/{z}/{x}/{y}.png", attribution="Pemprov <b>")
    desk = world.settings.desk.model_copy(update={"map": tiles})
    world.settings = world.settings.model_copy(update={"desk": desk})
    with world.serve() as url:
        visitor = Visitor(url)
        visitor.sign_in("bos")
        page = visitor.get("/peta")
        assert "https://ubin.example.id/{z}" in page.text
        assert "Pemprov &lt;b&gt;" in page.text
        assert "img-src 'self' data: https://ubin.example.id;" in page.headers["content-security-policy"]
        assert "https://ubin.example.id" in httpx.get(f"{url}/publik").headers["content-security-policy"]


def test_boundaries_become_small_and_hold_what_lies_in_them(tmp_path: Path, shared_data: Path) -> None:
    wards = load_kelurahan(WARDS)
    settings = Settings(city={"boundaries": str(shared_data / "data/geo/kelurahan.geojson")})
    city = CityMap(settings, Registry({}, wards))
    assert set(city.boundaries) == set(wards)
    assert len(gzip.compress(city.outlines(("*",)))) < 40_000
    assert sum(city.ward_at(ward.lat, ward.lng) == ward.code for ward in wards.values()) >= 255  # crescents and islands
    assert city.ward_at(-6.9, 107.6) == ""
    told = json.loads(city.outlines(("31.71.01",)))
    assert len(told["wards"]) == 6


def test_without_boundaries_a_place_belongs_to_the_nearest_centroid() -> None:
    city = CityMap(Settings(), Registry({}, load_kelurahan(WARDS)))
    assert city.ward_at(-6.1765, 106.8268) == GAMBIR
    assert city.ward_at(-6.9, 107.6) == ""
    assert json.loads(city.outlines((GAMBIR,)))["wards"] == [[GAMBIR, "Gambir", -6.176384, 106.826707]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not a GeoJSON FeatureCollection"),
        ("[]", "not a GeoJSON FeatureCollection"),
        (collection({"properties": {}}), "feature 1: not a polygon"),
        (collection(feature(), feature(kind="Point")), "feature 2: not a polygon"),
        (collection(feature(ring=[[1066.0, -6.0], [1, 1], [2, 2]])), "feature 1: not a polygon"),
        (collection(feature(code="99.99.99.9999")), "holds no kelurahan of this city"),
    ],
)
def test_a_file_of_boundaries_that_is_none_is_one_clear_error(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "batas.geojson"
    file.write_text(text)
    with pytest.raises(ConfigError, match=message) as error:
        load_boundaries(file, {GAMBIR: "Gambir"})
    assert str(file) in str(error.value)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_boundaries(tmp_path / "tiada", {})


@given(st.integers(-20, 120), st.integers(-20, 120))
def test_a_square_with_a_hole_holds_its_rim_alone(x: int, y: int) -> None:
    outer, hole = ((0, 0), (100, 0), (100, 100), (0, 100)), ((40, 40), (60, 40), (60, 60), (40, 60))
    place = Boundary("c", "n", (outer, hole)), (y + 0.5) / GRID, (x + 0.5) / GRID
    inside = 0 <= x < 100 and 0 <= y < 100 and not (40 <= x < 60 and 40 <= y < 60)
    assert place[0].holds(*place[1:]) == inside


def test_steps_lead_back_to_the_corners() -> None:
    ring = ((5, 7), (9, 7), (9, -3))
    assert Boundary("c", "n", (ring,)).steps() == [[5, 7, 4, 0, 0, -10]]
