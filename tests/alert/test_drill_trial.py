"""`siaga alert test`: a running stage sends it by every channel, and the receipts come back."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from typer.testing import CliRunner

from pipeline.alert.channels import build
from pipeline.alert.drill_trial import MARK, Trial, check_stage, post_of, table
from pipeline.alert.lane import Lane
from pipeline.alert.rules import rules_of
from pipeline.cli.options import app
from pipeline.ops.clock import now_ms
from pipeline.ops.errors import ConfigError
from pipeline.ops.settings import Settings, load_settings
from pipeline.store import drills
from pipeline.store.database import Database, open_database
from pipeline.store.health import StoredHealth, save_health
from pipeline.store.incidents import list_incidents
from pipeline.store.outbox import of_incident
from pipeline.store.timeline import events_of
from tests.alert.channels.mosquitto import mosquitto
from tests.alert.channels.proof import proves
from tests.alert.making import GAMBIR, SENEN, registry, settings_at, webhook
from tests.alert.receiver import receiver
from tests.brokers import free_port
from tests.waiting import wait_for


@contextmanager
def lanes(settings: Settings, database: Database, environment: dict[str, str] | None = None) -> Iterator[None]:
    """The delivering part of a running stage, and its word that it works."""
    stop = threading.Event()
    channels = build(settings, environment or {}, now_ms)
    made = [Lane(one, database, settings.alert, "w", stop, now_ms, lambda: 1.0) for one in channels]
    with database.session() as session:
        save_health(session, StoredHealth("alert", "alert-0", now_ms(), True, "working"))
    for lane in made:
        lane.start()
    try:
        yield
    finally:
        stop.set()
        for lane in made:
            lane.wake()
            lane.join(20)


class Mailbox:
    """Takes mail."""

    def __init__(self) -> None:
        self.mails: list[str] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.mails.append(envelope.content.decode())
        return "250 OK"


@proves("webhook", "marked")
@proves("apprise", "marked")
def test_every_channel_of_the_post_and_its_receipt(tmp_path: Path, url: str, database: Database) -> None:
    box = Mailbox()
    mail = Controller(box, hostname="127.0.0.1", port=free_port())
    mail.start()
    environment = {
        "MAIL": f"mailto://127.0.0.1:{mail.port}/?from=siaga@x.id&to=posko@x.id&smtp=127.0.0.1&mode=insecure"
    }
    try:
        with receiver() as post, mosquitto(tmp_path) as broker:
            alert = {
                "cap": {"feed": "public"},
                "mqtt": [{"name": "sirene", "host": "127.0.0.1", "port": broker.port, "tls": False}],
                "apprise": [{"name": "surel", "url": "env:MAIL", "kinds": ["flood"]}],
                "lease_s": 30,
            }
            elsewhere = webhook("senen", post.url, kelurahan=[SENEN])
            settings = settings_at(tmp_path, webhook("a", post.url), elsewhere, alert=alert, store={"url": url})
            with lanes(settings, database, environment):
                trial = Trial(rules_of(settings, registry()), database, now_ms, time.sleep)
                report = trial.run(GAMBIR, 30)
    finally:
        mail.stop()
    assert {receipt.target: receipt.receipt for receipt in report.receipts} == {
        f"desk:{GAMBIR}": "delivered",
        "webhook:a": "delivered",
        "cap:feed": "delivered",
        "mqtt:sirene": "accepted by provider",
        "apprise:surel": "accepted by provider",
    }
    assert report.ok
    assert [request.body["test"] for request in post.requests] == [True]
    assert "BUKAN_KEJADIAN" in box.mails[0] or "BUKAN KEJADIAN" in box.mails[0]
    lines = list(table(report))
    assert lines[0].startswith(f"{MARK} · {GAMBIR} Gambir")
    assert sum(line.startswith("ok ") for line in lines) == 5
    with database.reading() as session:
        assert list_incidents(session) == []
        assert [event.what for event in events_of(session, report.id)].count("delivered") == 5


def test_a_channel_that_fails_is_named_and_nothing_arrives_late(tmp_path: Path, database: Database, url: str) -> None:
    with receiver(lambda _: "404") as gone, receiver(lambda _: "500") as down:
        targets = webhook("gone", gone.url), webhook("down", down.url)
        settings = settings_at(tmp_path, *targets, store={"url": url})
        with lanes(settings, database):
            report = Trial(rules_of(settings, registry()), database, now_ms, time.sleep).run(GAMBIR, 1.0)
        words = {receipt.target: (receipt.receipt, receipt.detail) for receipt in report.receipts}
    assert not report.ok
    assert words["webhook:gone"] == ("given up", "HTTP 404: maaf")
    assert words["webhook:down"][0] == "no answer"
    assert words["webhook:down"][1].startswith("HTTP 500: maaf")
    with database.reading() as session:
        states = {row.target: row.state for row in of_incident(session, report.id)}
    assert states["webhook:down"] in ("superseded", "leased")


def test_a_person_who_accepts_is_in_the_report(tmp_path: Path, url: str, database: Database) -> None:
    settings = settings_at(tmp_path, store={"url": url})
    begun = threading.Event()

    def accept() -> None:
        assert begun.wait(20)
        with database.reading() as session:
            running = drills.running(session, [GAMBIR], now_ms())
        with database.session() as session:
            assert drills.answer(session, running[0].id, "budi", now_ms()).ok

    person = threading.Thread(target=accept)
    person.start()

    def pause(seconds: float) -> None:
        begun.set()
        time.sleep(seconds)

    with lanes(settings, database):
        report = Trial(rules_of(settings, registry()), database, now_ms, pause).run(GAMBIR, 10, 20)
    person.join(20)
    assert report.accepted_by == "budi"
    assert list(table(report))[-1].startswith("accepted at the desk by budi after ")
    assert report.document()["accepted"]["by"] == "budi"


def test_a_post_is_known_by_code_or_name(tmp_path: Path) -> None:
    posts = [
        {"name": "posko-senen", "kelurahan": ["31.71.04"], "targets": ["webhook:a"]},
        {"name": "pusat", "targets": ["webhook:a"]},
    ]
    settings = settings_at(tmp_path, webhook("a", "http://x/"), alert={"duty": {"posts": posts}})
    rules = rules_of(settings, registry())
    assert post_of(rules, GAMBIR) == GAMBIR
    assert post_of(rules, "posko-senen") == SENEN
    with pytest.raises(ConfigError, match="serves the whole city"):
        post_of(rules, "pusat")
    with pytest.raises(ConfigError, match=r"31\.71\.01\.1002.*near: 31\.71\.01\.1001"):
        post_of(rules, "31.71.01.1002")


def test_a_stage_that_does_not_run_is_told(database: Database) -> None:
    with pytest.raises(ConfigError, match="has never run"):
        check_stage(database, now_ms(), 1000)
    with database.session() as session:
        save_health(session, StoredHealth("alert", "alert-0", now_ms() - 60_000, True, "working"))
    with pytest.raises(ConfigError, match="silent for 60 s"):
        check_stage(database, now_ms(), 1000)


def config_of(folder: Path, url: str) -> Path:
    """A configuration with one webhook."""
    file = folder / "siaga.yaml"
    (folder / "cameras.csv").write_text("id,name,url,kelurahan,lat,lng,categories,owner,kinds,masks,public\n")
    (folder / "kelurahan.csv").write_text(
        "kode,nama,kecamatan,kota,lat,lng\n31.71.01.1001,Gambir,Gambir,Jakarta Pusat,-6.17,106.82\n"
    )
    target = {"name": "a", "url": url, "secret": "rahasia-penerima-0123456789"}
    alert = {"webhooks": [target], "retry_min_s": 0.05, "retry_max_s": 0.4}
    file.write_text(json.dumps({"data_dir": str(folder), "alert": alert}))
    return file


def test_the_command_prints_receipts_and_its_exit_code_tells(tmp_path: Path) -> None:
    answers = ["ok"]
    with receiver(lambda _: answers[0]) as post:
        config = config_of(tmp_path, post.url)
        command = ["alert", "test", "--post", "31.71.01.1001", "--config", str(config), "--timeout", "15"]
        assert "has never run" in str(CliRunner().invoke(app, command).exception)
        settings = load_settings(config, None)
        database = open_database(settings)
        with lanes(settings, database):
            good = CliRunner().invoke(app, [*command, "--json"])
            answers[0] = "403"
            bad = CliRunner().invoke(app, command)
        database.close()
    assert good.exit_code == 0, good.output
    document = json.loads(good.output)
    assert (document["ok"], document["marked"]) == (True, MARK)
    assert {one["target"]: one["receipt"] for one in document["channels"]} == {
        "desk:31.71.01.1001": "delivered",
        "webhook:a": "delivered",
    }
    assert bad.exit_code == 1
    assert "FAILED  webhook:a" in bad.output
    assert wait_for(lambda: len(post.requests) == 2)
