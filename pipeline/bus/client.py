"""Connections to the bus that outlast it: whoever asks for one gets it as soon as a broker answers."""

import os
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import structlog
from kafka.errors import KafkaError

log = structlog.get_logger(__name__)

T = TypeVar("T")
FIRST_WAIT_S = 0.2
LONGEST_WAIT_S = 5.0


def retrying(what: str, attempt: Callable[[], T], stop: threading.Event | None = None) -> T:
    """Call `attempt` until the bus answers, waiting 0.2 s, then twice as long each time, 5 s at most.

    Raises:
        InterruptedError: `stop` was set first.
    """
    wait = FIRST_WAIT_S
    while True:
        try:
            return attempt()
        except (KafkaError, OSError) as error:
            log.warning("bus.waiting", what=what, error=str(error) or type(error).__name__, retry_s=round(wait, 1))
        if (stop or threading.Event()).wait(wait):
            raise InterruptedError(f"stopped while waiting for the bus: {what}")
        wait = min(LONGEST_WAIT_S, wait * 2)


def client_id(stage: str) -> str:
    """Return the name under which this process is known to the broker: stage and instance, stable over restarts."""
    return f"siaga-{stage}-{instance_name(stage)}"


def instance_name(stage: str) -> str:
    """Return this process' place among its kind: what the supervisor called it, else its host and process id."""
    return os.environ.get("SIAGA_INSTANCE") or f"{stage}-{os.uname().nodename}-{os.getpid()}"


def common(bootstrap_servers: str, stage: str) -> dict[str, Any]:
    """Return the client settings that producers, consumers and admins share."""
    return {
        "bootstrap_servers": [server.strip() for server in bootstrap_servers.split(",")],
        "client_id": client_id(stage),
        "reconnect_backoff_ms": 50,
        "reconnect_backoff_max_ms": 1000,
        "retry_backoff_ms": 100,
        "bootstrap_timeout_ms": 3000,
        "allow_auto_create_topics": False,
        "metrics_enabled": False,
    }
