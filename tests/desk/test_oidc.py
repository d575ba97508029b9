"""Single sign-on against a real provider over HTTP: who gets in, and everything that must not let anybody in."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from pipeline.ops.desk_access import DeskAccess
from pipeline.ops.settings import Settings
from pipeline.store import people
from pipeline.store.audit import entries
from pipeline.store.sign_ins import LIFE_MS, MOST_PER_ADDRESS
from pipeline.store.tables import UserRow
from tests.desk.provider import BARE, PUBLISHED, SECRET, STRANGER, Provider, serving
from tests.desk.world import GAMBIR, PASSWORD, Visitor, World

RULES = (
    {"value": "siaga-piket-gambir", "role": "piket", "areas": [GAMBIR]},
    {"value": "siaga-piket-tebet", "role": "piket", "areas": ["31.74.01"]},
    {"value": "siaga-satpol", "role": "satpol", "area_claim": "wilayah"},
    {"claim": "realm_access.roles", "value": "siaga-admin", "role": "admin", "areas": ["*"]},
)
HOME = "https://siaga.example"


@dataclass
class City:
    """A desk with single sign-on and the provider it trusts. People reach the desk at HOME; tests by its real port."""

    world: World
    provider: Provider
    url: str

    def visitor(self) -> Visitor:
        return Visitor(self.url)

    def there(self, visitor: Visitor, to: str = "/") -> str:
        """Begin to sign in; return where the provider sends the browser back to, as a path of the desk."""
        begun = visitor.get("/masuk/sso", params={"ke": to})
        assert begun.status_code == 303, begun.text
        back = httpx.get(begun.headers["location"]).headers["location"]
        assert back.startswith(f"{HOME}/masuk/kembali?")
        return back.removeprefix(HOME)

    def sign_in(self, visitor: Visitor | None = None, to: str = "/") -> httpx.Response:
        """Go there and back."""
        visitor = visitor or self.visitor()
        return visitor.get(self.there(visitor, to))

    def account(self, name: str = "budi") -> UserRow | None:
        with self.world.database.reading() as session:
            return people.get_user(session, name)

    def audited(self, what: str) -> list[dict[str, Any]]:
        with self.world.database.reading() as session:
            return [json.loads(entry.detail) for entry in entries(session) if entry.what == what]


@pytest.fixture
def make_city(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., City]]:
    """Return a way to a city whose desk has these keys under `desk.oidc`."""
    monkeypatch.setenv("SIAGA_OIDC_SECRET", SECRET)
    with ExitStack() as stack:

        def make(**oidc: Any) -> City:
            provider = stack.enter_context(serving())
            section = {"issuer": provider.issuer, "name": "SSO Kota", **oidc}
            world = World.build(tmp_path / "city", public_url=HOME, oidc=section)
            stack.callback(world.database.close)
            return City(world, provider, stack.enter_context(world.serve()))

        yield make


@pytest.fixture
def city(make_city: Callable[..., City]) -> City:
    """Return a city that makes accounts by rules."""
    made = make_city(rules=RULES, provision=True)
    made.provider.claims["groups"] = ["lain", "siaga-piket-gambir"]
    return made


def test_who_a_rule_holds_for_comes_in_and_lands_where_they_wanted(city: City) -> None:
    visitor = city.visitor()
    answer = city.sign_in(visitor, "/kamera")
    assert (answer.status_code, answer.headers["location"]) == (303, "/kamera")
    cookie = next(v for v in answer.headers.get_list("set-cookie") if v.startswith("siaga_session="))
    assert "HttpOnly" in cookie
    assert "budi" in visitor.get("/").text
    row = city.account()
    assert row is not None
    assert (row.role, row.areas, row.subject) == ("piket", [GAMBIR], f"{city.provider.issuer}|u-1")
    assert city.audited("person.added")[0]["role"] == "piket"
    assert city.audited("sign_in.ok")[-1]["by"] == "sso"


def test_the_way_there_asks_for_code_pkce_state_and_nonce(city: City) -> None:
    begun = city.visitor().get("/masuk/sso").headers["location"]
    query = dict(httpx.URL(begun).params)
    assert begun.startswith(f"{city.provider.issuer}/authorize?")
    assert (query["response_type"], query["code_challenge_method"]) == ("code", "S256")
    assert query["redirect_uri"] == f"{HOME}/masuk/kembali", "the configured address, not the host that was asked"
    assert len(query["state"]) == len(query["nonce"]) == 43
    assert {"openid", "profile"} <= set(query["scope"].split())
    with city.world.database.reading() as session:
        kept = session.connection().exec_driver_sql("select * from sign_in_attempts").mappings().one()
    assert query["state"] not in str(dict(kept)), "only its hash is kept"


def test_the_subject_is_the_account_even_when_the_name_changes(city: City) -> None:
    city.sign_in()
    city.provider.claims["preferred_username"] = "budi.baru"
    visitor = city.visitor()
    assert city.sign_in(visitor).status_code == 303
    assert ">budi<" in visitor.get("/").text
    city.provider.claims = {"sub": "u-2", "preferred_username": "budi", "groups": ["siaga-piket-gambir"]}
    assert city.sign_in().status_code == 403, "another person of that name is not let into the account"


def test_rules_follow_the_groups_at_every_sign_in(city: City) -> None:
    first = city.visitor()
    city.sign_in(first)
    city.provider.claims["groups"] = ["siaga-piket-tebet", "siaga-piket-gambir"]
    city.sign_in()
    row = city.account()
    assert row is not None
    assert row.areas == [GAMBIR, "31.74.01"] or row.areas == ["31.71.01.1001", "31.74.01"]
    assert first.get("/").status_code == 303, "the session with the old areas has ended"
    second = city.visitor()
    city.sign_in(second)
    city.provider.claims["groups"] = ["lain"]
    refused = city.sign_in()
    assert refused.status_code == 403
    assert "tidak punya peran atau wilayah" in refused.text
    assert second.get("/").status_code == 303, "who lost their group lost their open sessions"


@pytest.mark.parametrize(
    ("claims", "role", "areas"),
    [
        ({"groups": "siaga-piket-gambir"}, "piket", [GAMBIR]),
        ({"groups": ["siaga-satpol"], "wilayah": ["31.71", "*", "x"]}, "satpol", ["31.71"]),
        ({"realm_access": {"roles": ["siaga-admin"]}}, "admin", ["*"]),
        ({"groups": ["siaga-satpol", "siaga-piket-tebet"], "wilayah": "31.71"}, "piket", ["31.74.01"]),
    ],
)
def test_claims_become_role_and_areas(city: City, claims: dict[str, Any], role: str, areas: list[str]) -> None:
    city.provider.claims = {"sub": "u-9", "preferred_username": "Sari@jakarta.go.id", **claims}
    assert city.sign_in().status_code == 303
    row = city.account("sari")
    assert row is not None
    assert (row.role, row.areas) == (role, areas)


@pytest.mark.parametrize("groups", [[], ["lain"], ["siaga-satpol"], {"siaga-admin": 1}, 7])
def test_who_no_rule_gives_a_role_and_an_area_stays_out(city: City, groups: Any) -> None:
    city.provider.claims["groups"] = groups
    assert city.sign_in().status_code == 403
    assert city.account() is None


# --- accounts that an admin made -----------------------------------------------------------------------------------


def test_without_provisioning_the_unknown_are_told_whom_to_ask(make_city: Callable[..., City]) -> None:
    city = make_city()
    refused = city.sign_in()
    assert refused.status_code == 403
    assert "Akun budi dikenal oleh SSO Kota, tetapi belum punya akses" in refused.text
    assert city.account() is None
    assert city.audited("sign_in.refused")


def test_an_account_that_waits_is_bound_once_and_keeps_what_the_admin_said(make_city: Callable[..., City]) -> None:
    city = make_city()
    with city.world.database.session() as session:
        people.add_user(session, "budi", people.SSO_ONLY, "satpol", ["31.71"], 1)
    assert Visitor(city.url).sign_in("budi", people.SSO_ONLY).status_code == 401, "it has no password"
    assert city.sign_in().status_code == 303
    row = city.account()
    assert row is not None
    assert (row.role, row.areas, row.subject) == ("satpol", ["31.71"], f"{city.provider.issuer}|u-1")
    city.provider.claims["sub"] = "u-2"
    assert city.sign_in().status_code == 403, "the second of that name does not get the account of the first"
    assert city.audited("person.bound") == [{"subject": f"{city.provider.issuer}|u-1"}]


def test_a_local_account_is_never_taken_over(city: City) -> None:
    city.provider.claims["preferred_username"] = "piket_gambir"
    refused = city.sign_in()
    assert refused.status_code == 403
    assert "sudah dipakai akun lokal" in refused.text
    row = city.account("piket_gambir")
    assert row is not None
    assert row.subject is None


def test_a_locked_account_stays_out(city: City) -> None:
    city.sign_in()
    with city.world.database.session() as session:
        people.set_disabled(session, "budi", True)
    assert city.sign_in().status_code == 403


def test_who_comes_from_the_provider_has_no_password_to_change(city: City) -> None:
    visitor = city.visitor()
    city.sign_in(visitor)
    page = visitor.get("/sandi").text
    assert "kata sandi Anda diatur di sana" in page
    assert 'name="new"' not in page


# --- what must not let anybody in ----------------------------------------------------------------------------------

LIES: dict[str, Callable[[Provider], None]] = {
    "forged signature": lambda p: setattr(p, "key", STRANGER),
    "no signature": lambda p: setattr(p, "algorithm", "none"),
    "public key as a password": lambda p: p.__dict__.update(key=PUBLISHED, algorithm="HS256"),
    "algorithm not allowed": lambda p: p.__dict__.update(key=BARE, algorithm="RS512"),
    "wrong nonce": lambda p: p.wrong.update(nonce="lain"),
    "no nonce": lambda p: p.wrong.update(nonce=None),
    "wrong audience": lambda p: p.wrong.update(aud="toko"),
    "several audiences, not for us": lambda p: p.wrong.update(aud=["siaga", "toko"], azp="toko"),
    "several audiences, no azp": lambda p: p.wrong.update(aud=["siaga", "toko"]),
    "no audience": lambda p: p.wrong.update(aud=None),
    "wrong issuer": lambda p: p.wrong.update(iss="https://jahat.example"),
    "no issuer": lambda p: p.wrong.update(iss=None),
    "over": lambda p: p.wrong.update(exp=1),
    "without end": lambda p: p.wrong.update(exp=None),
    "from the future": lambda p: p.wrong.update(iat=4_000_000_000),
    "nobody": lambda p: p.wrong.update(sub=None),
    "nameless": lambda p: p.wrong.update(preferred_username=None),
    "sub is a number": lambda p: p.wrong.update(sub=7),
    "sub is too long": lambda p: p.wrong.update(sub="x" * 500),
    "not a token": lambda p: p.broken.update({"/token": (200, b'{"id_token": "a.b.c"}')}),
    "token is a number": lambda p: p.broken.update({"/token": (200, b'{"id_token": 5}')}),
    "keys of nothing": lambda p: p.broken.update({"/jwks": (200, b'{"keys": []}')}),
    "keys that are none": lambda p: p.broken.update({"/jwks": (200, b'{"keys": [{"kty": "x"}, 3]}')}),
    "other issuer in discovery": lambda p: p.discovery.update(issuer="https://jahat.example"),
    "token endpoint without tls": lambda p: p.discovery.update(token_endpoint="http://jahat.example/token"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_lets_nobody_in(city: City, lie: str) -> None:
    visitor = city.visitor()
    back = city.there(visitor)
    LIES[lie](city.provider)
    answer = visitor.get(back)
    assert answer.status_code == 401
    assert "Jawaban SSO Kota tidak bisa dipercaya" in answer.text
    assert "siaga_session" not in visitor.cookies
    assert city.account() is None
    assert visitor.get("/").status_code == 303


def test_an_answer_is_taken_once(city: City) -> None:
    visitor = city.visitor()
    back = city.there(visitor)
    assert visitor.get(back).status_code == 303
    again = city.visitor()
    again.get("/masuk")
    replayed = again.get(back)
    assert replayed.status_code == 400
    assert "sudah dipakai" in replayed.text


def test_an_answer_counts_only_in_the_browser_that_asked(city: City) -> None:
    thief, victim = city.visitor(), city.visitor()
    back = city.there(thief)
    victim.get("/masuk")
    assert victim.get(back).status_code == 400, "nobody is signed in as somebody else by a link"
    assert "siaga_session" not in victim.cookies
    assert thief.get(back).status_code == 400, "and the state is spent"


@pytest.mark.parametrize("change", ["state", "none", "iss", "error", "code", "late"])
def test_an_answer_that_is_not_the_one_asked_for_is_refused(city: City, change: str) -> None:
    visitor = city.visitor()
    back = city.there(visitor)
    if change == "late":
        city.world.clock.turned_ms += LIFE_MS + 1
    changed = {
        "state": re.sub(r"state=[^&]+", "state=salah", back),
        "none": "/masuk/kembali",
        "iss": re.sub(r"iss=[^&]+", "iss=https://jahat.example", back),
        "error": re.sub(r"code=[^&]+", "error=access_denied", back),
        "code": re.sub(r"code=[^&]+", "code=curian", back),
        "late": back,
    }[change]
    answer = visitor.get(changed)
    assert answer.status_code in (400, 401, 503)
    assert "siaga_session" not in visitor.cookies
    assert 'name="password"' in answer.text, "the form of local accounts stands right there"


@pytest.mark.parametrize(
    "to",
    [
        "//jahat.example",
        "https://jahat.example/",
        "/\\jahat.example",
        "/masuk/sso",
        "/keluar/sso",
        "javascript:alert(1)",
    ],
)
def test_nobody_is_sent_elsewhere(city: City, to: str) -> None:
    assert city.sign_in(to=to).headers["location"] == "/"


def test_a_flood_of_beginnings_is_bounded(city: City) -> None:
    visitor = city.visitor()
    answers = [visitor.get("/masuk/sso").status_code for _ in range(MOST_PER_ADDRESS + 2)]
    assert answers[MOST_PER_ADDRESS - 1 :] == [303, 429, 429]
    city.world.clock.turned_ms += LIFE_MS + 1
    assert visitor.get("/masuk/sso").status_code == 303


# --- when the provider fails ----------------------------------------------------------------------------------------

FAULTS: dict[str, tuple[int, bytes]] = {
    "error": (500, b"{}"), "not json": (200, b"<html>"), "a list": (200, b"[]"), "too long": (200, b" " * 300_000),
    "redirect": (302, b""),
}  # fmt: skip


@pytest.mark.parametrize("path", ["/token", "/jwks", "/.well-known/openid-configuration"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_provider_that_fails_is_told_and_local_accounts_work(city: City, path: str, fault: str) -> None:
    visitor = city.visitor()
    back = city.there(visitor)
    city.provider.broken[path] = FAULTS[fault]
    answer = visitor.get(back)
    assert answer.status_code == 503
    assert "SSO Kota tidak menjawab" in answer.text
    assert visitor.sign_in("piket_gambir", PASSWORD).status_code == 303


def test_a_provider_that_is_away_or_hangs_is_told(
    make_city: Callable[..., City], monkeypatch: pytest.MonkeyPatch
) -> None:
    city = make_city(timeout_s=0.3)
    visitor, hang = city.visitor(), threading.Event()
    back = city.there(visitor)
    real = city.provider.answer

    def slow(*given: Any) -> Any:
        hang.wait(20)
        return real(*given)

    monkeypatch.setattr(city.provider, "answer", slow)
    assert visitor.get(back).status_code == 503
    assert visitor.get("/masuk/sso").status_code == 503
    hang.set()


def test_a_secret_that_is_not_set_lets_nobody_in(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SIAGA_OIDC_SECRET")
    answer = city.sign_in()
    assert answer.status_code == 401
    assert "SIAGA_OIDC_SECRET" not in answer.text
    assert "SIAGA_OIDC_SECRET" in city.audited("sign_in.refused")[0]["reason"]


def test_the_secret_may_go_into_the_form(city: City) -> None:
    city.provider.discovery["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
    assert city.sign_in().status_code == 303


# --- the way out, and without single sign-on ------------------------------------------------------------------------


def test_signing_out_leads_on_to_the_provider(city: City) -> None:
    visitor = city.visitor()
    city.sign_in(visitor)
    out = visitor.submit("/keluar", part=False)
    assert out.headers["location"] == "/keluar/sso"
    page = visitor.get("/keluar/sso").text
    assert f"{city.provider.issuer}/logout?client_id=siaga&amp;post_logout_redirect_uri=" in page
    assert visitor.get("/").status_code == 303, "the session here is over already"
    local = city.visitor()
    local.sign_in("piket_gambir")
    assert local.submit("/keluar", part=False).headers["location"] == "/masuk"
    city.provider.broken["/.well-known/openid-configuration"] = (500, b"")
    assert visitor.get("/keluar/sso").status_code == 200


def test_without_an_issuer_there_is_no_single_sign_on(world: World, url: str) -> None:
    visitor = Visitor(url)
    assert "sso" not in visitor.get("/masuk").text
    for path in ("/masuk/sso", "/masuk/kembali", "/keluar/sso"):
        assert visitor.get(path).status_code == 404


@pytest.mark.parametrize(
    ("oidc", "says"),
    [
        ({"issuer": "http://sso.example"}, "https"),
        ({"issuer": "https://sso.example", "scopes": ["profile"]}, "openid"),
        ({"issuer": "https://sso.example", "provision": True}, "rules"),
        ({"issuer": "https://sso.example", "rules": [{"value": "x", "role": "piket"}]}, "area"),
        ({"issuer": "https://sso.example", "rules": [{"value": "x", "role": "bos", "areas": ["*"]}]}, "piket"),
        ({"issuer": "https://sso.example", "client_secret": "tertulis"}, "env"),
    ],
)
def test_a_configuration_that_is_not_safe_is_refused(oidc: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Settings(desk={"public_url": HOME, "oidc": oidc})


def test_single_sign_on_needs_an_address_to_come_back_to() -> None:
    with pytest.raises(ValueError, match="public_url"):
        DeskAccess(oidc={"issuer": "https://sso.example"})
