"""One HTTP POST that ends in time, for every channel that speaks HTTP, and what its answer means."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from pipeline.alert.channels.base import Outcome, Refused, Retry, Sent
from pipeline.ops.clock import Clock
from pipeline.ops.errors import ConfigError
from pipeline.ops.redact import redact_text

TRY_AGAIN = frozenset({408, 425, 429})
"""Answers of the 4xx family that mean later, not never."""
ANSWER_BYTES = 500
"""How much of an answer is kept for the receipt."""


@dataclass(frozen=True)
class Answer:
    """What came back: the first bytes of the body, and the wait that was asked for, if any."""

    status: int
    body: bytes
    after_s: float | None

    @property
    def text(self) -> str:
        """The body on one line, as a receipt or a reason keeps it."""
        return " ".join(self.body[:ANSWER_BYTES].decode("utf-8", "replace").replace("\0", "").split())


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
        return Sent({"receipt": "delivered", "status": status, "answer": answer})
    if status in TRY_AGAIN:
        return Retry(f"http_{status}", said, outage=False, after_s=retry_after_s)
    if 400 <= status < 500:
        return Refused(f"http_{status}", said)
    if 300 <= status < 400:
        return Retry("redirect", f"{said} (redirects are not followed: the notice is for the configured receiver)")
    return Retry("http_5xx", said, after_s=retry_after_s)


class Exchange:
    """A client that keeps its connection; one thread uses it.

    Args:
        timeout_s: The whole exchange ends within this time.
        clock: Time now, epoch ms, for waits that are asked for by date.
    """

    def __init__(self, timeout_s: float, clock: Clock) -> None:
        self._timeout_s, self._clock = timeout_s, clock
        self._runner: asyncio.Runner | None = None
        self._client: httpx.AsyncClient | None = None

    def post(self, url: str, headers: Mapping[str, str], keep: int = ANSWER_BYTES, **content: Any) -> Answer | Retry:
        """Post once; `content` is httpx' `content`, `json`, or `data` with `files`. Of the answer `keep` bytes stay.

        The reason of a Retry never holds the address: it may carry a token.
        """
        if self._runner is None:
            # The blocking client bounds each read, not the exchange: a receiver that drips bytes would hold the thread.
            self._runner = asyncio.Runner()
        try:
            return self._runner.run(self._post(url, headers, keep, content))
        except TimeoutError:
            return Retry("timeout", f"no answer within {self._timeout_s:g} s")
        except httpx.HTTPError as error:
            said = redact_text(f"{type(error).__name__}: {error}").replace(url, "the receiver")
            return Retry("connection", said[:300])

    async def _post(self, url: str, headers: Mapping[str, str], keep: int, content: Mapping[str, Any]) -> Answer:
        """Post and read what is kept of the answer."""
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=self._timeout_s, follow_redirects=False)
        given = {"User-Agent": "siaga", **headers}
        async with asyncio.timeout(self._timeout_s):
            async with self._client.stream("POST", url, headers=given, **content) as response:
                body = b""
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) >= keep:
                        break
                return Answer(response.status_code, body[:keep], self._retry_after_s(response))

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
