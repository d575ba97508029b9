"""The one place that reads the wall clock; everything else is handed a `Clock`."""

import time
from collections.abc import Callable

Clock = Callable[[], int]
"""A function that returns the time now in UTC epoch milliseconds."""


def now_ms() -> int:
    """Return the wall clock in UTC epoch milliseconds."""
    return time.time_ns() // 1_000_000
