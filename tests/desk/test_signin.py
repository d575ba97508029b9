from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.desk.routes.signin import safe_path
from pipeline.store import people
from tests.desk.world import PASSWORD, Visitor, World


def test_a_stranger_is_sent_to_the_sign_in_and_back(url: str) -> None:
    visitor = Visitor(url)
    answer = visitor.get("/kejadian/k-1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/masuk?ke=/kejadian/k-1")
    page = visitor.get("/masuk?ke=/kejadian/k-1")
    assert 'name="to" value="/kejadian/k-1"' in page.text


def test_signing_in_sets_a_cookie_that_scripts_cannot_read(url: str) -> None:
    visitor = Visitor(url)
    answer = visitor.sign_in("Piket_Gambir ")
    assert answer.status_code == 303
    cookie = next(v for v in answer.headers.get_list("set-cookie") if v.startswith("siaga_session="))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie
    assert visitor.get("/").status_code == 200
    assert visitor.get("/masuk").headers["location"] == "/"


def test_behind_tls_the_cookie_is_secure(tmp_path: Path) -> None:
    world = World.build(tmp_path, behind_tls=True)
    with world.serve() as url:
        page = Visitor(url).get("/masuk")
    assert all("Secure" in cookie for cookie in page.headers.get_list("set-cookie"))
    world.database.close()


def test_only_the_hash_of_a_token_is_kept(world: World, url: str) -> None:
    visitor = Visitor(url)
    visitor.sign_in("piket_gambir")
    with world.database.reading() as session:
        kept = session.connection().exec_driver_sql("select token_hash from sessions").scalars().all()
    assert len(kept) == 1
    assert visitor.cookies["siaga_session"] not in kept


def test_a_wrong_name_and_a_wrong_password_look_the_same(url: str) -> None:
    one = Visitor(url).sign_in("piket_gambir", "salah-sekali")
    two = Visitor(url).sign_in("tidak_ada", "salah-sekali")
    assert one.status_code == two.status_code == 401
    assert "Nama atau kata sandi salah." in one.text
    assert one.text.replace("piket_gambir", "").count("\n") == two.text.count("\n")


def test_after_five_failures_even_the_right_password_waits(world: World, url: str) -> None:
    visitor = Visitor(url)
    for _ in range(5):
        assert visitor.sign_in("piket_gambir", "salah").status_code == 401
    locked = visitor.sign_in("piket_gambir")
    assert locked.status_code == 429
    assert int(locked.headers["retry-after"]) > 200
    world.clock.turned_ms += 301_000
    assert visitor.sign_in("piket_gambir").status_code == 303


def test_a_locked_out_person_is_out_at_once(world: World, visit: Callable[[str], Visitor], url: str) -> None:
    visitor = visit("piket_gambir")
    with world.database.session() as session:
        people.set_disabled(session, "piket_gambir", True)
    assert visitor.get("/").status_code == 303
    assert Visitor(url).sign_in("piket_gambir").status_code == 401


def test_a_session_ends_by_time_and_by_signing_out(world: World, visit: Callable[[str], Visitor]) -> None:
    visitor = visit("piket_gambir")
    token = visitor.cookies["siaga_session"]
    assert visitor.submit("/keluar", part=False).headers["location"] == "/masuk"
    visitor.cookies.set("siaga_session", token)
    assert visitor.get("/").status_code == 303, "the token is dead, not only the cookie gone"
    other = visit("piket_gambir")
    world.clock.turned_ms += 13 * 3_600_000
    assert other.get("/").status_code == 303


@pytest.mark.parametrize("token", ["", "0" * 64, "salah"])
def test_a_form_without_its_pages_token_changes_nothing(
    world: World, visit: Callable[[str], Visitor], token: str
) -> None:
    record = world.raise_incident()
    fields = {"csrf": token, "decision": "accepted", "expected": "waiting"}
    answer = visit("piket_gambir").post(f"/kejadian/{record.id}/putusan", data=fields)
    assert answer.status_code == 403
    assert "Halaman ini sudah lama" in answer.text


def test_a_sign_in_form_of_another_site_is_refused(url: str) -> None:
    answer = Visitor(url).post("/masuk", data={"csrf": "x", "name": "piket_gambir", "password": PASSWORD})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("old", "new", "again", "says"),
    [
        ("salah", "kopi-pagi-hujan", "kopi-pagi-hujan", "Kata sandi sekarang salah."),
        (PASSWORD, "kopi-pagi-hujan", "kopi-pagi-hujam", "tidak sama"),
        (PASSWORD, PASSWORD, PASSWORD, "harus berbeda"),
        (PASSWORD, "pendek", "pendek", "terlalu pendek"),
        (PASSWORD, "piket_gambir-1", "piket_gambir-1", "nama Anda"),
    ],
)
def test_a_new_password_is_checked(visit: Callable[[str], Visitor], old: str, new: str, again: str, says: str) -> None:
    visitor = visit("piket_gambir")
    fields = {"csrf": visitor.token("/sandi"), "old": old, "new": new, "again": again}
    answer = visitor.post("/sandi", data=fields)
    assert answer.status_code == 400
    assert says in answer.text


def test_a_new_password_ends_all_other_sign_ins(visit: Callable[[str], Visitor], url: str) -> None:
    here, elsewhere = visit("piket_gambir"), visit("piket_gambir")
    fields = {"csrf": here.token("/sandi"), "old": PASSWORD, "new": "kopi-pagi-hujan", "again": "kopi-pagi-hujan"}
    assert here.post("/sandi", data=fields).status_code == 303
    assert here.get("/").status_code == 200
    assert elsewhere.get("/").status_code == 303
    assert Visitor(url).sign_in("piket_gambir", "kopi-pagi-hujan").status_code == 303


@pytest.mark.parametrize(
    ("path", "goes"),
    [
        ("/kamera", "/kamera"),
        ("/kejadian/a?putar=1", "/kejadian/a?putar=1"),
        ("//evil.example", "/"),
        ("https://evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("/a\\b", "/"),
        ("/masuk", "/"),
        ("", "/"),
    ],
)
def test_after_signing_in_nobody_is_sent_elsewhere(path: str, goes: str) -> None:
    assert safe_path(path) == goes
