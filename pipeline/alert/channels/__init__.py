"""The channels by which people and systems are told, one module each.

A new channel is a class with the members of `Channel` and `abilities`, and one line
in `CHANNELS` below; the outbox, retries, the breaker, receipts and metrics come with it.
"""

from collections.abc import Callable, Mapping

from pipeline.alert.channels.apprise import AppriseChannel
from pipeline.alert.channels.base import Abilities, Channel
from pipeline.alert.channels.cap import CapChannel
from pipeline.alert.channels.desk import DeskChannel
from pipeline.alert.channels.mqtt import MqttChannel
from pipeline.alert.channels.telegram import TelegramChannel
from pipeline.alert.channels.webhook import WebhookChannel
from pipeline.alert.channels.webpush import WebPushChannel
from pipeline.ops.clock import Clock
from pipeline.ops.settings import Settings

Builder = Callable[[Settings, Mapping[str, str], Clock], list[Channel]]
"""Makes the channels of one kind that the settings ask for; each is worked by a thread of its own."""

CHANNELS = (
    DeskChannel,
    WebhookChannel,
    CapChannel,
    MqttChannel,
    WebPushChannel,
    TelegramChannel,
    AppriseChannel,
)
BUILDERS: Mapping[str, Builder] = {channel.name: channel.build for channel in CHANNELS}
ABILITIES: Mapping[str, Abilities] = {channel.name: channel.abilities for channel in CHANNELS}
"""What each channel can do; docs/alerts.md is checked against it."""


def build(settings: Settings, environment: Mapping[str, str], clock: Clock) -> list[Channel]:
    """Make every channel that the settings ask for.

    Raises:
        ConfigError: A target's setting is wrong; the message names it.
    """
    return [channel for builder in BUILDERS.values() for channel in builder(settings, environment, clock)]
