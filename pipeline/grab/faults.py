"""Why a source cannot be read: one class with a stable reason code, and the translation of PyAV's errors into it.

PyAV quotes the URL in its messages, password included, so its texts never get out of here.
"""

from typing import Literal

import av.error

from pipeline.ops.errors import SourceError

Reason = Literal[
    "refused",
    "timeout",
    "unauthorised",
    "not_found",
    "unreachable",
    "ended",
    "no_video",
    "broken",
    "too_large",
    "unsupported",
]
"""Stable code of a fault; texts for people are made from it where they are shown."""

DECODE_ERRORS = (av.error.FFmpegError, ValueError, OverflowError, MemoryError, TypeError)
"""What PyAV raises on damaged media: its own errors, and plain ones for sizes and formats that cannot be."""

_TEXTS: dict[Reason, str] = {
    "refused": "connection refused",
    "timeout": "no answer in time",
    "unauthorised": "user name or password is wrong (401)",
    "not_found": "not found",
    "unreachable": "cannot be reached",
    "ended": "the stream ended",
    "no_video": "there is no video in it",
    "broken": "not a readable video",
    "too_large": "the picture is absurdly large",
    "unsupported": "kind of source is not supported",
}


class SourceFaultError(SourceError):
    """A source cannot be opened or read; `reason` is a stable code. The message holds no URL and no password."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{_TEXTS[reason]}{': ' if detail else ''}{detail}")
        self.reason = reason


def _reason(error: BaseException) -> tuple[Reason, str]:
    """Return reason code and a detail without any URL for an error of PyAV."""
    kinds: list[tuple[type[BaseException], Reason, str]] = [
        (av.error.HTTPUnauthorizedError, "unauthorised", ""),
        (av.error.HTTPForbiddenError, "unauthorised", "forbidden (403)"),
        (av.error.HTTPNotFoundError, "not_found", "no such stream (404)"),
        (FileNotFoundError, "not_found", "no such file"),
        (PermissionError, "broken", "no permission to read it"),
        (ConnectionRefusedError, "refused", ""),
        (ConnectionError, "ended", "connection lost"),
        (TimeoutError, "timeout", ""),
        (av.error.ExitError, "timeout", ""),
        (av.error.HTTPError, "unreachable", "the server answers with an error"),
        (MemoryError, "too_large", ""),
        (av.error.EOFError, "ended", ""),
    ]
    for kind, reason, detail in kinds:
        if isinstance(error, kind):
            return reason, detail
    number = getattr(error, "errno", None)
    if number in (5, 101, 113):  # EIO while opening (PyAV's word for an unknown host), ENETUNREACH, EHOSTUNREACH
        return "unreachable", ""
    return "broken", ""


def fault_of(error: BaseException, waited_s: float, limit_s: float) -> SourceFaultError:
    """Translate an error of PyAV.

    Args:
        error: What PyAV raised.
        waited_s: How long the call took; RTSP reports its own timeout as damaged data, so time decides.
        limit_s: The time it was given.
    """
    reason, detail = _reason(error)
    if reason in ("broken", "unreachable", "ended") and waited_s >= 0.9 * limit_s:
        reason, detail = "timeout", ""
    return SourceFaultError(reason, detail or (f"within {limit_s:g} s" if reason == "timeout" else ""))
