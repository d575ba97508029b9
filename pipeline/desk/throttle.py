"""Lock-out: how often a sign-in may fail. Pure state with an injected clock; lives in the desk's one process."""

from collections import OrderedDict, deque
from dataclasses import dataclass
from threading import Lock

from pipeline.ops.clock import Clock

MAX_KEYS = 20_000


@dataclass(frozen=True)
class Limit:
    """`failures` within `window_s` seconds close the door until the oldest of them is that old."""

    failures: int
    window_s: float


# One person at one address is locked soon. A name alone is locked late, so that a stranger elsewhere cannot easily
# keep an officer out; an address alone is locked late, because a kelurahan office shares one.
LIMITS = {"pair": Limit(5, 300), "name": Limit(30, 900), "address": Limit(60, 600)}


class Throttle:
    """Counts failed sign-ins by name and address, name, and address."""

    def __init__(self, clock: Clock) -> None:
        """Start with nothing counted; `clock` is in epoch ms."""
        self._clock = clock
        self._failures: OrderedDict[tuple[str, str], deque[int]] = OrderedDict()
        self._lock = Lock()

    @staticmethod
    def _keys(name: str, address: str) -> list[tuple[str, str]]:
        name = name.casefold()
        return [("pair", f"{name}\n{address}"), ("name", name), ("address", address)]

    def wait_s(self, name: str, address: str) -> int:
        """Return the whole seconds until this name may try again from this address; 0 means now."""
        now = self._clock()
        longest = 0
        with self._lock:
            for key in self._keys(name, address):
                limit = LIMITS[key[0]]
                seen = self._failures.get(key, deque())
                recent = [at for at in seen if now - at < limit.window_s * 1000]
                if len(recent) >= limit.failures:
                    opens = recent[-limit.failures] + int(limit.window_s * 1000)
                    longest = max(longest, -(-(opens - now) // 1000))
        return longest

    def failed(self, name: str, address: str) -> None:
        """Count a failed sign-in."""
        now = self._clock()
        with self._lock:
            for key in self._keys(name, address):
                seen = self._failures.setdefault(key, deque(maxlen=LIMITS[key[0]].failures))
                seen.append(now)
                self._failures.move_to_end(key)
            while len(self._failures) > MAX_KEYS:
                self._failures.popitem(last=False)

    def succeeded(self, name: str, address: str) -> None:
        """Forget the failures of this name at this address; the wider counts stay."""
        with self._lock:
            self._failures.pop(self._keys(name, address)[0], None)
