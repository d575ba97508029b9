"""Signed webhooks: a JSON body by POST, with HMAC-SHA256 over timestamp and body; see docs/webhook.md."""

import json
from collections.abc import Mapping, Set
from urllib.parse import quote

from pipeline.alert.channels.base import NOTICES, Abilities, Channel, Outcome, Retry
from pipeline.alert.channels.http import Exchange, check_url, judge
from pipeline.alert.secret import resolve_secret
from pipeline.ops.alert_targets import WebhookTarget
from pipeline.ops.clock import Clock
from pipeline.ops.settings import Settings
from pipeline.ops.signature import sign
from pipeline.store.tables import Document, OutboxRow


def encode_body(payload: Document) -> bytes:
    """Return the body: compact JSON with sorted keys, so that a repeated delivery is the same to the byte."""
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def signed_headers(secret: bytes, row: OutboxRow, body: bytes, at_ms: int) -> dict[str, str]:
    """Return the headers by which a receiver knows a copy, its time and its sender."""
    timestamp = str(at_ms)
    return {
        "Idempotency-Key": quote(row.idempotency_key, safe=":"),
        "X-Siaga-Timestamp": timestamp,
        "X-Siaga-Signature": sign(secret, timestamp, body),
    }


class WebhookChannel:
    """One receiver; it has its own thread and breaker, so that one that hangs delays no other."""

    name = "webhook"
    takes = NOTICES
    abilities = Abilities(in_place="yes", receipt="delivered", picture="no", signed="yes", later="acknowledged")

    def __init__(self, target: WebhookTarget, secret: bytes, clock: Clock) -> None:
        self._url, self._secret, self._clock = target.url, secret, clock
        self.targets: Set[str] | None = frozenset({f"webhook:{target.name}"})
        self.lease_s = target.timeout_s
        self._exchange = Exchange(target.timeout_s, clock)

    @classmethod
    def build(cls, settings: Settings, environment: Mapping[str, str], clock: Clock) -> list[Channel]:
        """Make one instance for each webhook of the settings.

        Raises:
            ConfigError: An address is malformed, or a secret's environment variable is missing or too short.
        """
        made: list[Channel] = []
        for index, target in enumerate(settings.alert.webhooks):
            key = f"alert.webhooks.{index} ({target.name})"
            secret = resolve_secret(target.secret, f"{key}: secret", environment)
            check_url(target.url, f"{key}: url")
            made.append(cls(target, secret, clock))
        return made

    def deliver(self, row: OutboxRow) -> Outcome:
        """Post the row's payload; the whole exchange ends within the target's timeout."""
        body = encode_body(row.payload)
        headers = {"Content-Type": "application/json", **signed_headers(self._secret, row, body, self._clock())}
        answer = self._exchange.post(self._url, headers, content=body)
        return answer if isinstance(answer, Retry) else judge(answer.status, answer.text, answer.after_s)

    def close(self) -> None:
        """Close the connections."""
        self._exchange.close()
