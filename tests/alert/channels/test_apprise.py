"""apprise: e-mail at a real SMTP server with the still, and a JSON service that fails."""

import email
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import Message
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from pipeline.alert.channels.apprise import AppriseChannel
from pipeline.alert.channels.base import Retry, Sent
from pipeline.ops.clock import now_ms
from pipeline.ops.errors import ConfigError
from tests.alert.channels.making import JPEG, Store, http_server, incident
from tests.alert.channels.proof import proves
from tests.brokers import free_port


class Sink:
    """Keeps what came, or refuses it."""

    def __init__(self) -> None:
        self.mails: list[Message] = []
        self.answer = "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        if self.answer.startswith("250"):
            self.mails.append(email.message_from_bytes(envelope.content))
        return self.answer


@contextmanager
def smtp() -> Iterator[tuple[Sink, int]]:
    sink, port = Sink(), free_port()
    server = Controller(sink, hostname="127.0.0.1", port=port)
    server.start()
    try:
        yield sink, port
    finally:
        server.stop()


def channel(store: Callable[..., Store], url: str, **more: Any) -> tuple[Store, AppriseChannel]:
    here = store(apprise=[{"name": "pos", "url": "env:POS_URL", **more}])
    made = AppriseChannel.build(here.settings, {"POS_URL": url}, now_ms)[0]
    assert isinstance(made, AppriseChannel)
    return here, made


@proves("apprise", "receipt", "picture", "retry")
def test_mail_with_the_still(store: Callable[..., Store]) -> None:
    with smtp() as (sink, port):
        url = f"mailto://127.0.0.1:{port}/?from=siaga@example.org&to=pos@example.org&mode=insecure"
        here, sender = channel(store, url)
        first = incident("i1")
        row = here.row(first, "apprise:pos")
        here.still(first)
        sink.answer = "451 later"
        failed = sender.deliver(row)
        assert isinstance(failed, Retry)
        assert failed.label == "failure"
        sink.answer = "250 OK"
        assert sender.deliver(row) == Sent({"receipt": "accepted", "picture": True})
        sender.close()
    mail = sink.mails[0]
    parts = {part.get_content_type(): part.get_payload(decode=True) for part in mail.walk() if not part.is_multipart()}
    assert parts["image/jpeg"] == JPEG
    assert any(b"Gambir" in content for kind, content in parts.items() if kind.startswith("text/"))  # type: ignore[operator]


def test_a_test_is_marked_and_short_is_short(store: Callable[..., Store]) -> None:
    with http_server(lambda _: (200, b"")) as service:
        here, sender = channel(store, service.url.replace("http", "json"), short=True)
        sender.deliver(here.row(incident("i1"), "apprise:pos", test=True))
        sender.close()
    said = service.requests[0].json()
    assert said["message"].startswith("SIAGA LATIHAN / UJI COBA")
    assert len(said["message"]) <= 160
    assert not said["title"]


def test_a_failure_names_no_secret(store: Callable[..., Store]) -> None:
    with http_server(lambda _: (500, b"")) as service:
        url = service.url.replace("http://", "json://kepala:kata-sandi-kami@") + "/jalur-rahasia"
        here, sender = channel(store, url)
        outcome = sender.deliver(here.row(incident("i1"), "apprise:pos"))
        sender.close()
    assert isinstance(outcome, Retry)
    assert "kata-sandi" not in outcome.reason
    assert "jalur-rahasia" not in outcome.reason


@pytest.mark.parametrize("url", ["tidak-ada://x", "", "json://a, json://b"])
def test_a_wrong_url_is_told_without_it(store: Callable[..., Store], url: str) -> None:
    with pytest.raises(ConfigError, match=r"^alert\.apprise\.0 \(pos\): url: ") as told:
        channel(store, url)
    assert not url or url not in str(told.value)
