"""The embedded broker, a single-node server of the Kafka protocol in pure Python. It is never called Kafka."""

from pipeline.bus.embedded.broker import EmbeddedBroker
from pipeline.bus.embedded.limits import Limits
from pipeline.bus.embedded.server import serve
from pipeline.bus.embedded.storage import LockedError

__all__ = ["EmbeddedBroker", "Limits", "LockedError", "serve"]
