"""Structured logs on standard error: a JSON object (or readable text) a line, with stage and, where known, trace."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from pipeline.ops.redact import redact_text
from pipeline.ops.sections import OpsSection

QUIET = ("kafka", "uvicorn.access", "httpx", "httpcore", "alembic", "libav", "asyncio")
"""Libraries whose chatter is of no use below a warning."""
MUTE = ("kafka.net",)
"""Loggers that tell each refused connection as an error; `pipeline.bus` says it once, in its own words."""


def _redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Take credentials out of every text of a log line; the last line of defence, not the only one."""
    for key, value in event.items():
        if isinstance(value, str) and "://" in value:
            event[key] = redact_text(value)
    return event


def configure_logs(ops: OpsSection, stage: str) -> None:
    """Send structlog and the standard library's logging to standard error in one form.

    Args:
        ops: Level and form.
        stage: Written on each line.
    """
    level = getattr(logging, ops.log_level.upper())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _redact,
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    text = not ops.log_json or sys.stderr.isatty()
    last: Any = structlog.dev.ConsoleRenderer(colors=False) if text else structlog.processors.JSONRenderer()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    for name in MUTE:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    structlog.contextvars.bind_contextvars(stage=stage)
