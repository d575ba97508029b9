"""MQTT 5 against a real mosquitto: retained state, last will, one activation, and a broker that is killed."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from pipeline.alert.channels.base import Retry, Sent
from pipeline.alert.channels.mqtt import MqttChannel
from pipeline.bus.records import Incident, Witness
from pipeline.ops.clock import now_ms
from tests.alert.channels.making import T0, Store, incident, next_of
from tests.alert.channels.mosquitto import Mosquitto, mosquitto
from tests.alert.channels.proof import proves
from tests.waiting import wait_for

TOPIC = "siaga/31.71.01.1001/fire"
SMOKE = "siaga/31.71.01.1001/smoke"


class Siren:
    """A relay that follows the state, and remembers all that came."""

    def __init__(self, port: int) -> None:
        self.messages: list[Any] = []
        self.activations = 0
        self.on = False
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self.client.on_message = self._take
        self.client.on_connect = lambda *_: self.client.subscribe("siaga/#", 1)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def _take(self, _client: Any, _data: Any, message: Any) -> None:
        self.messages.append(message)
        if message.topic == TOPIC:
            on = json.loads(message.payload)["state"] == "on"
            self.activations += on and not self.on
            self.on = on

    def states(self) -> list[Any]:
        return [message for message in self.messages if message.topic == TOPIC]

    def status(self) -> list[bytes]:
        return [message.payload for message in self.messages if "/status/" in message.topic]

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def channel(here: Store) -> MqttChannel:
    made = MqttChannel.build(here.settings, {}, now_ms)[0]
    assert isinstance(made, MqttChannel)
    return made


def targets(broker: Mosquitto) -> dict[str, Any]:
    return {"mqtt": [{"name": "sirene", "host": "127.0.0.1", "port": broker.port, "tls": False, "timeout_s": 3}]}


@proves("mqtt", "in_place", "receipt")
def test_one_activation_though_delivered_twice(store: Callable[..., Store], tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker:
        here = store(**targets(broker))
        sender, siren = channel(here), Siren(broker.port)
        sender.open()
        first, other = incident("i1"), incident("i2")
        row = here.row(first, "mqtt:sirene")
        for _ in range(2):  # killed between sending and recording: the same row again
            outcome = sender.deliver(row)
            assert isinstance(outcome, Sent)
            assert outcome.receipt["receipt"] == "accepted"
        wait_for(lambda: len(siren.states()) == 2, what="both copies")
        keys = {dict(one.properties.UserProperty)["idempotency-key"] for one in siren.states()}
        assert keys == {row.idempotency_key}
        assert siren.states()[0].properties.MessageExpiryInterval <= 3600
        assert siren.states()[0].qos == 1
        assert siren.activations == 1
        sender.deliver(here.row(other, "mqtt:sirene"))
        sender.deliver(here.row(next_of(first, "closed"), "mqtt:sirene", "closed"))
        wait_for(lambda: len(siren.states()) == 4, what="the other and the closing")
        assert siren.on, "one of two is over"
        assert json.loads(siren.states()[-1].payload)["incidents"] == ["i2"]
        sender.deliver(here.row(next_of(other, "closed"), "mqtt:sirene", "closed"))
        wait_for(lambda: not siren.on, what="the end")
        assert siren.activations == 1
        versions = [json.loads(one.payload)["version"] for one in siren.states()]
        assert versions == sorted(versions)
        late = Siren(broker.port)
        wait_for(late.states, what="the retained state")
        assert late.states()[0].retain
        assert not late.on
        sender.close()
        for one in (siren, late):
            one.close()


def test_what_was_smoke_and_is_a_fire_leaves_no_siren_on(store: Callable[..., Store], tmp_path: Path) -> None:
    def witnessed(*kinds: str, **changes: Any) -> Incident:
        seen = Witness.model_validate({"camera": "cam-1", "first_seen_ms": T0, "score": 0.8, "kinds": kinds})
        return incident("i1", witnesses=(seen,), **changes)

    with mosquitto(tmp_path) as broker:
        here = store(**targets(broker))
        sender, siren = channel(here), Siren(broker.port)
        heard: dict[str, str] = {}

        def hear(_client: Any, _data: Any, message: Any) -> None:
            if message.topic in (TOPIC, SMOKE):
                heard[message.topic] = json.loads(message.payload)["state"]

        siren.client.on_message = hear
        sender.open()
        sender.deliver(here.row(witnessed("smoke", kind="smoke"), "mqtt:sirene"))
        wait_for(lambda: heard.get(SMOKE) == "on", what="the smoke")
        sender.deliver(here.row(witnessed("smoke", "fire", revision=2, state="updated"), "mqtt:sirene", "updated"))
        wait_for(lambda: heard.get(TOPIC) == "on", what="the fire")
        assert heard[SMOKE] == "off"
        over = witnessed("smoke", "fire", revision=3, state="closed")
        sender.deliver(here.row(over, "mqtt:sirene", "closed"))
        wait_for(lambda: heard[TOPIC] == "off", what="the end")
        sender.close()
        siren.close()


@proves("mqtt", "marked")
def test_a_test_switches_nothing(store: Callable[..., Store], tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker:
        here = store(**targets(broker))
        sender, siren = channel(here), Siren(broker.port)
        assert isinstance(sender.deliver(here.row(incident("i1"), "mqtt:sirene", test=True)), Sent)
        wait_for(lambda: any("/test/" in one.topic for one in siren.messages), what="the test")
        assert "LATIHAN" in siren.messages[-1].payload.decode()
        assert siren.states() == []
        sender.close()
        wait_for(lambda: siren.status()[-1:] == [b"offline"], what="the goodbye")
        siren.close()


def test_the_last_will_tells_of_our_death(store: Callable[..., Store], tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker:
        here = store(**targets(broker))
        sender, siren = channel(here), Siren(broker.port)
        sender.open()
        wait_for(lambda: siren.status() == [b"online"], what="online")
        assert sender._client is not None
        sock = sender._client.socket()
        assert sock is not None
        sender._client.loop_stop()
        with suppress(OSError):
            sock.close()  # no goodbye: as if the process had died
        wait_for(lambda: siren.status()[-1] == b"offline", what="the last will")
        siren.close()
        here.database.close()


@proves("mqtt", "retry")
def test_a_killed_broker_has_the_state_back(store: Callable[..., Store], tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker:
        here = store(**targets(broker))
        sender = channel(here)
        first = here.row(incident("i1"), "mqtt:sirene")
        assert isinstance(sender.deliver(first), Sent)
        broker.kill()
        outcome = sender.deliver(here.row(incident("i2"), "mqtt:sirene"))
        assert isinstance(outcome, Retry)
        assert outcome.outage
        broker.start()
        wait_for(lambda: isinstance(sender.deliver(first), Sent), what="the broker again")
        siren = Siren(broker.port)
        wait_for(siren.states, what="the retained state after the restart")
        assert siren.on
        assert siren.activations == 1
        siren.close()
        sender.close()
