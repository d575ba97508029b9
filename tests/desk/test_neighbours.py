"""An incident near a boundary is on the desks of both kelurahan: list, page, live news, decision."""

import pytest

from pipeline.store.places import add_places
from tests.desk.test_events import Visit, listening
from tests.desk.world import MANGGARAI, World
from tests.waiting import wait_for

PAGE = "/kejadian/kejadian-1"


@pytest.fixture
def shared(world: World) -> World:
    """An incident of Gambir that Manggarai is told of, and one that it is not."""
    world.raise_incident(1)
    world.raise_incident(2)
    with world.database.session() as session:
        add_places(session, "kejadian-1", [MANGGARAI])
    return world


def test_the_neighbour_sees_and_decides_what_it_was_told_of(shared: World, visit: Visit) -> None:
    visitor = visit("piket_manggarai")
    inbox = visitor.get("/").text
    assert "kejadian-1" in inbox
    assert "kejadian-2" not in inbox
    assert visitor.get(PAGE).status_code == 200
    assert visitor.get("/kejadian/kejadian-2").status_code == 404
    assert visitor.submit(f"{PAGE}/putusan", decision="accepted", expected="waiting").status_code == 200


def test_the_neighbour_hears_of_it_at_once(world: World, visit: Visit) -> None:
    with listening(visit("piket_manggarai")) as there:
        world.raise_incident(2, still=False)
        record = world.raise_incident(1, still=False)
        with world.database.session() as session:
            add_places(session, record.id, [MANGGARAI])
        world.raise_incident(1, still=False, revision=1, state="updated")
        wait_for(lambda: there.of("incident"), what="the neighbour's incident")
        assert {one["id"] for one in there.of("incident")} == {record.id}
