"""Services that apprise knows (WhatsApp, e-mail, SMS gateways ...): one `notify()` for each target.

A target is one service, so that what failed can be tried again without telling the others twice. Anything but a full
success is a failure: apprise says PARTIAL or NONE where nothing, or not everything, was sent.
"""

import logging
import re
from collections.abc import Mapping, Set
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import apprise
from apprise.attachment.memory import AttachMemory

from pipeline.alert.channels.base import NOTICES, Abilities, Channel, Outcome, Retry, Sent
from pipeline.alert.channels.shelf import Shelf
from pipeline.alert.content import Content, Phase, read
from pipeline.alert.secret import secret_value
from pipeline.alert.wording import words
from pipeline.ops.alert_targets import AppriseTarget
from pipeline.ops.clock import Clock
from pipeline.ops.errors import ConfigError
from pipeline.ops.settings import Settings
from pipeline.store.tables import OutboxRow

_PIECE = re.compile(r"[^/:@?&=,\s]{4,}")
_VERSION = apprise.__version__
_CAPTURE: Any = apprise.LogCapture  # these two have no types
_PICTURE: Any = AttachMemory
TYPES = {Phase.CLEAR: apprise.NotifyType.SUCCESS, Phase.CANCEL: apprise.NotifyType.INFO}
"""How a service may colour a notice; any other is a warning."""


class AppriseChannel:
    """One service."""

    name = "apprise"
    takes = NOTICES
    abilities = Abilities(in_place="no", receipt="accepted", picture="yes", signed="no")

    def __init__(self, target: AppriseTarget, service: apprise.Apprise, url: str, zone: ZoneInfo, shelf: Shelf) -> None:
        self._target, self._service, self._zone, self._shelf = target, service, zone, shelf
        self._secrets = sorted({unquote(piece) for piece in _PIECE.findall(url.partition("://")[2])}, key=len)[::-1]
        self.targets: Set[str] | None = frozenset({f"apprise:{target.name}"})
        self.lease_s = target.timeout_s + 3
        for plugin in service:
            plugin.socket_connect_timeout = plugin.socket_read_timeout = target.timeout_s

    @classmethod
    def build(cls, settings: Settings, environment: Mapping[str, str], _clock: Clock) -> list[Channel]:
        """Make one instance for each service of the settings.

        Raises:
            ConfigError: A URL's environment variable is missing, or apprise does not understand the URL.
        """
        # What apprise logs may hold parts of a URL; what went wrong is told by `Retry`, with them taken out.
        logging.getLogger("apprise").propagate = False
        made: list[Channel] = []
        for index, target in enumerate(settings.alert.apprise):
            key = f"alert.apprise.{index} ({target.name}): url"
            url = secret_value(target.url, key, environment)
            service = apprise.Apprise()
            if not service.add(url) or len(service) != 1:
                raise ConfigError(f"{key}: {target.url} does not hold one apprise URL that apprise {_VERSION} knows")
            made.append(cls(target, service, url, ZoneInfo(settings.city.timezone), Shelf(settings)))
        return made

    def deliver(self, row: OutboxRow) -> Outcome:
        """Notify once."""
        content = read(row.payload)
        said = words(content, self._target.language, self._zone)
        title, body = ("", said.short) if self._target.short else (said.title, said.text)
        still = self._still(content)
        with _CAPTURE(level=logging.WARNING, fmt="%(message)s") as told:
            result = self._service.notify(
                body=body,
                title=title,
                notify_type=TYPES.get(content.phase, apprise.NotifyType.WARNING),
                body_format=apprise.NotifyFormat.TEXT,
                attach=_PICTURE(content=still, name="kejadian.jpg", mimetype="image/jpeg") if still else None,
                timeout=self._target.timeout_s,
            )
            reason = self._redacted(told.getvalue())
        status = getattr(getattr(result, "status", None), "name", "")
        if result and status in ("", "SUCCESS"):
            return Sent({"receipt": "accepted", "picture": still is not None})
        label = (status or "failure").lower()
        return Retry(label, f"the service did not take it ({label}){': ' if reason else ''}{reason}")

    def _still(self, content: Content) -> bytes | None:
        """Return the still where it is wanted and the service takes one."""
        takes = any(getattr(plugin, "attachment_support", False) for plugin in self._service)
        if not self._target.picture or self._target.short or not takes or content.phase is Phase.DIGEST:
            return None
        return self._shelf.still(content.incident, content.camera_id)

    def _redacted(self, text: str) -> str:
        """Return what apprise said on one line, without any part of its URL."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return " ".join(text.split())[:300]

    def close(self) -> None:
        """Close the store."""
        self._shelf.close()
