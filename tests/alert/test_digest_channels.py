"""A storm and an escalation through the real channels, each before a server of its own."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pipeline.alert.channels import build
from pipeline.alert.content import read
from pipeline.alert.wording import words
from pipeline.bus.records import Incident
from pipeline.ops.alert_targets import Speech
from pipeline.ops.clock import now_ms
from pipeline.store import cap, people, push
from pipeline.store.database import Database
from tests.alert.channels.making import Request, Server, http_server
from tests.alert.channels.mosquitto import mosquitto
from tests.alert.channels.test_cap import check, said
from tests.alert.channels.test_mqtt import Siren
from tests.alert.channels.test_webpush import KEY, Browser
from tests.alert.city import City, sqlite
from tests.alert.making import GAMBIR, incident, webhook
from tests.alert.receiver import Receiver, receiver
from tests.waiting import wait_for

STORM = {"incidents": 5, "window_s": 60, "gather_s": 10, "every_s": 30, "lines": 40}
TOKEN = "123456:rahasia-bot-abcdef"


class Messages:
    """A small Bot API server: numbers its messages."""

    def __init__(self) -> None:
        self.number = 0

    def __call__(self, request: Request) -> tuple[int, bytes]:
        """Answer with the message that was sent or edited."""
        edited = request.json().get("message_id") if request.headers["content-type"].endswith("json") else None
        self.number += edited is None
        return 200, json.dumps({"ok": True, "result": {"message_id": edited or self.number}}).encode()


class Everybody:
    """A city with every channel, and the servers behind them."""

    def __init__(self, folder: Path, stack: ExitStack, database: Database) -> None:
        self.hook: Receiver = stack.enter_context(receiver())
        self.bot: Server = stack.enter_context(http_server(Messages()))
        self.service: Server = stack.enter_context(http_server(lambda _: (200, b"")))
        self.push: Server = stack.enter_context(http_server(lambda _: (201, b"")))
        self.broker = stack.enter_context(mosquitto(folder))
        self.siren, self.browser = Siren(self.broker.port), Browser()
        stack.callback(self.siren.close)
        self.city = City(
            folder,
            database,
            storm=STORM,
            webhooks=[webhook("a", self.hook.url)],
            telegram=[{"name": "rt", "token": "env:BOT", "chat": "-1001", "api": self.bot.url}],
            apprise=[{"name": "pos", "url": "env:POS"}],
            mqtt=[{"name": "sirene", "host": "127.0.0.1", "port": self.broker.port, "tls": False}],
            webpush={"enabled": True, "services": ["http://127.0.0.1:*"]},
            cap={"feed": "public"},
            escalation={"deadlines": {"fire": {"post_s": 3600}}},
        )
        with database.session() as session:
            people.add_user(session, "gambir", "x", "piket", [GAMBIR], now_ms())
            push.subscribe(session, "gambir", f"{self.push.url}/gambir", self.browser.keys, now_ms())
        secrets = {"BOT": TOKEN, "POS": self.service.url.replace("http", "json"), "SIAGA_VAPID_KEY": KEY}
        self.city.channels = build(self.city.settings, secrets, self.city.clock)
        self.city.again()
        for channel in self.city.channels:
            stack.callback(channel.close)

    def documents(self, id_: str) -> list[Any]:
        """The CAP documents of an incident that are in the feed, each validated."""
        with self.city.database.reading() as session:
            return [check(row.xml.encode()) for row in cap.of_incident(session, id_) if row.published]

    def pushed(self) -> list[Any]:
        """What the browser was shown."""
        return [self.browser.read(request) for request in self.push.requests]


@pytest.fixture
def everybody(tmp_path: Path) -> Iterator[Everybody]:
    """Every channel with a server behind it, on SQLite."""
    with sqlite(tmp_path) as database, ExitStack() as stack:
        yield Everybody(tmp_path, stack, database)


def test_a_storm_through_every_channel(everybody: Everybody) -> None:
    city, ids = everybody.city, [f"i{number}" for number in range(6)]
    for number in range(6):
        city.open(number)
    city.wait(10)
    city.deliver()

    (hook,) = everybody.hook.requests
    assert hook.body["notice"] == "digest"
    assert [one["incident"]["id"] for one in hook.body["incidents"]] == ids
    assert everybody.hook.forged == []
    (message,) = everybody.bot.requests
    assert message.path.endswith("/sendMessage")
    _lists(message.json()["text"])
    (mail,) = everybody.service.requests
    _lists(f"{mail.json()['title']}\n{mail.json()['message']}")
    (shown,) = everybody.pushed()
    assert (shown["title"], shown["url"]) == ("6 kejadian dalam waktu singkat", "/")
    for id_ in ids:
        (document,) = everybody.documents(id_)
        assert said(document, "c:msgType") == ["Alert"]
    wait_for(lambda: everybody.siren.states(), what="the siren")
    wait_for(lambda: json.loads(everybody.siren.states()[-1].payload)["incidents"] == ids, what="all six")
    assert everybody.siren.activations == 1

    for id_ in ids:
        city.take(incident(id_, revision=2, state="closed"))
    city.deliver()
    assert [len(one.requests) for one in (everybody.hook, everybody.bot, everybody.service, everybody.push)] == [1] * 4
    assert said(everybody.documents("i0")[-1], "c:info/c:responseType") == ["AllClear"] * 2
    wait_for(lambda: not everybody.siren.on, what="the siren to stop")


def _lists(text: str) -> None:
    """Check that a digest's text has a title and a line for each of six incidents, whole."""
    title, *lines = text.splitlines()
    assert title == "6 kejadian dalam waktu singkat"
    assert [line.split(". ")[0] for line in lines] == ["1", "2", "3", "4", "5", "6"]
    assert all("Kebakaran" in line and "Kamera cam-1, Gambir" in line for line in lines)


@pytest.mark.parametrize("speech", ["id", "en"])
def test_the_longest_digest_fits_one_message_and_drops_nothing(speech: Speech) -> None:
    one = {
        "notice": "escalated",
        "incident": {"id": "i" * 120, "kind": "fire", "first_seen_ms": 1_790_000_000_000},
        "camera": {"name": "Jalan Jenderal Sudirman " * 8},
        "kelurahan": {"name": "Kebon Kacang"},
        "told": "alone",
    }
    content = read({"notice": "digest", "part": [2, 3], "incidents": [one] * 40})
    told = words(content, speech, ZoneInfo("Asia/Jakarta"))
    assert len(f"{told.title}\n{told.text}") <= 4096
    assert len(told.text.splitlines()) == 40
    assert all("Jalan Jenderal Su" in line and line.endswith(")") for line in told.text.splitlines())
    assert "(bagian 2 dari 3)" in told.title or "(part 2 of 3)" in told.title


def test_one_incident_is_one_notice_then_updates_in_place(everybody: Everybody) -> None:
    city = everybody.city
    for record in _story():
        city.take(record)
        city.deliver()
    first, *edits = everybody.bot.requests
    assert first.path.endswith("/sendMessage")
    assert [(edit.path.rpartition("/")[2], edit.json()["message_id"]) for edit in edits] == [("editMessageText", 1)] * 2
    alert, *updates = everybody.documents("i1")
    assert said(alert, "c:msgType") == ["Alert"]
    assert [said(one, "c:msgType") for one in updates] == [["Update"]] * 2
    assert said(alert, "c:identifier")[0] in said(updates[-1], "c:references")[0]
    assert {shown["tag"] for shown in everybody.pushed()} == {"siaga-i1"}, "the browser replaces by its tag"
    assert everybody.siren.activations == 1
    assert [row.notice for row in city.rows("i1") if row.channel == "desk"] == ["opened"], "the desk shows its own card"


def _story() -> Iterator[Incident]:
    """One incident from its opening to its end."""
    yield incident()
    yield incident(revision=2, state="updated", score=0.9)
    yield incident(revision=3, state="closed")


@pytest.fixture
def escalated(everybody: Everybody) -> Callable[[str], list[Any]]:
    """Let the city's Telegram and CAP feed be those of the kecamatan, and escalate one incident to them."""
    city = everybody.city
    alert = city.settings.alert
    levels = alert.escalation.targets.model_copy(update={"kecamatan": ("telegram:rt", "cap:feed", "apprise:pos")})
    section = alert.model_copy(update={"escalation": alert.escalation.model_copy(update={"targets": levels})})
    city.settings = city.settings.model_copy(update={"alert": section})
    city.again()
    city.open(1)
    city.deliver()
    city.wait(3600)
    city.deliver()
    return everybody.documents


def test_an_escalation_rings_and_says_who_was_asked(
    everybody: Everybody, escalated: Callable[[str], list[Any]]
) -> None:
    city = everybody.city
    city.take(incident("i1", revision=2, state="closed"))
    city.deliver()
    rung, edit = everybody.bot.requests
    assert rung.path.endswith("/sendMessage")
    assert edit.json()["message_id"] == 1, "the end stands where it rang last"
    text = rung.json()["text"]
    assert text.startswith("BELUM ADA YANG MENERIMA. Kebakaran")
    assert "Sudah ditanya, tidak ada yang menerima: Kelurahan Gambir (3600 detik)" in text
    assert "Kelurahan Gambir (3600 detik)" in everybody.service.requests[0].json()["message"]
    document = escalated("i1")[0]
    assert said(document, "c:info/c:headline")[0].startswith("BELUM ADA YANG MENERIMA")
    assert "Kelurahan Gambir (3600 s)" in said(document, "c:info/c:description")[1]
