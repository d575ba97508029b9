"""Web Push against a real push receiver that decrypts (http_ece) and checks the VAPID signature."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import http_ece
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from pipeline.alert.channels.base import Retry, Sent
from pipeline.alert.channels.webpush import REMOVED, WebPushChannel
from pipeline.ops.clock import now_ms
from pipeline.ops.errors import ConfigError
from pipeline.ops.signature import push_token
from pipeline.ops.vapid import b64, load_key, new_key, point, unb64
from pipeline.store import people, push
from pipeline.store.places import add_places
from tests.alert.channels.making import Request, Store, http_server, incident, next_of
from tests.alert.channels.proof import proves

KEY = new_key()


class Browser:
    """A browser's keys."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.auth = hashlib.sha256(b"auth").digest()[:16]

    @property
    def keys(self) -> tuple[str, str]:
        return b64(point(self.key.public_key())), b64(self.auth)

    def read(self, request: Request) -> Any:
        return json.loads(http_ece.decrypt(request.body, private_key=self.key, auth_secret=self.auth))


def signed(request: Request, origin: str) -> bool:
    """Check the token as a push service does (RFC 8292)."""
    scheme, rest = request.headers["authorization"].split(" ", 1)
    token, public = (part.strip().partition("=")[2] for part in rest.split(","))
    head, claims, signature = token.split(".")
    raw = unb64(signature)
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unb64(public))
    key.verify(der, f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))
    said = json.loads(unb64(claims))
    return scheme == "vapid" and said["aud"] == origin and now_ms() / 1000 < said["exp"] < now_ms() / 1000 + 86_400


def begin(store: Callable[..., Store], people_: dict[str, list[str]]) -> Store:
    here = store(webpush={"enabled": True, "services": ["http://127.0.0.1:*"]})
    with here.database.session() as session:
        for name, areas in people_.items():
            people.add_user(session, name, "x", "piket", areas, now_ms())
    return here


def subscribe(here: Store, name: str, address: str, browser: Browser) -> None:
    with here.database.session() as session:
        push.subscribe(session, name, address, browser.keys, now_ms())


def channel(here: Store) -> WebPushChannel:
    made = WebPushChannel.build(here.settings, {"SIAGA_VAPID_KEY": KEY}, now_ms)[0]
    assert isinstance(made, WebPushChannel)
    return made


@proves("webpush", "in_place", "receipt", "signed")
def test_who_has_the_area_reads_it(store: Callable[..., Store]) -> None:
    here, browser = begin(store, {"gambir": ["31.71.01"], "tebet": ["31.74"]}), Browser()
    with http_server(lambda _: (201, b"")) as service:
        subscribe(here, "gambir", f"{service.url}/gambir", browser)
        subscribe(here, "tebet", f"{service.url}/tebet", Browser())
        sender, first = channel(here), incident("i1")
        outcome = sender.deliver(here.row(first, "webpush:piket"))
        assert outcome == Sent({"receipt": "accepted", "browsers": 1, "removed": 0, "refused": 0})
        sender.deliver(here.row(next_of(first, "closed"), "webpush:piket", "closed"))
        sender.close()
        assert [request.path for request in service.requests] == ["/gambir", "/gambir"]
        assert all(signed(request, service.url) for request in service.requests)
    opened, closed = (browser.read(request) for request in service.requests)
    assert opened["title"].startswith("Kebakaran: ")
    assert opened["url"] == "/kejadian/i1"
    assert opened["tag"] == closed["tag"]
    assert closed["quiet"]
    assert service.requests[0].headers["topic"] == service.requests[1].headers["topic"]


def test_a_person_named_in_a_roster_hears_alone_and_neighbours_hear_with_everybody(
    store: Callable[..., Store],
) -> None:
    here = begin(store, {"gambir": ["31.71.01"], "tebet": ["31.74"]})
    with http_server(lambda _: (201, b"")) as service:
        for name in ("gambir", "tebet"):
            subscribe(here, name, f"{service.url}/{name}", Browser())
        sender = channel(here)
        sender.deliver(here.row(incident("i1"), "webpush:tebet"))
        assert [request.path for request in service.requests] == ["/tebet"]
        near = here.row(incident("i2"), "webpush:piket")
        with here.database.session() as session:
            add_places(session, "i2", ["31.74.01.1007"])
        sender.deliver(near)
        sender.close()
        assert sorted(request.path for request in service.requests[1:]) == ["/gambir", "/tebet"]


@proves("webpush", "marked")
def test_a_drill_is_marked_and_its_token_is_the_browsers_own(store: Callable[..., Store]) -> None:
    here, browser = begin(store, {"gambir": ["31.71.01"]}), Browser()
    with http_server(lambda _: (201, b"")) as service:
        subscribe(here, "gambir", f"{service.url}/gambir", browser)
        sender, row = channel(here), here.row(incident("i1"), "webpush:piket", "drill", test=True)
        assert isinstance(sender.deliver(row), Sent)
        sender.close()
    said = browser.read(service.requests[0])
    assert said["title"].startswith("LATIHAN / UJI COBA, BUKAN KEJADIAN. Latihan: ")
    assert said["url"] == "/"
    assert said["token"] == push_token(KEY, said["browser"], row.idempotency_key) != ""


@proves("webpush", "retry")
def test_only_who_was_left_out_is_tried_again(store: Callable[..., Store]) -> None:
    here = begin(store, {"a": ["*"], "b": ["*"], "c": ["*"]})
    down = {"/b"}
    codes = {"/c": 410}
    with http_server(lambda r: (503 if r.path in down else codes.get(r.path, 201), b"")) as service:
        for name in "abc":
            subscribe(here, name, f"{service.url}/{name}", Browser())
        sender, row, before = channel(here), here.row(incident("i1"), "webpush:piket"), _removed()
        outcome = sender.deliver(row)
        assert isinstance(outcome, Retry)
        assert outcome.label == "http_5xx"
        assert service.url not in outcome.reason
        down.clear()
        assert isinstance(sender.deliver(row), Sent)
        sender.close()
    assert sorted(request.path for request in service.requests) == ["/a", "/b", "/b", "/c"]
    assert _removed() == before + 1
    with here.database.reading() as session:
        assert [one.user for one in push.subscribed(session, ["31.71.01.1001"])] == ["a", "b"]


def _removed() -> float:
    return REMOVED.labels("gone")._value.get()


def test_an_address_elsewhere_is_never_called(store: Callable[..., Store]) -> None:
    here = begin(store, {"a": ["*"]})
    subscribe(here, "a", "http://169.254.169.254/latest", Browser())
    sender = channel(here)
    outcome = sender.deliver(here.row(incident("i1"), "webpush:piket"))
    sender.close()
    assert isinstance(outcome, Sent)
    assert outcome.receipt["removed"] == 1


def test_a_key_is_made_once_and_checked() -> None:
    assert len(unb64(new_key())) == 32
    for wrong in ("", "abc", "!!!", b64(b"\0" * 32)):
        with pytest.raises(ConfigError, match=r"^alert\.webpush\.key: not a VAPID private key"):
            load_key(wrong, "alert.webpush.key")
