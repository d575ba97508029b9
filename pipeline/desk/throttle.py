"""Lock-out: how often a sign-in may fail. Counted in the database: a restart forgets nothing, all processes agree."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from pipeline.ops.clock import Clock
from pipeline.store import access
from pipeline.store.database import Database


@dataclass(frozen=True)
class Limit:
    """`failures` within `window_s` seconds close the door until the oldest of them is that old."""

    failures: int
    window_s: float


# One person at one address is locked soon. A name alone is locked late, so that a stranger elsewhere cannot easily
# keep an officer out; an address alone is locked late, because a kelurahan office shares one.
LIMITS = {"pair": Limit(5, 300), "name": Limit(30, 900), "address": Limit(60, 600)}
LONGEST_MS = int(max(limit.window_s for limit in LIMITS.values()) * 1000)


@dataclass(frozen=True)
class Try:
    """A sign-in that was let in (`wait_s` 0; it counts as failed until it succeeds) or has to wait."""

    wait_s: int
    rows: tuple[int, ...] = ()


def wait_s(limit: Limit, failures: Sequence[int], now_ms: int) -> int:
    """Return the whole seconds until a limit opens; 0 means now. Pure; `failures` are epoch ms, oldest first."""
    window_ms = int(limit.window_s * 1000)
    recent = [at for at in failures if now_ms - at < window_ms]
    if len(recent) < limit.failures:
        return 0
    return -(-(recent[-limit.failures] + window_ms - now_ms) // 1000)


def keys_of(name: str, address: str) -> dict[str, str]:
    """Return what a try counts against, as hashes: the table tells nobody's address."""
    name = name.casefold()
    texts = {"pair": f"{name}\n{address}", "name": name, "address": address}
    return {kind: hashlib.sha256(f"{kind}\n{text}".encode()).hexdigest() for kind, text in texts.items()}


class Throttle:
    """Counts failed sign-ins by name and address, name, and address."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Count in `database`; `clock` is in epoch ms."""
        self._database, self._clock = database, clock

    def begin(self, name: str, address: str) -> Try:
        """Let a try in and count it as failed at once: a hundred tries in parallel are still five."""
        now, keys = self._clock(), keys_of(name, address)

        def work(session: Session) -> Try:
            access.take_turns(session)
            access.prune_failures(session, now - LONGEST_MS)
            wait = self._longest(session, keys, now)
            return Try(wait) if wait else Try(0, tuple(access.add_failures(session, list(keys.values()), now)))

        return self._database.transact(work)

    def succeeded(self, name: str, address: str, one: Try) -> None:
        """Take the try back, and forget the failures of this name at this address; the wider counts stay."""
        key = keys_of(name, address)["pair"]
        self._database.transact(lambda session: access.forget_failures(session, one.rows, key))

    def _longest(self, session: Session, keys: dict[str, str], now: int) -> int:
        """Return the longest wait of the three limits, seconds."""
        since = {key: now - int(LIMITS[kind].window_s * 1000) for kind, key in keys.items()}
        seen = access.failures_since(session, since)
        return max(wait_s(LIMITS[kind], seen[key], now) for kind, key in keys.items())
