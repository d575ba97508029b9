from collections.abc import Callable

import pytest

from pipeline.desk.people import add_person, first_admin, reset_password
from pipeline.ops.errors import ConfigError
from pipeline.store import people
from tests.desk.world import GAMBIR, PASSWORD, Visitor, World


def test_who_is_added_signs_in_once_and_must_choose_a_password(world: World, url: str) -> None:
    password = add_person(world.database, "budi", "piket", [GAMBIR])
    visitor = Visitor(url)
    assert visitor.sign_in("budi", password).status_code == 303
    assert visitor.get("/").headers["location"] == "/sandi"
    assert visitor.get("/media/1").headers["location"] == "/sandi"
    token = visitor.token("/sandi")
    same = {"csrf": token, "new": password, "again": password}
    assert visitor.post("/sandi", data=same).status_code == 400, "the one-time password cannot be kept"
    fields = {"csrf": token, "new": "kopi-pagi-hujan", "again": "kopi-pagi-hujan"}
    assert visitor.post("/sandi", data=fields).headers["location"] == "/"
    assert visitor.get("/").status_code == 200
    assert Visitor(url).sign_in("budi", password).status_code == 401


@pytest.mark.parametrize(
    ("name", "role", "areas", "says"),
    [
        ("Budi Santoso", "piket", [GAMBIR], "name"),
        ("budi", "bos", [GAMBIR], "role"),
        ("budi", "piket", [], "area"),
        ("budi", "piket", ["3171"], "area"),
        ("bos", "piket", [GAMBIR], "taken"),
    ],
)
def test_what_is_wrong_is_named(world: World, name: str, role: str, areas: list[str], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        add_person(world.database, name, role, areas)


def test_the_first_start_makes_one_admin_and_no_later_one_does(world: World) -> None:
    assert first_admin(world.database) is None
    with world.database.session() as session:
        for user in people.list_users(session):
            session.delete(user)
    password = first_admin(world.database)
    assert password
    assert first_admin(world.database) is None
    with world.database.reading() as session:
        (admin,) = people.list_users(session)
    assert (admin.name, admin.role, admin.areas, admin.must_change) == ("admin", "admin", ["*"], True)


def test_a_reset_ends_the_sign_ins(world: World, url: str, visit: Callable[[str], Visitor]) -> None:
    visitor = visit("piket_gambir")
    password = reset_password(world.database, "piket_gambir")
    assert visitor.get("/").status_code == 303
    assert Visitor(url).sign_in("piket_gambir", PASSWORD).status_code == 401
    again = Visitor(url)
    assert again.sign_in("piket_gambir", password).status_code == 303
    assert again.get("/").headers["location"] == "/sandi"
    with pytest.raises(ConfigError, match="no 'siapa'"):
        reset_password(world.database, "siapa")
