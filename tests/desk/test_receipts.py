"""Receipts from outside: signed by a webhook's receiver, or with the token that a Web Push carried; once a person."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from pipeline.ops.signature import MAX_AGE_MS, is_signed, push_token, sign
from pipeline.store import push
from pipeline.store.incidents import get
from pipeline.store.outbox import Order, complete, enqueue, lease
from pipeline.store.receipts import arrivals_since
from pipeline.store.timeline import events_of
from tests.alert.channels.proof import proves
from tests.desk.world import Visitor, World

SECRET = "rahasia-damkar-0123456789"
VAPID = "kunci-vapid-uji"
KEY = "kejadian-1:opened:webhook:damkar"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A desk with two receivers, one of which may accept, an incident, and a notice that each was sent."""
    monkeypatch.setenv("SIAGA_VAPID_KEY", VAPID)
    made = World.build(tmp_path)
    hooks = [
        {"name": "damkar", "url": "http://x/", "secret": SECRET, "may_accept": True},
        {"name": "bpbd", "url": "http://x/", "secret": SECRET[::-1]},
    ]
    alert = type(made.settings.alert).model_validate({**made.settings.alert.model_dump(), "webhooks": hooks})
    made.settings = made.settings.model_copy(update={"alert": alert})
    record = made.raise_incident()
    for target in ("webhook:damkar", "webhook:bpbd", "webpush:piket"):
        channel = target.split(":")[0]
        with made.database.session() as session:
            enqueue(
                session,
                Order(record.id, 0, "opened", target, channel, f"{record.id}:opened:{target}", {}),
                made.clock(),
            )
            complete(session, lease(session, channel, made.clock(), 1000)[0], made.clock(), {"receipt": "accepted"})
    yield made
    made.database.close()


def send(world: World, url: str, name: str = "damkar", secret: str = SECRET, late_ms: int = 0, **body: Any) -> int:
    """Post a receipt as a receiver does; return the status."""
    raw = json.dumps({"idempotency_key": KEY, "receipt": "seen", **body}).encode()
    timestamp = str(world.clock() - late_ms)
    headers = {"x-siaga-timestamp": timestamp, "x-siaga-signature": sign(secret.encode(), timestamp, raw)}
    return httpx.post(f"{url}/kwitansi/webhook/{name}", content=raw, headers=headers).status_code


def told(world: World) -> list[tuple[str, str]]:
    """What receipts said, and of whom."""
    with world.database.reading() as session:
        events = events_of(session, "kejadian-1")
    return [(one.what, one.actor) for one in events if one.what in ("seen", "arrived", "acknowledged", "decided")]


def test_what_a_receiver_says_is_in_the_timeline_once(world: World, url: str, visit: Callable[[str], Visitor]) -> None:
    world.clock.turned_ms += 7_000
    assert send(world, url, receipt="delivered") == 204
    for _ in range(2):
        assert send(world, url, receipt="seen", by="Budi  Santoso") == 204
    assert send(world, url, receipt="seen", by="Siti") == 204
    assert told(world) == [("arrived", "damkar"), ("seen", "Budi Santoso (damkar)"), ("seen", "Siti (damkar)")]
    with world.database.reading() as session:
        _, arrivals = arrivals_since(session, 0)
    assert [one.kind for one in arrivals] == ["fire"]
    assert arrivals[0].seconds >= 7
    page = visit("piket_gambir").get("/kejadian/kejadian-1").text
    assert "Dilihat oleh Budi Santoso (damkar)" in page
    assert "Kabar tampil pada damkar" in page


@proves("webhook", "later")
def test_an_acknowledgement_accepts_where_the_receiver_may(world: World, url: str) -> None:
    other: dict[str, Any] = {
        "name": "bpbd",
        "secret": SECRET[::-1],
        "idempotency_key": "kejadian-1:opened:webhook:bpbd",
    }
    assert send(world, url, receipt="acknowledged", by="Siti", **other) == 204
    with world.database.reading() as session:
        row = get(session, "kejadian-1")
        assert row is not None
        assert row.decision == "waiting"
    assert send(world, url, receipt="acknowledged", by="Budi") == 204
    assert send(world, url, receipt="acknowledged", by="Budi") == 204
    with world.database.reading() as session:
        row = get(session, "kejadian-1")
        assert row is not None
        assert (row.decision, row.decision_by) == ("accepted", "Budi (damkar)")
    assert told(world) == [
        ("acknowledged", "Siti (bpbd)"), ("acknowledged", "Budi (damkar)"), ("decided", "Budi (damkar)"),
    ]  # fmt: skip


def test_nobody_else_can_say_it(world: World, url: str) -> None:
    assert send(world, url, secret="x" * 20) == 403
    assert send(world, url, name="bpbd") == 403
    assert send(world, url, name="tidak-ada") == 403
    assert send(world, url, late_ms=MAX_AGE_MS + 60_000) == 403
    assert send(world, url, late_ms=-MAX_AGE_MS - 60_000) == 403
    assert httpx.post(f"{url}/kwitansi/webhook/damkar", content=b"{}").status_code == 403
    assert httpx.get(f"{url}/kwitansi/webhook/damkar").status_code in (303, 401, 405)
    assert send(world, url, name="bpbd", secret=SECRET[::-1]) == 404  # that notice was for another
    assert send(world, url, idempotency_key="x") == 404
    assert send(world, url, receipt="liked") == 422
    assert send(world, url, idempotency_key="a\0b") == 422
    assert send(world, url, by="x" * 5000) == 413
    assert told(world) == []


@proves("webpush", "later")
def test_a_browser_confirms_with_the_token_of_its_notice(world: World, url: str) -> None:
    with world.database.session() as session:
        push.subscribe(session, "piket_gambir", "https://fcm.googleapis.com/x", ("p", "a"), world.clock())
        (browser,) = push.subscribed(session, ["31.71.01.1001"])
    key = "kejadian-1:opened:webpush:piket"

    def confirm(receipt: str, token: str = push_token(VAPID, browser.id, key), **other: Any) -> int:
        said = {"browser": browser.id, "key": key, "token": token, "receipt": receipt, **other}
        return httpx.post(f"{url}/kwitansi/push", json=said).status_code

    assert confirm("delivered") == 204
    assert confirm("seen") == confirm("seen") == 204
    assert told(world) == [("arrived", "piket_gambir"), ("seen", "piket_gambir")]
    assert confirm("acknowledged") == 403
    assert confirm("seen", browser=browser.id + 1) == 403
    assert confirm("seen", key=KEY) == 403
    assert confirm("seen", token="0" * 64) == 403
    assert confirm("seen", token=push_token(VAPID, browser.id, KEY), key=KEY) == 404
    assert confirm("seen", token=push_token(VAPID, 99, key), browser=99) == 404
    assert len(told(world)) == 2


def test_signatures() -> None:
    good = sign(b"s", "1000", b"body")
    assert is_signed(b"s", "1000", good, b"body", 1000)
    for secret, timestamp, body, now in (
        (b"t", "1000", b"body", 1000), (b"s", "1001", b"body", 1000), (b"s", "1000", b"bodi", 1000),
        (b"s", "1000", b"body", 1001 + MAX_AGE_MS),
    ):  # fmt: skip
        assert not is_signed(secret, timestamp, good, body, now)
    assert not is_signed(b"s", "x", sign(b"s", "x", b""), b"", 0)
