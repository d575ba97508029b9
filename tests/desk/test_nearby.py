"""Which cameras stand beside an incident, how far, and for whom."""

from collections.abc import Callable

from pipeline.bus.records import Witness
from pipeline.city.registry import Camera
from pipeline.desk.nearby import FARTHEST_M, MOST, nearby
from tests.desk.world import GAMBIR, Visitor, World

Visit = Callable[[str], Visitor]


def camera(number: int, north_m: float) -> Camera:
    return Camera(f"cam-{number}", f"Jl. {number}", "", GAMBIR, -6.2 + north_m / 111_195, 106.8)


def test_witnesses_first_then_by_distance_and_not_too_many() -> None:
    own = camera(0, 0)
    others = [camera(number, 100.0 * number) for number in range(1, 12)]
    found = nearby(own, {"cam-9"}, [own, *reversed(others)])
    assert [near.id for near in found] == ["cam-9", *(f"cam-{number}" for number in range(1, MOST + 1))]
    assert [near.witness for near in found] == [True] + [False] * MOST
    assert found[1].away("id") == "100 m"


def test_what_is_far_is_listed_only_as_a_witness() -> None:
    own, far = camera(0, 0), camera(1, FARTHEST_M + 500)
    assert nearby(own, set(), [own, far]) == []
    assert [near.away("id") for near in nearby(own, {"cam-1"}, [far])] == ["2,5 km"]
    assert [near.away("en") for near in nearby(own, {"cam-1"}, [far])] == ["2.5 km"]
    assert nearby(None, {"cam-1"}, [far]) == []


def test_the_page_lists_them_with_distance_and_link(world: World, visit: Visit) -> None:
    at = world.clock() - 41_000
    witnesses = tuple(Witness(camera=name, first_seen_ms=at, score=0.8) for name in ("cam-gambir-1", "cam-gambir-2"))
    world.raise_incident(witnesses=witnesses)
    text = visit("piket_gambir").get("/kejadian/kejadian-1").text
    listed = text.partition('class="near"')[2].partition("</ul>")[0]
    assert 'href="/kamera#cam-cam-gambir-2"' in listed
    assert "Jl. Pejambon · simpang" in listed
    assert "ikut melihat" in listed
    assert "110 m" in listed
    assert "cam-gambir-1" not in listed, "the incident's own camera is the page itself"
    assert 'id="cam-cam-gambir-2"' in visit("piket_gambir").get("/kamera").text, "the link leads somewhere"


def test_cameras_outside_the_readers_area_do_not_exist(world: World, visit: Visit) -> None:
    world.raise_incident(2, camera="cam-manggarai", kelurahan="31.74.01.1007")
    text = visit("piket_manggarai").get("/kejadian/kejadian-2").text
    assert "Tidak ada kamera lain dalam 2 km di wilayah Anda." in text
    assert "Pejambon" not in text.partition("near-box")[2]
