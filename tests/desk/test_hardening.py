"""What keeps the sign-in safe, each by a test; what is tested elsewhere is named in docs/access.md."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipeline.desk import passwords
from pipeline.desk.people import first_admin
from pipeline.desk.throttle import LIMITS
from pipeline.ops.settings import Settings
from pipeline.store import people
from pipeline.store.database import open_database
from tests.desk.world import Visitor, World


def test_there_is_no_default_password(tmp_path: Path) -> None:
    made = []
    for number in range(3):
        database = open_database(Settings(data_dir=tmp_path / str(number)))
        database.migrate()
        made.append(first_admin(database))
        with database.reading() as session:
            (admin,) = people.list_users(session)
        assert admin.password_hash.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
        assert admin.must_change
        database.close()
    assert len(set(made)) == 3
    assert all(password and len(password) == 19 for password in made)


def test_the_first_admin_gets_nowhere_before_choosing_a_password(tmp_path: Path) -> None:
    world = World.build(tmp_path)
    with world.database.session() as session:
        for user in people.list_users(session):
            session.delete(user)
    password = first_admin(world.database)
    assert password
    with world.serve() as url:
        visitor = Visitor(url)
        visitor.sign_in("admin", password)
        for path in ("/", "/admin/orang", "/admin/kamera", "/audit", "/arus"):
            assert visitor.get(path).headers["location"] == "/sandi"
    world.database.close()


def test_passwords_are_hashed_beside_the_loop_two_at_a_time(
    world: World, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: list[str] = []
    inside, most, turn = 0, 0, threading.Lock()
    real = passwords._HASHER.verify

    class Watched:
        def verify(self, hashed: str, password: str) -> bool:
            nonlocal inside, most
            with turn:
                inside += 1
                most = max(most, inside)
                names.append(threading.current_thread().name)
            try:
                return real(hashed, password)
            finally:
                with turn:
                    inside -= 1

    monkeypatch.setattr(passwords, "_HASHER", Watched())
    people_who_try = [f"orang{number}" for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda name: Visitor(url).sign_in(name, "salah").status_code, people_who_try))
    assert answers == [401] * 8
    assert most <= 2, "a flood of sign-ins takes the memory of two checks"
    assert all("AnyIO worker" in name for name in names), "never the thread of the event loop"


def test_an_account_of_the_provider_and_nobody_cost_a_check_too(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []

    class Watched:
        def verify(self, hashed: str, _password: str) -> bool:
            checked.append(hashed)
            return True

    monkeypatch.setattr(passwords, "_HASHER", Watched())
    assert not passwords.verify_password(None, "x")
    assert not passwords.verify_password(people.SSO_ONLY, "sso")
    assert checked == [passwords._NOBODY, passwords._NOBODY]


def test_many_names_from_one_address_are_locked_out(world: World, url: str) -> None:
    visitor = Visitor(url)
    token = visitor.token("/masuk")
    answers = []
    for number in range(LIMITS["address"].failures + 1):
        fields = {"csrf": token, "name": f"orang{number}", "password": "salah", "to": "/"}
        answers.append(visitor.post("/masuk", data=fields).status_code)
    assert answers[-2:] == [401, 429]


def test_the_own_password_is_rate_limited_too(world: World, url: str) -> None:
    visitor = Visitor(url)
    visitor.sign_in("piket_gambir")
    fields = {"csrf": visitor.token("/sandi"), "old": "salah", "new": "kopi-pagi-hujan", "again": "kopi-pagi-hujan"}
    answers = [visitor.post("/sandi", data=fields).status_code for _ in range(LIMITS["pair"].failures + 1)]
    assert answers == [400] * LIMITS["pair"].failures + [429]


def test_a_sign_in_gets_a_new_session_and_the_old_one_ends(world: World, url: str) -> None:
    visitor, other = Visitor(url), Visitor(url)
    visitor.sign_in("piket_gambir")
    first = visitor.cookies["siaga_session"]
    visitor.get("/masuk")
    fields = {"csrf": visitor.token("/sandi"), "name": "piket_gambir", "password": "sepeda-hujan-7"}
    assert visitor.post("/masuk", data=fields).status_code == 303
    second = visitor.cookies["siaga_session"]
    assert first != second
    assert len(first) == len(second) == 43
    other.cookies.set("siaga_session", first)
    assert other.get("/").status_code == 303, "the session before is over"
    world.clock.turned_ms += 3_601_000
    assert visitor.get("/").status_code == 303, "an idle session is over"


@pytest.mark.parametrize("behind_tls", [True, False])
def test_every_cookie_is_httponly_samesite_and_secure_behind_tls(tmp_path: Path, behind_tls: bool) -> None:
    world = World.build(tmp_path, behind_tls=behind_tls)
    with world.serve() as url:
        visitor = Visitor(url)
        page = visitor.get("/masuk")
        fields = {"csrf": visitor.token("/masuk"), "name": "piket_gambir", "password": "sepeda-hujan-7"}
        cookie = {"siaga_visit": page.cookies["siaga_visit"]}
        token = page.text.split('name="csrf" value="')[1].split('"')[0]
        answer = Visitor(url).post("/masuk", data={**fields, "csrf": token}, cookies=cookie)
        assert answer.status_code == 303
        cookies = page.headers.get_list("set-cookie") + answer.headers.get_list("set-cookie")
        kept = [cookie for cookie in cookies if "Max-Age=0" not in cookie and "expires=Thu, 01 Jan" not in cookie]
        assert {cookie.split("=")[0] for cookie in kept} == {"siaga_visit", "siaga_session"}
        for cookie_text in kept:
            assert "HttpOnly" in cookie_text
            assert "SameSite=lax" in cookie_text
            assert "Path=/" in cookie_text
            assert "Domain" not in cookie_text
            assert ("Secure" in cookie_text) is behind_tls
    world.database.close()


def test_the_policy_of_every_page_allows_nothing_inline_and_no_other_site(url: str) -> None:
    answer = Visitor(url).get("/masuk")
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert "server" not in answer.headers
