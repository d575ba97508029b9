"""Signed webhooks: a JSON body by POST, with HMAC-SHA256 over timestamp and body; see docs/webhook.md."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Mapping, Set
from email.utils import parsedate_to_datetime
from urllib.parse import quote, urlsplit

import httpx

from pipeline.alert.channels.base import Channel, Outcome, Refused, Retry, Sent
from pipeline.alert.secret import resolve_secret
from pipeline.ops.clock import Clock
from pipeline.ops.errors import ConfigError
from pipeline.ops.redact import redact_text
from pipeline.ops.sections import WebhookTarget
from pipeline.ops.settings import Settings
from pipeline.store.tables import Document, Notice, OutboxRow

TRY_AGAIN = frozenset({408, 425, 429})
"""Answers of the 4xx family that mean later, not never."""
ANSWER_BYTES = 500
"""How much of an answer is kept for the receipt."""


def encode_body(payload: Document) -> bytes:
    """Return the body: compact JSON with sorted keys, so that a repeated delivery is the same to the byte."""
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def sign(secret: bytes, timestamp: str, body: bytes) -> str:
    """Return the signature header: `sha256=` and the hex HMAC-SHA256 of `timestamp + "." + body`."""
    return "sha256=" + hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def check_url(url: str, key: str) -> None:
    """Refuse an address that no request can be made to.

    Raises:
        ConfigError: Names the key; the address is not repeated, as it may hold a password.
    """
    try:
        host = urlsplit(url).hostname and httpx.URL(url).host
    except (ValueError, httpx.InvalidURL):
        host = None
    if not host:
        raise ConfigError(f"{key}: not an address like https://host/path")


def judge(status: int, answer: str, retry_after_s: float | None) -> Outcome:
    """Decide what an HTTP answer means: 2xx taken, 408/425/429 and 5xx later, other 4xx never."""
    said = f"HTTP {status}" + (f": {answer}" if answer else "")
    if 200 <= status < 300:
        return Sent({"status": status, "answer": answer})
    if status in TRY_AGAIN:
        return Retry(f"http_{status}", said, outage=False, after_s=retry_after_s)
    if 400 <= status < 500:
        return Refused(f"http_{status}", said)
    if 300 <= status < 400:
        return Retry("redirect", f"{said} (redirects are not followed: the signature is for the configured receiver)")
    return Retry("http_5xx", said, after_s=retry_after_s)


class WebhookChannel:
    """One receiver; it has its own thread and breaker, so that one that hangs delays no other."""

    name = "webhook"
    takes: Set[Notice] = frozenset({"opened", "updated", "closed"})

    def __init__(self, target: WebhookTarget, secret: bytes, clock: Clock) -> None:
        self._url, self._secret, self._clock = target.url, secret, clock
        self._timeout_s = target.timeout_s
        self.targets: Set[str] | None = frozenset({f"webhook:{target.name}"})
        self.lease_s = target.timeout_s
        self._runner: asyncio.Runner | None = None
        self._client: httpx.AsyncClient | None = None

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
        if self._runner is None:
            # The blocking client bounds each read, not the exchange: a receiver that drips bytes would hold the thread.
            self._runner = asyncio.Runner()
        try:
            return self._runner.run(self._post(row))
        except TimeoutError:
            return Retry("timeout", f"no answer within {self._timeout_s:g} s")
        except httpx.HTTPError as error:
            return Retry("connection", redact_text(f"{type(error).__name__}: {error}")[:300])

    async def _post(self, row: OutboxRow) -> Outcome:
        """Post once and judge the answer."""
        body, timestamp = encode_body(row.payload), str(self._clock())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "siaga",
            "Idempotency-Key": quote(row.idempotency_key, safe=":"),
            "X-Siaga-Timestamp": timestamp,
            "X-Siaga-Signature": sign(self._secret, timestamp, body),
        }
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=self._timeout_s, follow_redirects=False)
        async with asyncio.timeout(self._timeout_s):
            async with self._client.stream("POST", self._url, content=body, headers=headers) as response:
                answer = b""
                async for chunk in response.aiter_bytes():
                    answer += chunk
                    if len(answer) >= ANSWER_BYTES:
                        break
                text = " ".join(answer[:ANSWER_BYTES].decode("utf-8", "replace").replace("\0", "").split())
                return judge(response.status_code, text, self._retry_after_s(response))

    def _retry_after_s(self, response: httpx.Response) -> float | None:
        """Return the wait that the receiver asks for, in seconds or as a date, if any."""
        value = response.headers.get("Retry-After", "").strip()
        if value.isdecimal():
            return float(value[:9])
        try:
            return max(0.0, parsedate_to_datetime(value).timestamp() - self._clock() / 1000)
        except (ValueError, TypeError):
            return None

    def close(self) -> None:
        """Close the connections."""
        if self._runner is not None:
            if self._client is not None:
                self._runner.run(self._client.aclose())
            self._runner.close()
        self._runner = self._client = None
