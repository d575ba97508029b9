"""The webhook channel against a real receiver that misbehaves."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from pipeline.alert.channels import build
from pipeline.alert.channels.base import Channel, Refused, Retry, Sent
from pipeline.alert.channels.http import judge
from pipeline.alert.channels.webhook import WebhookChannel, encode_body
from pipeline.ops.clock import now_ms
from pipeline.ops.errors import ConfigError
from pipeline.store.tables import OutboxRow
from tests.alert.channels.proof import proves
from tests.alert.making import T0, settings_at, webhook
from tests.alert.receiver import Receiver, receiver
from tests.shared import REPO


@contextmanager
def channel(url: str, **more: Any) -> Iterator[Channel]:
    made = WebhookChannel.build(settings_at(Path(), webhook("a", url, **more)), {}, now_ms)[0]
    try:
        yield made
    finally:
        made.close()


def row(**payload: Any) -> OutboxRow:
    return OutboxRow(idempotency_key="i1:opened:webhook:a", payload={"b": "Jalan Pejompongan – ü", "a": 1, **payload})


@proves("webhook", "receipt", "signed")
def test_signed_and_taken_on_one_connection() -> None:
    with receiver() as post, channel(post.url) as sender:
        for number in range(3):
            assert sender.deliver(row(n=number)) == Sent({"receipt": "delivered", "status": 200, "answer": "diterima"})
        assert [request.key for request in post.requests] == ["i1:opened:webhook:a"] * 3
        assert post.forged == []
        assert post.requests[0].raw == encode_body(row(n=0).payload)


def test_a_wrong_secret_is_refused_by_the_receiver() -> None:
    with receiver() as post, channel(post.url, secret="another-secret-0123456789") as sender:
        assert sender.deliver(row()) == Refused("http_401", "HTTP 401: maaf")
        assert post.forged == ["i1:opened:webhook:a"]


@pytest.mark.parametrize(
    ("how", "label", "outage"),
    [
        ("500", "http_5xx", True), ("503", "http_5xx", True), ("302", "redirect", True),
        ("408", "http_408", False), ("425", "http_425", False), ("429", "http_429", False),
        ("hang", "timeout", True), ("drip", "timeout", True), ("drop", "connection", True),
    ],
)  # fmt: skip
def test_what_is_worth_trying_again(how: str, label: str, outage: bool) -> None:
    patience_s = 0.5 if label == "timeout" else 30
    with receiver(lambda _: how) as post, channel(post.url, timeout_s=patience_s) as sender:
        outcome = sender.deliver(row())
        assert isinstance(outcome, Retry)
        assert (outcome.label, outcome.outage) == (label, outage)
        assert outcome.reason


def test_a_connection_that_broke_is_made_anew() -> None:
    with receiver(lambda number: ["ok", "drop", "after", "500", "ok"][number]) as post, channel(post.url) as sender:
        outcomes = [type(sender.deliver(row())) for _ in range(5)]
    assert outcomes == [Sent, Retry, Retry, Retry, Sent]


@pytest.mark.parametrize("how", ["400", "401", "403", "404", "410", "413", "422"])
def test_what_is_not(how: str) -> None:
    with receiver(lambda _: how) as post, channel(post.url) as sender:
        assert sender.deliver(row()) == Refused(f"http_{how}", f"HTTP {how}: maaf")


def test_nobody_listens_and_the_password_stays_secret() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://budi:kata-sandi@127.0.0.1:{probe.getsockname()[1]}/?token=abc"
        with channel(url) as sender:
            outcome = sender.deliver(row())
    assert isinstance(outcome, Retry)
    assert outcome.label == "connection"
    assert "kata-sandi" not in outcome.reason
    assert "abc" not in outcome.reason


@pytest.mark.parametrize("url", ["http://[", "http://", "https:///path", "http://host:port/"])
def test_an_impossible_address_is_a_clear_error(url: str) -> None:
    with pytest.raises(ConfigError, match=r"^alert\.webhooks\.0 \(a\): url: "), channel(url):
        pass


def test_any_key_fits_into_a_header() -> None:
    with receiver() as post, channel(post.url) as sender:
        odd = row()
        odd.idempotency_key = "id\r\nX: ü:opened:webhook:a"
        assert isinstance(sender.deliver(odd), Sent)
        assert post.requests[0].key == "id%0D%0AX%3A%20%C3%BC:opened:webhook:a".replace("X%3A", "X:")


@pytest.mark.parametrize(
    ("value", "wait_s"),
    [("7", 7), ("soon", None), (formatdate(T0 // 1000 + 60), 60), (formatdate(T0 // 1000 - 60), 0)],
)
def test_the_receiver_may_ask_for_a_wait(value: str, wait_s: float | None) -> None:
    with receiver(lambda _: "503") as post:
        post.retry_after = value
        sender = WebhookChannel.build(settings_at(Path(), webhook("a", post.url)), {}, lambda: T0)[0]
        outcome = sender.deliver(row())
        sender.close()
    assert outcome == Retry("http_5xx", "HTTP 503: maaf", after_s=wait_s)


def test_answers_are_judged_in_all_ranges() -> None:
    for status in range(100, 600):
        outcome = judge(status, "", None)
        assert isinstance(outcome, Sent) == (200 <= status < 300)
        assert isinstance(outcome, Refused) == (400 <= status < 500 and status not in (408, 425, 429))


def test_closing_a_channel_never_used_is_nothing() -> None:
    with channel("http://127.0.0.1:1/"):
        pass
    names = [made.name for made in build(settings_at(Path(), webhook("a", "http://x/")), {}, now_ms)]
    assert names == ["desk", "webhook"]


def snippet() -> dict[str, Any]:
    """The code of docs/webhook.md, run."""
    text = (REPO / "docs" / "webhook.md").read_text()
    code = text.split("```python\n", 1)[1].split("```", 1)[0]
    space: dict[str, Any] = {}
    exec(compile(code, "docs/webhook.md", "exec"), space)
    return space


def _raw(post: Receiver) -> tuple[dict[str, str], bytes]:
    """The headers and the body that the documented code would be given."""
    return post.headers[0], post.requests[0].raw


def test_the_documented_snippet_verifies_what_we_send() -> None:
    verify = snippet()["verify"]
    with receiver() as post, channel(post.url, secret="secret-of-the-docs-0123") as sender:
        sender.deliver(row(n=1))
        headers, body = _raw(post)
    secret = "secret-of-the-docs-0123"
    assert verify(secret, headers, body) == json.loads(body)
    for broken in (
        {"secret": "secret-of-the-docs-0124"},
        {"body": body + b" "},
        {"headers": {**headers, "X-Siaga-Timestamp": str(int(headers["X-Siaga-Timestamp"]) + 1)}},
        {"headers": {}},
    ):
        with pytest.raises(ValueError, match="signature"):
            verify(**{"secret": secret, "headers": headers, "body": body, **broken})
    with pytest.raises(ValueError, match="old"):
        verify(secret, headers, body, now_ms=int(headers["X-Siaga-Timestamp"]) + 600_000)
