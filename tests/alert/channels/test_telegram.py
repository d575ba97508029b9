"""Telegram against a small Bot API server: one message, edited in place."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from pipeline.alert.channels.base import Refused, Retry, Sent
from pipeline.alert.channels.telegram import TelegramChannel
from pipeline.ops.clock import now_ms
from tests.alert.channels.making import JPEG, Request, Store, http_server, incident, next_of
from tests.alert.channels.proof import proves

TOKEN = "123456:rahasia-bot-abcdef"


def ok(_: Request) -> tuple[int, bytes]:
    return 200, json.dumps({"ok": True, "result": {"message_id": 77}}).encode()


def error(status: int, text: str, **more: Any) -> tuple[int, bytes]:
    return status, json.dumps({"ok": False, "description": text, "parameters": more}).encode()


def channel(store: Callable[..., Store], url: str) -> tuple[Store, TelegramChannel]:
    here = store(telegram=[{"name": "rt", "token": "env:BOT", "chat": "-1001", "api": url}])
    made = TelegramChannel.build(here.settings, {"BOT": TOKEN}, now_ms)[0]
    assert isinstance(made, TelegramChannel)
    return here, made


@proves("telegram", "in_place", "receipt", "picture")
def test_one_message_with_the_still_then_edited(store: Callable[..., Store]) -> None:
    with http_server(ok) as api:
        here, sender = channel(store, api.url)
        first = incident("i1")
        row = here.row(first, "telegram:rt")
        here.still(first)
        outcome = sender.deliver(row)
        assert outcome == Sent({"receipt": "accepted", "message_id": 77, "picture": True, "edited": False})
        here.sent(row, outcome.receipt)
        sender.deliver(here.row(next_of(first, "closed"), "telegram:rt", "closed"))
        sender.close()
    photo, edit = api.requests
    assert photo.path == f"/bot{TOKEN}/sendPhoto"
    assert JPEG in photo.body
    assert edit.path.endswith("/editMessageCaption")
    assert edit.json()["message_id"] == 77
    assert "tidak terlihat lagi" in edit.json()["caption"]


@proves("telegram", "retry")
def test_what_the_api_answers(store: Callable[..., Store]) -> None:
    answers = [
        error(429, "Too Many Requests", retry_after=7), error(403, "bot was kicked"), error(502, "Bad Gateway"),
        (200, b"nonsense"), error(400, "Bad Request: message is not modified"),
    ]  # fmt: skip
    with http_server(lambda _: answers.pop(0)) as api:
        here, sender = channel(store, api.url)
        first = incident("i1")
        row = here.row(first, "telegram:rt")
        assert sender.deliver(row) == Retry("http_429", "HTTP 429: Too Many Requests", outage=False, after_s=7.0)
        assert sender.deliver(row) == Refused("http_403", "HTTP 403: bot was kicked")
        assert isinstance(sender.deliver(row), Retry)
        assert isinstance(sender.deliver(row), Retry)
        here.sent(row, {"message_id": 5, "picture": False})
        copy = sender.deliver(here.row(next_of(first), "telegram:rt", "updated"))
        assert isinstance(copy, Sent)
        sender.close()


@proves("telegram", "marked")
@pytest.mark.parametrize("notice", ["test", "drill"])
def test_a_test_is_marked_and_opens_no_incident(store: Callable[..., Store], notice: str) -> None:
    with http_server(ok) as api:
        here, sender = channel(store, api.url)
        assert isinstance(sender.deliver(here.row(incident("i1"), "telegram:rt", notice, test=True)), Sent)
        sender.close()
    assert b"LATIHAN / UJI COBA, BUKAN KEJADIAN" in api.requests[0].body


def test_the_token_is_in_no_reason(store: Callable[..., Store]) -> None:
    here, sender = channel(store, "http://127.0.0.1:1")
    outcome = sender.deliver(here.row(incident("i1"), "telegram:rt"))
    sender.close()
    assert isinstance(outcome, Retry)
    assert TOKEN not in outcome.reason
