"""Chaos: a receiver that fails in every way and comes back; a sender that is killed between sending and recording."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from prometheus_client import REGISTRY, CollectorRegistry

from pipeline.alert.channels import build
from pipeline.alert.channels.webhook import WebhookChannel
from pipeline.alert.intake import Intake
from pipeline.alert.lane import Lane
from pipeline.alert.rules import Rules
from pipeline.alert.worker import takes_of
from pipeline.bus.records import Incident
from pipeline.ops.clock import now_ms
from pipeline.ops.metrics import WholeFiles
from pipeline.ops.settings import Settings
from pipeline.store.database import Database
from pipeline.store.outbox import of_incident
from pipeline.store.timeline import events_of
from tests.alert.channels.mosquitto import mosquitto
from tests.alert.channels.proof import proves
from tests.alert.making import T0, incident, registry, settings_at, webhook
from tests.alert.receiver import Receiver, receiver
from tests.shared import REPO
from tests.waiting import wait_for

NO_STORM = {"incidents": 100_000}
SEED = 20261124


class Writer:
    """Writes incidents as the stage does: with their notices, in one transaction."""

    def __init__(self, settings: Settings, database: Database) -> None:
        takes = takes_of(build(settings, {}, now_ms))
        self._intake, self._database = Intake(Rules(registry(), settings.alert), takes), database
        self.records: dict[str, Incident] = {}

    def write(self, record: Incident, at_ms: int) -> None:
        self.records[record.id] = record
        self._database.transact(lambda session: self._intake.take(session, record, at_ms))

    def close(self, id_: str, at_ms: int) -> None:
        before = self.records[id_]
        end = {"state": "closed", "revision": before.revision + 1, "closed_ms": before.updated_ms}
        self.write(before.model_copy(update=end), at_ms)


def repeated(reason: str) -> float:
    return REGISTRY.get_sample_value("siaga_alert_repeated_total", {"channel": "webhook", "reason": reason}) or 0.0


@proves("webhook", "retry")
def test_a_receiver_that_fails_in_every_way_and_is_back_after_ten_minutes(
    tmp_path: Path, url: str, database: Database
) -> None:
    ways = ["500", "hang", "drop", "after", "503", "drip"]
    with receiver(lambda number: ways[number % len(ways)]) as post:
        alert = {"retry_min_s": 1, "retry_max_s": 120, "lease_s": 30, "storm": NO_STORM}
        settings = settings_at(tmp_path, webhook("a", post.url, timeout_s=0.3), alert=alert, store={"url": url})
        now = T0 + 4000

        def clock() -> int:
            return now

        channel = WebhookChannel.build(settings, {}, clock)[0]
        lane = Lane(channel, database, settings.alert, "w", threading.Event(), clock, lambda: 0.5)
        writer, unanswered = Writer(settings, database), repeated("unanswered")
        for number in range(12):
            writer.write(incident(f"i{number}"), now)
        for _ in range(120):  # ten minutes
            lane.work()
            now += 5000
        tried, taken = post.count, sum(len(copies) for copies in post.taken().values())
        assert 6 < tried < 40  # the circuit breaker spares it
        post.behave = lambda _: "ok"
        for _ in range(60):
            lane.work()
            now += 5000
        channel.close()
    assert post.forged == []
    assert set(post.taken()) == {f"i{number}:opened:webhook:a" for number in range(12)}
    copies = sum(len(found) - 1 for found in post.taken().values())
    assert 0 < taken <= copies + 12
    assert repeated("unanswered") - unanswered >= copies > 0
    for found in post.taken().values():
        assert len({one.raw for one in found}) == 1
    with database.reading() as session:
        rows = [row for number in range(12) for row in of_incident(session, f"i{number}") if row.channel == "webhook"]
    assert {row.state for row in rows} == {"sent"}


@dataclass
class Relay:
    """A relay behind the broker: follows `state`, ignores what is older than what it knows."""

    switched_on: Counter[str] = field(default_factory=Counter)
    keys: Counter[str] = field(default_factory=Counter)
    _known: dict[str, tuple[int, frozenset[str]]] = field(default_factory=dict)

    @property
    def still_on(self) -> frozenset[str]:
        """The incidents for which something is switched on."""
        return frozenset().union(*(active for _, active in self._known.values()))

    def heard(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        said = json.loads(message.payload)
        given: Any = message.properties
        self.keys[dict(given.UserProperty)["idempotency-key"]] += 1
        version, active = self._known.get(message.topic, (0, frozenset()))
        if said["version"] >= version:
            now = frozenset(said["incidents"])
            assert said["state"] == ("on" if now else "off")
            self.switched_on.update(now - active)
            self._known[message.topic] = (said["version"], now)


@contextmanager
def relay(port: int) -> Iterator[Relay]:
    """A relay that listens."""
    made, ready = Relay(), threading.Event()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, "relay", protocol=mqtt.MQTTv5)
    client.on_message = made.heard
    client.on_subscribe = lambda *_: ready.set()
    client.connect("127.0.0.1", port)
    client.loop_start()
    client.subscribe("siaga/+/+", qos=1)
    assert ready.wait(20)
    try:
        yield made
    finally:
        client.disconnect()
        client.loop_stop()


class Nursery:
    """The process that forks the senders."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        file, self.metrics = folder / "settings.json", folder / "metrics"
        file.write_text(settings.model_dump_json())
        self.metrics.mkdir()
        environment = {**os.environ, "SIAGA_INSTANCE": "alert-0", "PROMETHEUS_MULTIPROC_DIR": str(self.metrics)}
        self.log = (folder / "nursery.log").open("w+b")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.alert.nursery", str(file)],
            cwd=REPO, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True,
        )  # fmt: skip

    def life(self, deliveries: int) -> int:
        """Let a sender live for so many deliveries (0: until nothing waits); return how it ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{deliveries}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def counted(self, name: str) -> float:
        """Return a counter over all senders."""
        own = CollectorRegistry()
        own.register(WholeFiles(self.metrics))
        return sum(one.value for metric in own.collect() for one in metric.samples if one.name == name)

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)
        self.log.close()


@pytest.mark.timeout(300)
@proves("desk", "retry")
def test_killed_between_sending_and_recording_a_hundred_times(tmp_path: Path, url: str, database: Database) -> None:
    kills = 100 if url.startswith("sqlite") else 12
    draw = random.Random(SEED)
    moods = random.Random(SEED + 1)

    def behave(_number: int) -> str:
        return moods.choices(["ok", "after", "500"], [90, 5, 5])[0]

    with (
        receiver(behave) as damkar,
        receiver(behave) as city,
        mosquitto(tmp_path) as broker,
        relay(broker.port) as siren,
    ):
        alert = {
            "mqtt": [{"name": "sirene", "host": "127.0.0.1", "port": broker.port, "tls": False}],
            "storm": NO_STORM, "lease_s": 30, "retry_min_s": 0.02, "retry_max_s": 0.1,
        }  # fmt: skip
        targets = webhook("damkar", damkar.url, timeout_s=5), webhook("city", city.url, timeout_s=5)
        settings = settings_at(tmp_path, *targets, alert=alert, store={"url": url})
        writer, nursery = Writer(settings, database), Nursery(settings, tmp_path)
        for number in range(kills - 5):
            _open_two(writer, draw, number)
            assert nursery.life(draw.randint(1, 8)) == -signal.SIGKILL
        assert nursery.life(0) == 0, (tmp_path / "nursery.log").read_text()[-2000:]
        wait_for(lambda: len(siren.switched_on) == len(writer.records), 30, what="the siren to hear of each")
        for id_ in list(writer.records):  # not before: a siren is not switched on for what is over already
            writer.close(id_, now_ms())
        for _ in range(5):
            assert nursery.life(draw.randint(1, 8)) == -signal.SIGKILL
        assert nursery.life(0) == 0, (tmp_path / "nursery.log").read_text()[-2000:]
        counted = nursery.counted("siaga_alert_repeated_total")
        nursery.close()
        wait_for(lambda: len(siren.keys) >= 2 * len(writer.records), 20, what="the relay to hear all")
    copies = _check_receivers(writer, [damkar, city])
    _check_desk(database, writer)
    assert siren.switched_on == Counter(dict.fromkeys(writer.records, 1))
    assert not siren.still_on
    heard_again = sum(times - 1 for times in siren.keys.values())
    print(f"{kills} kills: {len(writer.records)} incidents, {copies} webhook copies, {heard_again} MQTT copies, "
          f"{counted:g} counted as possibly repeated")  # fmt: skip
    assert counted >= copies + heard_again > 0


def _open_two(writer: Writer, draw: random.Random, number: int) -> None:
    """Open two incidents in different places."""
    now = now_ms()
    for index, camera in enumerate(("cam-1", "cam-3")):
        times = {"first_seen_ms": now - 3000, "opened_ms": now - 1500, "updated_ms": now - 1500, "decided_ms": now}
        kind = draw.choice(["fire", "smoke"])
        writer.write(incident(f"i{number}-{index}", camera=camera, kind=kind, **times), now)


def _check_receivers(writer: Writer, posts: list[Receiver]) -> int:
    """Every target was told of every opening and closing, copies are the same to the byte; return how many copies."""
    copies = 0
    for post, name in zip(posts, ("damkar", "city"), strict=True):
        assert post.forged == []
        taken = post.taken()
        for id_, record in writer.records.items():
            assert f"{id_}:opened:webhook:{name}" in taken
            assert f"{id_}:closed-{record.revision}:webhook:{name}" in taken
        assert len(taken) == 2 * len(writer.records)
        for found in taken.values():
            assert len({one.raw for one in found}) == 1
            copies += len(found) - 1
    return copies


def _check_desk(database: Database, writer: Writer) -> None:
    """The desk shows each incident once, told once; nothing waits and nothing was given up."""
    with database.reading() as session:
        for id_ in writer.records:
            told = Counter(
                event.detail.get("channel") for event in events_of(session, id_) if event.what == "delivered"
            )
            assert told["desk"] == 1
            assert [event.what for event in events_of(session, id_)].count("alerted") == 1
            assert {row.state for row in of_incident(session, id_)} == {"sent"}
