"""Drills at the desk: at the head of every page, accepted once, told apart from incidents; the page of all posts."""

from collections.abc import Callable

import pytest

from pipeline.desk.drills import overview
from pipeline.store import drills
from pipeline.store.drills_tables import DrillRow
from pipeline.store.timeline import events_after
from tests.alert.channels.proof import proves
from tests.desk.world import GAMBIR, MANGGARAI, Visitor, World

Visit = Callable[[str], Visitor]
WEEK = 7 * 86_400_000


def begin(world: World, drill_id: str = "latihan-1", post: str = GAMBIR, sort: str = "drill", **more: object) -> str:
    """Begin a drill as the alert stage does; it runs for ten minutes."""
    now = world.clock()
    with world.database.session() as session:
        assert drills.begin(session, drill_id, sort, post, now, now + 600_000, **more)  # type: ignore[arg-type]
    return drill_id


@proves("desk", "marked")
def test_the_head_of_every_page_shows_it_to_its_post_alone(world: World, visit: Visit) -> None:
    begin(world)
    begin(world, "uji-1", sort="test")
    here, there, engineer = visit("piket_gambir"), visit("piket_manggarai"), visit("teknisi")
    head = here.get("/latihan/berjalan").text
    assert head.count('data-ring="') == 2
    assert "LATIHAN" in head
    assert "UJI COBA" in head
    assert "Bukan kejadian · Kel. Gambir" in head.replace("</span>", "").replace("<span>", "")
    assert there.get("/latihan/berjalan").text.strip() == ""
    seen = engineer.get("/latihan/berjalan").text
    assert "LATIHAN" in seen
    assert "data-ring" not in seen
    assert "<form" not in seen
    for page in ("/", "/kamera", "/latihan"):
        assert 'data-live="/latihan/berjalan"' in here.get(page).text


def test_the_first_to_accept_counts_once(world: World, visit: Visit) -> None:
    begin(world)
    world.clock.turned_ms += 42_000
    first, second = visit("piket_gambir"), visit("rekan_gambir")
    assert "Latihan diterima" in first.submit("/latihan/latihan-1/terima").text
    assert first.submit("/latihan/latihan-1/terima").status_code == 200
    late = second.submit("/latihan/latihan-1/terima")
    assert (late.status_code, "Sudah diterima oleh piket_gambir" in late.text) == (409, True)
    with world.database.reading() as session:
        row = drills.find(session, "latihan-1")
        assert row is not None
        assert row.answered_by == "piket_gambir"
        assert row.seconds is not None
        assert row.seconds >= 42
        whats = [event.what for event in events_after(session, 0, areas=[GAMBIR])]
    assert whats == ["drill_began", "drill_accepted"]
    assert first.get("/latihan/berjalan").text.strip() == ""


def test_who_may_not_accept_it(world: World, visit: Visit) -> None:
    begin(world)
    assert visit("piket_manggarai").submit("/latihan/latihan-1/terima").status_code == 404
    assert visit("teknisi").submit("/latihan/latihan-1/terima").status_code == 403
    here = visit("piket_gambir")
    assert here.submit("/latihan/tidak-ada/terima").status_code == 404
    assert here.post("/latihan/latihan-1/terima", data={"csrf": "x"}).status_code == 403
    world.clock.turned_ms += 600_000
    assert here.submit("/latihan/latihan-1/terima").status_code == 409
    assert here.get("/latihan/berjalan").text.strip() == ""


def test_a_plain_form_works_without_a_script(world: World, visit: Visit) -> None:
    begin(world)
    here = visit("piket_gambir")
    assert 'action="/latihan/latihan-1/terima"' in here.get("/latihan").text
    assert here.submit("/latihan/latihan-1/terima", part=False).headers["location"] == "/latihan"


def test_the_page_names_the_posts_that_did_not_answer(world: World, visit: Visit) -> None:
    begin(world, "a1")
    world.clock.turned_ms += 30_000
    visit("piket_gambir").submit("/latihan/a1/terima")
    world.clock.turned_ms += WEEK
    begin(world, "a2")
    begin(world, "b2", MANGGARAI)
    world.clock.turned_ms += 20_000
    visit("piket_manggarai").submit("/latihan/b2/terima")
    world.clock.turned_ms += 600_000
    with world.database.session() as session:
        drills.end(session, world.clock())
    page = visit("teknisi").get("/latihan").text
    assert "1 dari 2 pos menjawab" in page
    missed, answered = page.split("Tidak menjawab latihan terakhir (1)")[1].split("Menjawab (1)")
    assert "Kel. Gambir" in missed
    assert "· piket_gambir" in missed
    assert "Kel. Manggarai" in answered
    assert "Manggarai" not in visit("piket_gambir").get("/latihan").text


def test_no_incident_is_made_of_it(world: World, visit: Visit) -> None:
    begin(world)
    bos = visit("bos")
    assert "Tidak ada kejadian." in bos.get("/").text
    assert "0 kejadian cocok" in bos.get("/cari").text
    assert "latihan-1" not in bos.get("/serah-terima").text
    assert "latihan-1" not in bos.get("/tinjau").text
    assert bos.get("/kejadian/latihan-1").status_code == 404
    assert bos.get("/cari.csv").text.strip().count("\n") == 0


@pytest.mark.parametrize(
    ("values", "outcome"),
    [
        ({"skipped": "busy"}, "skipped"),
        ({"answered_ms": 5, "answered_by": "budi"}, "accepted"),
        ({"missed_ms": 100}, "missed"),
        ({"until_ms": 50}, "missed"),
        ({"until_ms": 500}, "running"),
    ],
)
def test_outcomes(values: dict[str, object], outcome: str) -> None:
    row = DrillRow(**{"id": "d", "sort": "drill", "post": "31.71.01.1001", "at_ms": 0, "until_ms": 90, **values})
    seen = overview([row], {}, 60)
    assert [name for name, posts in seen.groups.items() if posts] == [outcome]
