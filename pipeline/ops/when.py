"""Times that people write: in the city's zone unless they say otherwise."""

from datetime import datetime
from zoneinfo import ZoneInfo

from pipeline.ops.errors import ConfigError


def read_time(text: str, zone: ZoneInfo, now_ms: int, option: str = "--at") -> int:
    """Read a time, epoch ms: `2026-12-25T03:00` or `03:00` (today) in the city's zone, or with an offset of its own.

    Args:
        text: What was written; nothing, or `now`, is now.
        zone: The city's.
        now_ms: Now, epoch ms.
        option: Who wrote it, for the error.

    Raises:
        ConfigError: It is none of these.
    """
    if not text or text == "now":
        return now_ms
    today = datetime.fromtimestamp(now_ms / 1000, zone)
    for value in (text, f"{today:%Y-%m-%d}T{text}"):
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            continue
        return int((at if at.tzinfo is not None else at.replace(tzinfo=zone)).timestamp() * 1000)
    raise ConfigError(f"{option}: {text!r} is no time like 2026-12-25T03:00 or 03:00")
