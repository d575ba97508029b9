"""Telegram by its Bot API: a message per incident, edited in place (apprise cannot edit what it sent)."""

import json
from collections.abc import Mapping, Set
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.alert.channels.base import NOTICES, Abilities, Channel, Outcome, Refused, Retry, Sent
from pipeline.alert.channels.http import Answer, Exchange, check_url, judge
from pipeline.alert.channels.shelf import Shelf
from pipeline.alert.content import Content, Phase, read
from pipeline.alert.secret import resolve_secret
from pipeline.alert.wording import words
from pipeline.ops.alert_targets import TelegramTarget
from pipeline.ops.clock import Clock
from pipeline.ops.settings import Settings
from pipeline.store.tables import Document, OutboxRow

CAPTION = 1024
MESSAGE = 4096
"""The longest caption and message that the Bot API takes, characters."""
KEEP = 16_384
UNCHANGED = "message is not modified"
GONE = ("message to edit not found", "message can't be edited", "MESSAGE_ID_INVALID")


class TelegramChannel:
    """One chat."""

    name = "telegram"
    takes = NOTICES
    abilities = Abilities(in_place="yes", receipt="accepted", picture="yes", signed="no")

    def __init__(self, target: TelegramTarget, token: str, zone: ZoneInfo, shelf: Shelf, clock: Clock) -> None:
        self._target, self._token, self._zone, self._shelf = target, token, zone, shelf
        self.targets: Set[str] | None = frozenset({f"telegram:{target.name}"})
        self.lease_s = 2 * target.timeout_s + 3
        self._exchange = Exchange(target.timeout_s, clock)

    @classmethod
    def build(cls, settings: Settings, environment: Mapping[str, str], clock: Clock) -> list[Channel]:
        """Make one instance for each chat of the settings.

        Raises:
            ConfigError: The token's environment variable is missing, or the server's address is malformed.
        """
        made: list[Channel] = []
        for index, target in enumerate(settings.alert.telegram):
            key = f"alert.telegram.{index} ({target.name})"
            check_url(target.api, f"{key}: api")
            token = resolve_secret(target.token, f"{key}: token", environment).decode()
            made.append(cls(target, token, ZoneInfo(settings.city.timezone), Shelf(settings), clock))
        return made

    def deliver(self, row: OutboxRow) -> Outcome:
        """Send the incident's message, or edit the one that is there."""
        content = read(row.payload)
        earlier = [receipt for receipt in self._shelf.earlier(row) if "message_id" in receipt]
        # An edit makes no phone ring: an escalation is a new message, and what comes later edits that one.
        if earlier and content.notice != "escalated" and content.phase not in (Phase.ALERT, Phase.TEST, Phase.DIGEST):
            outcome = self._edit(content, earlier[-1])
            if outcome is not None:
                return outcome
        return self._send(content)

    def _send(self, content: Content) -> Outcome:
        """Send a new message, with the still if there is one."""
        still = None
        if self._target.picture and content.phase is not Phase.DIGEST:
            still = self._shelf.still(content.incident, content.camera_id)
        if still is None:
            fields = {"text": self._text(content, MESSAGE)}
            return self._judged(self._call("sendMessage", json=fields), picture=False)
        files = {"photo": ("kejadian.jpg", still, "image/jpeg")}
        fields = {"caption": self._text(content, CAPTION)}
        return self._judged(self._call("sendPhoto", data=fields, files=files), picture=True)

    def _edit(self, content: Content, receipt: Document) -> Outcome | None:
        """Edit the message of a receipt; None when it is gone and a new one is needed."""
        picture = bool(receipt.get("picture"))
        method, name, limit = ("Caption", "caption", CAPTION) if picture else ("Text", "text", MESSAGE)
        fields = {"message_id": receipt["message_id"], name: self._text(content, limit)}
        answer = self._call(f"editMessage{method}", json=fields)
        if isinstance(answer, Answer) and answer.status == 400:
            said = str(_object(answer.body).get("description", ""))
            if UNCHANGED in said:  # a copy of an edit whose answer was lost
                return Sent({**receipt, "receipt": "accepted", "edited": True})
            if any(words_ in said for words_ in GONE):
                return None
        return self._judged(answer, picture, edited=True)

    def _text(self, content: Content, limit: int) -> str:
        """Return title and text, cut to what the API takes."""
        said = words(content, self._target.language, self._zone)
        text = f"{said.title}\n{said.text}"
        return text if len(text) <= limit else text[: limit - 1] + "…"

    def _call(self, method: str, **content: Any) -> Answer | Retry:
        """Call the Bot API; the token is in the address and appears in no reason."""
        url = f"{self._target.api.rstrip('/')}/bot{self._token}/{method}"
        for part in ("json", "data"):
            if part in content:
                content[part] = {"chat_id": self._target.chat, **content[part]}
        answer = self._exchange.post(url, {}, KEEP, **content)
        if isinstance(answer, Retry):
            return Retry(answer.label, answer.reason.replace(self._token, "***"), answer.outage, answer.after_s)
        return answer

    def _judged(self, answer: Answer | Retry, picture: bool, edited: bool = False) -> Outcome:
        """Say what became of it; only an answer with a message number is a receipt."""
        if isinstance(answer, Retry):
            return answer
        told = _object(answer.body)
        if answer.status == 200:
            result = told.get("result")
            if told.get("ok") is not True or not isinstance(result, dict) or "message_id" not in result:
                return Retry("strange_answer", "HTTP 200 without a message of the Bot API")
            return Sent(
                {"receipt": "accepted", "message_id": result["message_id"], "picture": picture, "edited": edited}
            )
        wait = told.get("parameters", {}).get("retry_after") if isinstance(told.get("parameters"), dict) else None
        after_s = float(wait) if isinstance(wait, int) else answer.after_s
        outcome = judge(answer.status, str(told.get("description", ""))[:300].replace(self._token, "***"), after_s)
        return Refused("strange_answer", "an answer that is no message") if isinstance(outcome, Sent) else outcome

    def close(self) -> None:
        """Close connections and the store."""
        self._exchange.close()
        self._shelf.close()


def _object(body: bytes) -> dict[str, Any]:
    """Return a JSON object, empty when the body is none."""
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
