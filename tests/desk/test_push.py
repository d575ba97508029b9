"""`/langganan`: a browser begins and ends to take notices, of known push services only, with keys that can be used."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from pipeline.ops.vapid import b64, load_key, new_key, point, public_text
from pipeline.store import push
from tests.desk.world import GAMBIR, MANGGARAI, Visitor, World

KEY = new_key()
ADDRESS = "https://fcm.googleapis.com/fcm/send/abc"
GOOD = {"p256dh": b64(point(ec.generate_private_key(ec.SECP256R1()).public_key())), "auth": b64(b"0123456789abcdef")}


@contextmanager
def served(folder: Path, *, enabled: bool = True) -> Iterator[tuple[World, Callable[[str], Visitor]]]:
    """A desk with Web Push."""
    world = World.build(folder)
    webpush = world.settings.alert.webpush.model_copy(update={"enabled": enabled})
    alert = world.settings.alert.model_copy(update={"webpush": webpush})
    world.settings = world.settings.model_copy(update={"alert": alert})
    try:
        with world.serve() as url:

            def visit(name: str) -> Visitor:
                visitor = Visitor(url)
                assert visitor.sign_in(name).status_code == 303
                return visitor

            yield world, visit
    finally:
        world.database.close()


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIAGA_VAPID_KEY", KEY)


def begin(visitor: Visitor, address: str = ADDRESS, **keys: str) -> int:
    """Send what a browser's page sends; return the status."""
    fields: dict[str, Any] = {"address": address, **GOOD, **keys}
    return visitor.submit("/langganan", **fields).status_code


def names(world: World, kelurahan: str = GAMBIR) -> list[str]:
    """Who has a browser that hears of a kelurahan."""
    with world.database.reading() as session:
        return sorted(row.user for row in push.subscribed(session, [kelurahan]))


def test_a_browser_begins_and_ends(tmp_path: Path) -> None:
    with served(tmp_path) as (world, visit):
        here = visit("piket_gambir")
        page = here.get("/langganan").text
        assert public_text(load_key(KEY, "x")) in page
        assert KEY not in page
        assert begin(here) == 204
        assert begin(here) == 204
        assert names(world) == ["piket_gambir"]
        assert names(world, MANGGARAI) == []
        gone = here.request("DELETE", "/langganan", data={"csrf": here.token(), "address": ADDRESS})
        assert gone.status_code == 204
        assert names(world) == []


def test_a_browser_that_somebody_else_uses_now_is_theirs(tmp_path: Path) -> None:
    with served(tmp_path) as (world, visit):
        begin(visit("piket_gambir"))
        other = visit("rekan_gambir")
        begin(other)
        assert names(world) == ["rekan_gambir"]
        first = visit("piket_gambir")
        first.request("DELETE", "/langganan", data={"csrf": first.token(), "address": ADDRESS})
        assert names(world) == ["rekan_gambir"]


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:9092/x", "https://evil.example/x", "https://fcm.googleapis.com.evil.example/x",
        "https://fcm.googleapis.com@evil.example/x", "http://fcm.googleapis.com/x", "file:///etc/passwd",
    ],
)  # fmt: skip
def test_no_other_server_is_ever_named(tmp_path: Path, address: str) -> None:
    with served(tmp_path) as (world, visit):
        assert begin(visit("piket_gambir"), address) == 422
        assert names(world) == []


@pytest.mark.parametrize(
    "keys", [{"p256dh": "AAAA"}, {"auth": "AAAA"}, {"p256dh": "%%%"}, {"auth": ""}, {"p256dh": "x" * 121}]
)
def test_keys_that_cannot_be_used_are_refused(tmp_path: Path, keys: dict[str, str]) -> None:
    with served(tmp_path) as (world, visit):
        assert begin(visit("piket_gambir"), **keys) == 422
        assert names(world) == []


def test_nothing_without_the_token_of_the_page(tmp_path: Path) -> None:
    with served(tmp_path) as (world, visit):
        here = visit("piket_gambir")
        for method in ("POST", "DELETE"):
            answer = here.request(method, "/langganan", data={"csrf": "x", "address": ADDRESS, **GOOD})
            assert answer.status_code == 403
        assert names(world) == []


def test_where_web_push_is_off_or_has_no_key_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(tmp_path / "off", enabled=False) as (world, visit):
        assert begin(visit("piket_gambir")) == 404
        assert names(world) == []
    monkeypatch.setenv("SIAGA_VAPID_KEY", "rusak")
    with served(tmp_path / "broken") as (world, visit):
        here = visit("piket_gambir")
        assert here.get("/langganan").status_code == 200
        assert begin(here) == 404
