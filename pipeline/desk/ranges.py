"""HTTP byte ranges (RFC 9110, section 14): one range a request, as every video element asks for."""

import re
from dataclasses import dataclass

_RANGE = re.compile(r"^bytes=(\d{0,18})-(\d{0,18})$")


@dataclass(frozen=True)
class Span:
    """Bytes `start` up to and without `end` of something `total` bytes long."""

    start: int
    end: int
    total: int

    @property
    def header(self) -> str:
        """The value of `Content-Range`."""
        return f"bytes {self.start}-{self.end - 1}/{self.total}"


class UnsatisfiableError(ValueError):
    """The range begins behind the end: answer 416."""


def parse_range(header: str | None, total: int) -> Span | None:
    """Read a `Range` header for something `total` bytes long.

    Returns:
        The span, or None when the whole is to be sent (no header, another unit, several ranges, nonsense).

    Raises:
        UnsatisfiableError: The range holds no byte of it.
    """
    match = _RANGE.fullmatch((header or "").replace(" ", ""))
    if match is None or match.group(1) == match.group(2) == "":
        return None
    first, last = match.groups()
    if first == "":
        length = min(int(last), total)
        start, end = total - length, total
    else:
        start, end = int(first), min(int(last) + 1, total) if last else total
        if last and int(last) < start:
            return None
    if start >= total or start >= end:
        raise UnsatisfiableError(f"range starts at {start} of {total}")
    return Span(start, end, total)
