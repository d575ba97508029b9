"""The channels by which people and systems are told, one module each.

A new channel is a class with the four members of `Channel` and one line in `build` below; the outbox, retries, the
breaker, receipts and metrics come with it.
"""

from collections.abc import Callable, Mapping

from pipeline.alert.channels.base import Channel
from pipeline.alert.channels.desk import DeskChannel
from pipeline.alert.channels.webhook import WebhookChannel
from pipeline.ops.clock import Clock
from pipeline.ops.settings import Settings

Builder = Callable[[Settings, Mapping[str, str], Clock], list[Channel]]
"""Makes the channels of one kind that the settings ask for; each is worked by a thread of its own."""

BUILDERS: Mapping[str, Builder] = {
    DeskChannel.name: DeskChannel.build,
    WebhookChannel.name: WebhookChannel.build,
}


def build(settings: Settings, environment: Mapping[str, str], clock: Clock) -> list[Channel]:
    """Make every channel that the settings ask for.

    Raises:
        ConfigError: A target's setting is wrong; the message names it.
    """
    return [channel for builder in BUILDERS.values() for channel in builder(settings, environment, clock)]
