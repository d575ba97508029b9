"""Signed links to stills and clips: short-lived, of one sign-in and one piece of evidence.

A link is worth nothing to anybody else: it opens only with the cookie of the sign-in that it was made for, and the area
is checked again when it is used. Keys are made by the desk, kept in the database so that all its processes know them,
and change once a day; the one before still opens what it has signed.
"""

import hashlib
import hmac
import secrets
from threading import Lock

from fastapi import Request

from pipeline.desk.identity import Person, same
from pipeline.ops.clock import Clock
from pipeline.store import access
from pipeline.store.database import Database

STEP_MS = 5 * 60_000
"""Links of the same step are equal, so that a list that is fetched again shows the pictures it has."""
LIFE_MS = 2 * STEP_MS
"""A link lives between 10 and 15 minutes."""
KEY_LIFE_MS = 24 * 3_600_000


def sign(secret: str, number: int, session: str, expires_ms: int) -> str:
    """Return the signature of a link: HMAC-SHA256 over evidence, sign-in and end. Pure."""
    text = f"media\n{number}\n{session}\n{expires_ms}"
    return hmac.new(bytes.fromhex(secret), text.encode(), hashlib.sha256).hexdigest()[:43]


class Signer:
    """Makes and checks links; threads share it."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Read no key yet: the first link does."""
        self._database, self._clock = database, clock
        self._keys: list[tuple[int, str]] = []
        self._lock = Lock()

    def url(self, number: int, person: Person) -> str:
        """Return the link to a piece of evidence for one person's sign-in."""
        now = self._clock()
        expires = (now // STEP_MS + 1) * STEP_MS + LIFE_MS
        made, secret = self._newest(now)
        return f"/media/{number}?t={expires}.{made}.{sign(secret, number, person.session, expires)}"

    def fault(self, number: int, person: Person, token: str) -> str:
        """Return why a link does not open: `unsigned`, `expired`, `key` or `signature`; empty when it does."""
        parts = token.split(".")
        if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) < 19 for part in parts[:2]):
            return "unsigned"
        expires, made = int(parts[0]), int(parts[1])
        if expires <= self._clock() or expires > self._clock() + STEP_MS + LIFE_MS:
            return "expired"
        secret = self._secret(made)
        if secret is None:
            return "key"
        return "" if same(sign(secret, number, person.session, expires), parts[2]) else "signature"

    def _newest(self, now: int) -> tuple[int, str]:
        """Return the key that signs now; a new one is made when it has served its time."""
        with self._lock:
            if not self._keys or now - self._keys[0][0] >= KEY_LIFE_MS:
                fresh = secrets.token_hex(32)
                self._keys = self._database.transact(
                    lambda session: access.rotate_keys(session, fresh, now, KEY_LIFE_MS)
                )
            return self._keys[0]

    def _secret(self, made: int) -> str | None:
        """Return a key by when it was made; another process of the desk may have made it since we looked."""
        with self._lock:
            if made not in dict(self._keys):
                with self._database.reading() as session:
                    self._keys = access.signing_keys(session)
            return dict(self._keys).get(made)


def media_url(request: Request, evidence_id: int) -> str:
    """Return the signed link to a still or clip for who sent this request; without a sign-in it opens nothing."""
    person = getattr(request.state, "person", None)
    if not isinstance(person, Person):
        return f"/media/{evidence_id}"
    signer: Signer = request.app.state.desk.signer
    return signer.url(evidence_id, person)
