"""Anchors: ends of the audit's chain kept in a file, so that rows cut off at the end, or a chain made anew, show.

A line is `NUMBER HASH EPOCH_MS MAC`. The MAC (HMAC-SHA256 of the rest of the line, `-` without a key) keeps somebody
who can write to file and database, but does not know the key, from making anchors that fit a chain made anew. Lines
that are copied to another machine, or shipped with the logs (`audit.anchor`), prove the same against whoever owns this.
"""

import fcntl
import hashlib
import hmac
import os
import threading
from pathlib import Path

import structlog
from prometheus_client import Counter
from sqlalchemy.exc import SQLAlchemyError

from pipeline.ops.clock import Clock, now_ms
from pipeline.ops.errors import ConfigError, StoreError
from pipeline.ops.settings import Settings
from pipeline.store.audit import Anchor, anchor
from pipeline.store.database import Database, explain

log = structlog.get_logger(__name__)
ANCHORS = Counter("siaga_audit_anchors_total", "Heads of the audit kept beside the database, by outcome", ["outcome"])


def anchor_file(settings: Settings) -> Path | None:
    """Return the file that the settings name; None where no anchors are kept."""
    name = settings.desk.audit_anchor
    return settings.data_path(name) if name else None


def anchor_key(settings: Settings) -> bytes:
    """Return the key that anchors are signed with; empty where it is not set."""
    return os.environ.get(settings.desk.audit_key.removeprefix("env:"), "").encode()


def mac_of(text: str, key: bytes) -> str:
    """Return the signature of a line's text; `-` without a key."""
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest() if key else "-"


def read_anchors(file: Path, key: bytes = b"") -> list[Anchor]:
    """Read anchors; with a key, signed lines must be signed by it and no line may be unsigned.

    Raises:
        ConfigError: Names the file, and the line that is no anchor or is not signed by the key.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read: {error}") from error
    found = []
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words:
            continue
        if len(words) < 2 or not words[0].isascii() or not words[0].isdigit() or len(words[1]) != 64:
            raise ConfigError(f"{file}:{number}: not a line like `12 0f3a...` (number of rows, hash)")
        if key and not (len(words) == 4 and hmac.compare_digest(words[3], mac_of(" ".join(words[:3]), key))):
            raise ConfigError(f"{file}:{number}: not signed by the audit's key")
        found.append(Anchor(int(words[0]), words[1]))
    return found


def kept_anchors(settings: Settings) -> list[Anchor]:
    """Return the anchors of the settings' file; none where it was not begun yet.

    Raises:
        ConfigError: It cannot be read, or a line of it is wrong.
    """
    file = anchor_file(settings)
    return read_anchors(file, anchor_key(settings)) if file is not None and file.exists() else []


def keep_anchor(file: Path, key: bytes, head: Anchor, at_ms: int) -> str:
    """Append the head, unless it is the last line already; says `kept`, `same` or `shorter`.

    `shorter` means that the audit has fewer rows than the last line says: rows were cut off. Nothing is appended then.

    Raises:
        OSError: The file cannot be written.
        ConfigError: The last line is no anchor.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        handle.seek(0)
        last = next((line for line in reversed(handle.read().splitlines()) if line.strip()), "")
        words = last.split()
        if words and not words[0].isdigit():
            raise ConfigError(f"{file}: its last line is no anchor")
        if words and int(words[0]) >= head.n:
            return "same" if (int(words[0]), words[1]) == (head.n, head.hash) else "shorter"
        text = f"{head.n} {head.hash} {at_ms}"
        handle.write(f"{text} {mac_of(text, key)}\n")
        handle.flush()
        os.fsync(handle.fileno())
    file.chmod(0o600)
    return "kept"


class AnchorKeeper:
    """Keeps the audit's head now and then while the desk runs, when it begins and when it ends."""

    def __init__(self, settings: Settings, database: Database, clock: Clock = now_ms) -> None:
        self._file, self._key = anchor_file(settings), anchor_key(settings)
        self._every_s, self._database, self._clock = settings.desk.audit_anchor_every_s, database, clock

    def run(self, stop: threading.Event) -> None:
        """Keep until stopped."""
        while self._file is not None:
            self.keep()
            if stop.wait(self._every_s):
                self.keep()
                return

    def keep(self) -> str:
        """Keep the head once; what goes wrong is logged and counted, it stops nothing. Returns the outcome."""
        if self._file is None:
            return "off"
        try:
            with self._database.reading() as session:
                head = anchor(session)
            outcome = keep_anchor(self._file, self._key, head, self._clock())
        except (OSError, StoreError, ConfigError, SQLAlchemyError) as error:
            outcome = "failed"
            log.error("audit.no_anchor", file=str(self._file), reason=explain(error))
        else:
            if outcome == "kept":
                log.info("audit.anchor", n=head.n, hash=head.hash)
            if outcome == "shorter":
                log.error("audit.cut", file=str(self._file), rows=head.n)
        ANCHORS.labels(outcome).inc()
        return outcome
