from collections.abc import Callable

import pytest

from pipeline.desk.signing import KEY_LIFE_MS, LIFE_MS, STEP_MS, Signer
from pipeline.store.audit import entries, verify
from tests.alert.channels.proof import proves
from tests.desk.world import Visitor, World

Visit = Callable[[str], Visitor]


@pytest.fixture
def number(world: World) -> int:
    """A still is evidence 1, a clip evidence 2."""
    world.keep(world.raise_incident(), "clip", b"x" * 1000, "ring")
    return 2


@proves("desk", "signed")
def test_a_page_holds_links_that_open(world: World, visit: Visit, number: int) -> None:
    visitor = visit("piket_gambir")
    link = world.link(visitor, number)
    assert link.replace("&", "&amp;") in visitor.get("/kejadian/kejadian-1").text
    assert visitor.get(link).status_code == 200


def test_a_link_of_another_sign_in_does_not_open(world: World, visit: Visit, number: int) -> None:
    mine, other = visit("piket_gambir"), visit("rekan_gambir")
    assert other.get(world.link(mine, number)).status_code == 403
    assert visit("piket_gambir").get(world.link(mine, number)).status_code == 403, "not even by the same person"


def test_a_signed_link_does_not_open_another_area(world: World, visit: Visit, number: int) -> None:
    visitor = visit("piket_manggarai")
    assert visitor.get(world.link(visitor, number)).status_code == 404


@pytest.mark.parametrize("change", ["", "?t=", "?t=1.2.3", "?t=x", "?t=99999999999999.1.aa"])
def test_an_unsigned_or_made_up_link_does_not_open(visit: Visit, number: int, change: str) -> None:
    assert visit("piket_gambir").get(f"/media/{number}{change}").status_code == 403


def test_a_link_is_of_one_piece_of_evidence(world: World, visit: Visit, number: int) -> None:
    visitor = visit("piket_gambir")
    assert visitor.get(world.link(visitor, number).replace("/2?", "/1?")).status_code == 403


def test_a_link_ends(world: World, visit: Visit, number: int) -> None:
    visitor = visit("piket_gambir")
    link = world.link(visitor, number)
    world.clock.turned_ms += LIFE_MS - 1000
    assert visitor.get(link).status_code == 200
    world.clock.turned_ms += STEP_MS + 1000
    assert visitor.get(link).status_code == 403
    assert visitor.get(world.link(visitor, number)).status_code == 200


def test_keys_change_and_the_one_before_still_opens(world: World) -> None:
    from pipeline.desk.identity import Person

    person = Person("budi", "piket", ("*",), False, "a" * 64, "")
    signer, other = Signer(world.database, world.clock), Signer(world.database, world.clock)

    def token(link: str) -> str:
        return link.partition("?t=")[2]

    world.clock.turned_ms += KEY_LIFE_MS
    first = token(signer.url(1, person))
    world.clock.turned_ms += KEY_LIFE_MS
    second = token(other.url(1, person))
    assert first.split(".")[1] != second.split(".")[1]
    assert signer.fault(1, person, second) == "", "a process learns the key that another has made"
    world.clock.turned_ms += 3 * KEY_LIFE_MS
    assert other.fault(1, person, second) == "expired"


def test_looking_at_a_clip_is_written_down_once(world: World, visit: Visit, number: int) -> None:
    visitor = visit("piket_gambir")
    for _ in range(3):
        visitor.get(world.link(visitor, number), headers={"range": "bytes=0-99"})
    visitor.get(world.link(visitor, 1))
    with world.database.reading() as session:
        views = [entry for entry in entries(session) if entry.what == "clip.viewed"]
        assert verify(session).ok
    assert [(view.actor, view.subject) for view in views] == [("piket_gambir", "2")]
