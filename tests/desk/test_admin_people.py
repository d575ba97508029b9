"""The admin's pages of people and areas."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from pipeline.desk.adminview import area_tree
from pipeline.desk.areas import inside, parse_areas
from pipeline.store import people
from pipeline.store.audit import entries
from pipeline.store.tables import UserRow
from tests.desk.world import GAMBIR, HASH, MANGGARAI, Visitor, World

ONCE = re.compile(r'id="once">([^<]+)<')


def audited(world: World, prefix: str) -> list[tuple[str, str, str, dict[str, Any]]]:
    """Return actor, what, subject, detail of the rows whose `what` begins so."""
    with world.database.reading() as session:
        return [
            (row.actor, row.what, row.subject, json.loads(row.detail))
            for row in entries(session)
            if row.what.startswith(prefix)
        ]


def person(world: World, name: str) -> UserRow:
    with world.database.reading() as session:
        row = people.get_user(session, name)
    assert row is not None
    return row


@pytest.fixture
def admin(visit: Callable[[str], Visitor]) -> Visitor:
    return visit("bos")


@pytest.fixture
def district(world: World, url: str) -> Visitor:
    """Return an admin of one kota only."""
    with world.database.session() as session:
        people.add_user(session, "admin_pusat", HASH, "admin", ["31.71"], 1)
    visitor = Visitor(url)
    visitor.sign_in("admin_pusat")
    return visitor


def test_who_is_added_gets_a_password_that_is_shown_once_and_must_be_changed(
    world: World, admin: Visitor, url: str
) -> None:
    page = admin.submit("/admin/orang", part=False, name="Budi", role="piket", areas=f"{GAMBIR}\n31.74")
    found = ONCE.search(page.text)
    assert found
    assert not ONCE.search(admin.get("/admin/orang").text), "it stands nowhere afterwards"
    visitor = Visitor(url)
    assert visitor.sign_in("budi", found.group(1)).status_code == 303
    assert visitor.get("/").headers["location"] == "/sandi"
    row = person(world, "budi")
    assert (row.role, row.areas, row.must_change) == ("piket", [GAMBIR, "31.74"], True)
    assert audited(world, "person.") == [
        ("bos", "person.added", "budi", {"role": "piket", "areas": [GAMBIR, "31.74"], "by": "password"})
    ]
    assert found.group(1) not in str(audited(world, ""))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"name": "Budi Santoso"}, "Nama masuk"),
        ({"name": "piket_gambir"}, "sudah dipakai"),
        ({"role": "raja"}, "Pilih satu peran"),
        ({"areas": "3171"}, "paling sedikit satu kode"),
        ({"areas": " , "}, "paling sedikit satu kode"),
    ],
)
def test_what_cannot_be_is_said_and_what_was_typed_stays(admin: Visitor, fields: dict[str, str], says: str) -> None:
    typed = {"name": "sari", "role": "satpol", "areas": "31.71", **fields}
    answer = admin.submit("/admin/orang", part=False, **typed)
    assert answer.status_code == 400
    assert says in answer.text
    assert typed["name"].lower() in answer.text


def test_role_and_areas_change_what_a_person_sees_at_once(
    world: World, admin: Visitor, visit: Callable[[str], Visitor]
) -> None:
    record = world.raise_incident()
    officer = visit("piket_manggarai")
    assert officer.get(f"/kejadian/{record.id}").status_code == 404
    answer = admin.submit("/admin/orang/piket_manggarai", part=False, role="satpol", areas="31.71.01")
    assert answer.headers["location"] == "/admin/orang/piket_manggarai?selesai=ubah"
    assert officer.get(f"/kejadian/{record.id}").status_code == 200
    assert officer.get("/tinjau").status_code == 200
    assert audited(world, "person.changed")[0][3] == {
        "role": ["piket", "satpol"], "areas": [[MANGGARAI], ["31.71.01"]]
    }  # fmt: skip


def test_locking_ends_sessions_and_unlocking_lets_in_again(
    world: World, admin: Visitor, visit: Callable[[str], Visitor], url: str
) -> None:
    officer = visit("piket_gambir")
    admin.submit("/admin/orang/piket_gambir/kunci", part=False, locked="ya")
    assert officer.get("/").status_code == 303
    assert Visitor(url).sign_in("piket_gambir").status_code == 401
    assert "dikunci" in admin.get("/admin/orang/piket_gambir").text
    admin.submit("/admin/orang/piket_gambir/kunci", part=False, locked="tidak")
    assert Visitor(url).sign_in("piket_gambir").status_code == 303
    assert [what for _, what, _, _ in audited(world, "person.")] == ["person.locked", "person.unlocked"]


def test_sessions_end_and_a_reset_gives_a_new_password(
    world: World, admin: Visitor, visit: Callable[[str], Visitor], url: str
) -> None:
    officer = visit("piket_gambir")
    admin.submit("/admin/orang/piket_gambir/keluarkan", part=False)
    assert officer.get("/").status_code == 303
    officer.sign_in("piket_gambir")
    found = ONCE.search(admin.submit("/admin/orang/piket_gambir/sandi", part=False).text)
    assert found
    assert officer.get("/").status_code == 303
    assert Visitor(url).sign_in("piket_gambir", found.group(1)).status_code == 303
    assert [what for _, what, _, _ in audited(world, "person.")] == ["person.sessions_ended", "person.password_reset"]


@pytest.mark.parametrize(
    ("path", "fields"),
    [("", {"role": "piket", "areas": "*"}), ("/kunci", {}), ("/sandi", {})],
)
def test_an_admin_does_not_lock_or_change_themselves(admin: Visitor, path: str, fields: dict[str, str]) -> None:
    answer = admin.submit(f"/admin/orang/bos{path}", part=False, **fields)
    assert answer.status_code == 409
    assert "diri sendiri" in answer.text


def test_the_last_admin_of_the_city_stays(world: World, district: Visitor, url: str) -> None:
    with world.database.session() as session:
        people.add_user(session, "bos2", HASH, "admin", ["*"], 1)
        people.set_disabled(session, "bos", True)
        people.add_user(session, "setengah", HASH, "admin", ["31.71"], 1)
    second = Visitor(url)
    second.sign_in("bos2")
    assert second.submit("/admin/orang/bos2", part=False, role="piket", areas="*").status_code == 409
    from pipeline.desk.people import LastAdminError, set_locked

    with pytest.raises(LastAdminError):
        set_locked(world.database, "bos2", True, "siaga")
    assert not person(world, "bos2").disabled, "nothing is changed"


def test_an_admin_of_a_kota_manages_only_its_people(world: World, district: Visitor) -> None:
    page = district.get("/admin/orang").text
    assert "piket_gambir" in page
    assert "piket_manggarai" not in page
    assert "teknisi" not in page, "who has the whole city is above them"
    for name in ("piket_manggarai", "bos", "teknisi", "tidak_ada"):
        assert district.get(f"/admin/orang/{name}").status_code == 404
        assert district.submit(f"/admin/orang/{name}/kunci", part=False).status_code == 404
    for areas in ("*", "31.74", f"{GAMBIR} 31"):
        answer = district.submit("/admin/orang", part=False, name="baru", role="admin", areas=areas)
        assert answer.status_code == 400
        assert "di luar wilayah Anda" in answer.text
        assert district.submit("/admin/orang/piket_gambir", role="piket", areas=areas).status_code == 400
    assert district.submit("/admin/orang", part=False, name="baru", role="piket", areas=GAMBIR).status_code == 200


def test_areas_show_who_works_where_and_where_nobody_does(world: World, admin: Visitor) -> None:
    assert "tidak ada petugas piket" not in admin.get("/admin/wilayah").text
    with world.database.session() as session:
        for name in ("bos", "piket_manggarai"):
            row = people.get_user(session, name)
            assert row is not None
            row.areas, row.role = (["*"], "admin") if name == "bos" else ([GAMBIR], "piket")
    page = admin.get("/admin/wilayah").text
    assert "Kel. Manggarai" in page
    assert "Kota Administrasi Jakarta Pusat" in page
    answer = admin.submit("/admin/wilayah", part=False, code=MANGGARAI, user="rekan_gambir")
    assert answer.status_code == 303
    assert person(world, "rekan_gambir").areas == [GAMBIR, MANGGARAI]
    admin.submit("/admin/wilayah", part=False, code=MANGGARAI, user="rekan_gambir", away="ya")
    assert person(world, "rekan_gambir").areas == [GAMBIR]
    last = admin.submit("/admin/wilayah", part=False, code=GAMBIR, user="rekan_gambir", away="ya")
    assert last.status_code == 409, "nobody is left without an area by a slip"


def test_a_kelurahan_with_cameras_and_no_officer_is_a_gap(world: World) -> None:
    rows = [UserRow(name="a", role="piket", areas=[GAMBIR], disabled=False, password_hash="", created_ms=0)]
    tree = area_tree(world.registry.kelurahan, world.registry.cameras.values(), rows, ["*"])
    wards = {ward.code: ward for kota in tree for kecamatan in kota.inner for ward in kecamatan.inner}
    assert {code: ward.unwatched for code, ward in wards.items()} == {GAMBIR: False, MANGGARAI: True}
    assert wards[GAMBIR].cameras == 2
    assert area_tree(world.registry.kelurahan, world.registry.cameras.values(), rows, ["31.74"])[0].code == "31.74"


@pytest.mark.parametrize(
    ("areas", "wider", "holds"),
    [
        (["31.71.01"], ["31.71"], True),
        (["31.71"], ["31.71"], True),
        (["31.71"], ["31.71.01"], False),
        (["31.71", "31.74"], ["31.71"], False),
        (["31.7"], ["31.71"], False),
        (["*"], ["31"], False),
        (["*"], ["*"], True),
        ([], ["31"], False),
        ([], ["*"], True),
    ],
)
def test_what_lies_inside(areas: list[str], wider: list[str], holds: bool) -> None:
    assert inside(areas, wider) is holds


def test_areas_are_read_from_lines_commas_and_spaces() -> None:
    assert parse_areas(" 31.71,31.74\n*; 31.71 ") == ["31.71", "31.74", "*"]
