"""MQTT 5 for sirens and relays: what is true now, retained for each kelurahan and kind, QoS 1 (docs/alerts.md).

A message says the state, not the change: `on` while an incident of this kind goes on in this kelurahan. A copy of it
switches nothing, so a relay that follows the state acts exactly once, whatever is delivered twice. `version` rises with
every change in the store: what is lower than the last one seen is late and is to be ignored.
"""

import json
import ssl
import threading
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline.alert.channels.base import NOTICES, Abilities, Channel, Outcome, Refused, Retry, Sent
from pipeline.alert.channels.shelf import Shelf
from pipeline.alert.content import Content, Phase, clean, read
from pipeline.alert.secret import resolve_secret
from pipeline.bus.client import instance_name
from pipeline.bus.records import Incident
from pipeline.ops.alert_targets import MqttTarget
from pipeline.ops.clock import Clock
from pipeline.ops.errors import ConfigError, StoreError
from pipeline.ops.sections import Kind
from pipeline.ops.settings import Settings
from pipeline.store.decisions import FINAL
from pipeline.store.incidents import record_of
from pipeline.store.tables import IncidentRow, Notice, OutboxRow
from pipeline.store.timeline import latest_cursor

log = structlog.get_logger(__name__)

QOS = 1
CITY = "kota"
"""The topic level of what has no kelurahan."""
NOBODY = 0x10
"""The broker's reason code for a publication that nobody has subscribed to."""
RECONNECT_S = (1, 4)


@dataclass(frozen=True)
class Message:
    """One publication; `expiry_s` is how long the broker keeps it."""

    topic: str
    body: bytes
    key: str
    retain: bool
    expiry_s: int


def properties(key: str, expiry_s: int) -> Properties:
    """Return the MQTT 5 properties of a publication: when it expires, what it is, and its idempotency key."""
    make: Any = Properties  # the library has no types here
    made: Properties = make(PacketTypes.PUBLISH)
    made.MessageExpiryInterval = expiry_s
    made.ContentType = "application/json"
    made.UserProperty = ("idempotency-key", key)
    return made


def encode(document: Mapping[str, Any]) -> bytes:
    """Return a message's body."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


class MqttChannel:
    """One broker. Its connection is kept by a thread of the library, with a last will that tells of our end."""

    name = "mqtt"
    # What is retained is the state of a kelurahan: a storm is the same state, and needs no digest.
    takes: Set[Notice] = NOTICES - {"digest"}
    abilities = Abilities(in_place="yes", receipt="accepted", picture="no", signed="no")

    def __init__(
        self, target: MqttTarget, password: str | None, tls: ssl.SSLContext | None, shelf: Shelf, clock: Clock
    ) -> None:
        self._target, self._password, self._tls, self._shelf, self._clock = target, password, tls, shelf, clock
        self.targets: Set[str] | None = frozenset({f"mqtt:{target.name}"})
        self.lease_s = 2 * target.timeout_s + 1
        instance = instance_name("alert")
        self._id = f"siaga-{target.name}-{instance}"
        self._status = f"{target.prefix}/status/{target.name}/{instance}"
        self._client: mqtt.Client | None = None
        self._up = threading.Event()
        self._answers: dict[int, ReasonCode] = {}
        self._kept: dict[str, Message] = {}
        self._said = "not connected yet"

    @classmethod
    def build(cls, settings: Settings, environment: Mapping[str, str], clock: Clock) -> list[Channel]:
        """Make one instance for each broker of the settings; nothing is connected yet.

        Raises:
            ConfigError: A password's environment variable is missing, or the certificates cannot be read.
        """
        made: list[Channel] = []
        for index, target in enumerate(settings.alert.mqtt):
            key = f"alert.mqtt.{index} ({target.name})"
            password = resolve_secret(target.password, f"{key}: password", environment) if target.password else None
            try:
                ca_file = str(settings.registry_path(target.ca_file)) if target.ca_file else None
                tls = ssl.create_default_context(cafile=ca_file) if target.tls else None
            except (OSError, ssl.SSLError) as error:
                raise ConfigError(f"{key}: ca_file: {error}") from error
            made.append(cls(target, password.decode() if password else None, tls, Shelf(settings), clock))
        return made

    def open(self) -> None:
        """Begin to connect, and to connect again whenever the broker goes away."""
        if self._client is not None:
            return
        client = mqtt.Client(CallbackAPIVersion.VERSION2, self._id, protocol=mqtt.MQTTv5)
        if self._target.username:
            client.username_pw_set(self._target.username, self._password)
        if self._tls is not None:
            client.tls_set_context(self._tls)
        client.will_set(self._status, b"offline", QOS, retain=True)
        client.reconnect_delay_set(*RECONNECT_S)
        client.on_connect, client.on_disconnect, client.on_publish = self._connected, self._gone, self._published
        client.connect_async(self._target.host, self._target.port, keepalive=20)
        client.loop_start()
        self._client = client

    def _connected(self, client: mqtt.Client, _data: Any, _flags: Any, code: ReasonCode, _given: Any) -> None:
        """Say that we are here, and say again what is retained: a broker that lost its memory has it back."""
        if code.is_failure:
            self._said = f"refused: {code}"
            return
        client.publish(self._status, b"online", QOS, retain=True)
        for message in list(self._kept.values()):
            client.publish(message.topic, message.body, QOS, True, properties(message.key, message.expiry_s))
        self._up.set()

    def _gone(self, _client: mqtt.Client, _data: Any, _flags: Any, code: ReasonCode, _given: Any) -> None:
        """Remember that the broker is away."""
        self._up.clear()
        self._said = f"disconnected: {code}"

    def _published(self, _client: mqtt.Client, _data: Any, number: int, code: ReasonCode, _given: Any) -> None:
        """Keep the broker's answer to a publication."""
        self._answers[number] = code

    def deliver(self, row: OutboxRow) -> Outcome:
        """Publish what is true now, and wait for the broker's word."""
        self.open()
        content = read(row.payload)
        try:
            messages = self._messages(row, content)
        except StoreError as error:
            return Retry("store", str(error), outage=False)
        if not self._up.wait(self._target.timeout_s):
            return Retry("connection", f"the broker is away: {self._said}")
        outcome: Outcome = Refused("empty", "nothing to say")
        for message in messages:
            outcome = self._publish(message)
            if not isinstance(outcome, Sent):
                return outcome
        return outcome

    def _messages(self, row: OutboxRow, content: Content) -> list[Message]:
        """Return what is to be published for a notice; a test never touches the topic that a siren follows."""
        if content.is_test or content.phase is Phase.TEST:
            place = {"kelurahan": content.code, "kind": content.kind, "at_ms": self._clock()}
            body = encode({"test": True, "text": "LATIHAN / UJI COBA", **place})
            topic = self._topic("test", content.code, content.kind)
            return [Message(topic, body, row.idempotency_key, False, self._target.expiry_s)]
        with self._shelf.database.reading() as session:
            incident = session.get(IncidentRow, row.incident_id)
            code = content.code if incident is None else incident.kelurahan
            # What began as smoke and is a fire now goes on under another topic: the one it left has to hear so, too.
            kinds = dict.fromkeys((content.kind, *(kinds_seen(record_of(incident)) if incident is not None else ())))
            return [self._state(session, code, kind, row.idempotency_key) for kind in reversed(kinds)]

    def _state(self, session: Session, code: str, kind: str, key: str) -> Message:
        """Return the message of what goes on in a kelurahan."""
        active, version = _active(session, code, kind)
        state = {"state": "on" if active else "off", "incidents": active, "version": version}
        body = encode({**state, "kelurahan": code, "kind": kind, "at_ms": self._clock()})
        return Message(self._topic(code, kind), body, key, True, self._target.expiry_s)

    def _topic(self, *levels: str) -> str:
        """Return a topic below the target's prefix; its last two levels are a kelurahan and a kind."""
        *above, code, kind = levels
        return "/".join((self._target.prefix, *above, code or CITY, clean(kind, 40).replace("/", "_") or "lain"))

    def _publish(self, message: Message) -> Outcome:
        """Publish once, and judge the broker's answer."""
        client = self._client
        assert client is not None
        given = properties(message.key, message.expiry_s)
        info = client.publish(message.topic, message.body, QOS, message.retain, given)
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._drop()
            return Retry("connection", f"not published: {mqtt.error_string(info.rc)}")
        try:
            info.wait_for_publish(self._target.timeout_s)
        except (RuntimeError, ValueError) as error:
            self._drop()
            return Retry("connection", f"not published: {error}")
        if not info.is_published():
            # What the library still holds it would send later, and an old state would stand after a newer one.
            self._drop()
            return Retry("timeout", f"no answer within {self._target.timeout_s:g} s")
        code = self._answers.pop(info.mid, None)
        if code is not None and code.is_failure:
            return Refused("broker", f"the broker refused {message.topic}: {code}")
        if message.retain:
            self._kept[message.topic] = message
        heard = code is None or code.value != NOBODY
        return Sent({"receipt": "accepted", "topic": message.topic, "heard": heard})

    def _drop(self) -> None:
        """End the connection with all that it holds; the next delivery begins anew."""
        client, self._client = self._client, None
        self._up.clear()
        self._answers.clear()
        if client is not None:
            client.disconnect()
            client.loop_stop()

    def close(self) -> None:
        """Say that we are gone in good order, then disconnect."""
        if self._client is not None and self._up.is_set():
            self._client.publish(self._status, b"offline", QOS, retain=True).wait_for_publish(1)
        self._drop()
        self._shelf.close()


def kinds_seen(incident: Incident) -> tuple[Kind, ...]:
    """Return the kinds that an incident is or was, as far as its witnesses tell."""
    return tuple(dict.fromkeys(kind for witness in incident.witnesses for kind in witness.kinds))


def _active(session: Session, code: str, kind: str) -> tuple[list[str], int]:
    """Return the incidents of a kind that go on in a kelurahan, and the version of that knowledge.

    The version is read first: what is written between the two queries may be known already, but never missing from a
    state that claims to be newer.
    """
    version = latest_cursor(session)
    query = select(IncidentRow.id).where(IncidentRow.kelurahan == code, IncidentRow.kind == kind)
    query = query.where(IncidentRow.state != "closed", IncidentRow.decision.not_in(FINAL))
    return list(session.scalars(query.order_by(IncidentRow.opened_ms, IncidentRow.id))), version
