"""Who can be told, one strict model for each channel (docs/alerts.md). Secrets are named here, never written."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, field_validator

from pipeline.ops.section import Kind, Seconds, Section

SecretName = Annotated[str, Field(pattern=r"^env:[A-Z][A-Z0-9_]{1,63}$")]
"""Where a secret is: `env:NAME`, the environment variable (or the file of that name under `SIAGA_SECRETS`)."""
HttpUrl = Annotated[str, Field(pattern=r"^https?://")]
Area = Annotated[str, Field(pattern=r"^\d\d(\.\d\d(\.\d\d(\.\d{4})?)?)?$")]
"""A code of 1 to 4 groups: `31`, `31.71`, `31.71.01`, `31.71.01.1001`."""
Speech = Literal["id", "en"]


class Reach(Section):
    """Base of every target: its name, and of which incidents it hears."""

    name: str = Field(pattern=r"^[a-z0-9_-]{1,40}$", description="Name of the target in timelines and metrics")
    kelurahan: tuple[str, ...] = Field((), description="Codes or code prefixes served by it; empty = all")
    kinds: tuple[Kind, ...] = Field((), description="Kinds it wants; empty = all")
    timeout_s: Seconds = Field(5, description="Patience for its answer")


class WebhookTarget(Reach):
    """One receiver of signed incident notices."""

    url: str = Field(pattern=r"^https?://", description="Where notices are posted")
    secret: str = Field(min_length=16, description="HMAC-SHA256 key; `env:NAME` reads it from the environment")
    may_accept: bool = Field(False, description="A receipt of it that says acknowledged accepts the incident")


class CapPushTarget(Reach):
    """One system that takes CAP documents by HTTP POST."""

    url: HttpUrl = Field(description="Where documents are posted as application/cap+xml")
    secret: SecretName | None = Field(None, description="HMAC-SHA256 key, as of a webhook; null = unsigned")
    token: SecretName | None = Field(None, description="Sent as `Authorization: Bearer ...`; null = none")


class CapSection(Section):
    """CAP 1.2: who speaks, the feed at the desk, and who is sent each document."""

    sender: str = Field(
        "siaga@jakarta.invalid", pattern=r"^[^\s,<&]{3,120}$", description="Globally unique name of the sender"
    )
    sender_name: str = Field("Siaga Jakarta", min_length=1, description="The sender as people read it")
    scope: Literal["Public", "Restricted", "Private"] = Field("Restricted", description="For whom documents are")
    restriction: str = Field("Petugas piket dan dinas terkait", description="Named in documents of scope Restricted")
    feed: Literal["closed", "token", "public"] = Field("closed", description="Who may read /cap/feed.xml at the desk")
    feed_token: SecretName = Field("env:SIAGA_CAP_TOKEN", description="What readers of the feed show if it is `token`")
    feed_entries: int = Field(100, ge=1, le=1000, description="Documents in the feed, newest first")
    boundaries: str = Field("", description="GeoJSON of kelurahan (property `kode`), relative to this file; '' = none")
    radius_m: float = Field(150, gt=0, le=50_000, description="Circle around the camera where there is no boundary")
    expires_s: Seconds = Field(3600, description="A document says nothing any more after this long")
    push: tuple[CapPushTarget, ...] = Field((), description="Receivers of each document")


class MqttTarget(Reach):
    """One MQTT 5 broker with sirens and relays behind it."""

    host: str = Field(min_length=1, description="Host of the broker")
    port: int = Field(8883, ge=1, le=65535, description="Its port")
    tls: bool = Field(True, description="Encrypt, and check the broker's certificate")
    ca_file: str = Field("", description="Certificates to trust, relative to this file; '' = the system's")
    username: str = Field("", description="User at the broker; '' = none")
    password: SecretName | None = Field(None, description="Password of that user")
    prefix: str = Field("siaga", pattern=r"^[A-Za-z0-9_/-]{1,100}$", description="First part of each topic")
    expiry_s: int = Field(3600, ge=1, le=604_800, description="The broker forgets a state that was not renewed")


class AppriseTarget(Reach):
    """One service that apprise knows: WhatsApp, e-mail, SMS gateways, Telegram and many more."""

    url: SecretName = Field(description="Where its apprise URL is; the URL holds passwords and is never logged")
    short: bool = Field(False, description="One line without a title, for SMS")
    picture: bool = Field(True, description="Attach the still where the service takes one")
    language: Speech = Field("id", description="Language of the text")
    timeout_s: Seconds = Field(10, description="Patience for its answer")


class TelegramTarget(Reach):
    """One Telegram chat, told once and then edited in place."""

    token: SecretName = Field(description="Token of the bot")
    chat: str = Field(pattern=r"^(-?\d{1,20}|@[A-Za-z0-9_]{4,40})$", description="Chat id, or @name of a channel")
    api: HttpUrl = Field("https://api.telegram.org", description="The Bot API server")
    picture: bool = Field(True, description="Send the still")
    language: Speech = Field("id", description="Language of the text")
    timeout_s: Seconds = Field(10, description="Patience for its answer")


class WebPushSection(Section):
    """Notices to browsers of signed-in people (Web Push, VAPID)."""

    enabled: bool = Field(False, description="Offer and send them; needs the key (`siaga vapid`)")
    key: SecretName = Field("env:SIAGA_VAPID_KEY", description="The VAPID private key")
    contact: str = Field(
        "mailto:siaga@jakarta.invalid", pattern=r"^(mailto:|https://)\S+$", description="Whom a push service may ask"
    )
    services: tuple[str, ...] = Field(
        (
            "https://fcm.googleapis.com",
            "https://updates.push.services.mozilla.com",
            "https://*.push.apple.com",
            "https://*.notify.windows.com",
        ),
        description="Push services that browsers may name, `*` for any part; nothing else is ever called",
    )
    ttl_s: int = Field(3600, ge=0, le=2_419_200, description="A push service keeps a notice this long for a device")
    timeout_s: Seconds = Field(5, description="Patience for one push service's answer")


class Targets(Section):
    """Part of the alert section: every target by its channel."""

    webhooks: tuple[WebhookTarget, ...] = Field((), description="Receivers of signed notices (docs/webhook.md)")
    cap: CapSection = Field(CapSection(), description="CAP 1.2: the feed at the desk, and receivers of documents.")
    mqtt: tuple[MqttTarget, ...] = Field((), description="MQTT 5 brokers with sirens and relays")
    webpush: WebPushSection = Field(WebPushSection(), description="Notices to browsers of signed-in people.")
    telegram: tuple[TelegramTarget, ...] = Field((), description="Telegram chats, edited in place")
    apprise: tuple[AppriseTarget, ...] = Field((), description="Services by apprise: WhatsApp, e-mail, SMS ...")

    @field_validator("webhooks", "mqtt", "telegram", "apprise", "cap")
    @classmethod
    def _names_differ(cls, value: tuple[Reach, ...] | CapSection) -> tuple[Reach, ...] | CapSection:
        """Refuse a name that stands twice: outbox rows know their target by it alone."""
        names = [target.name for target in (value.push if isinstance(value, CapSection) else value)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if isinstance(value, CapSection) and "feed" in names:
            raise ValueError("the name feed is taken by the feed itself")
        if twice:
            raise ValueError(f"the name {twice[0]} stands twice")
        return value

    def named(self) -> Iterator[tuple[str, Reach]]:
        """Yield every target that has a name, with its channel; `channel:name` is the target of an outbox row."""
        if self.cap.feed != "closed":
            yield "cap", Reach(name="feed")
        if self.webpush.enabled:
            yield "webpush", Reach(name="piket")
        groups: tuple[tuple[str, tuple[Reach, ...]], ...] = (
            ("webhook", self.webhooks),
            ("cap", self.cap.push),
            ("mqtt", self.mqtt),
            ("telegram", self.telegram),
            ("apprise", self.apprise),
        )
        for channel, targets in groups:
            for target in targets:
                yield channel, target
