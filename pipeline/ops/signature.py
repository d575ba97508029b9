"""Signatures between Siaga and other systems (docs/webhook.md), and the tokens by which a browser confirms a notice."""

import hashlib
import hmac

MAX_AGE_MS = 300_000
"""What was signed longer ago is refused: it may be somebody's recording."""


def sign(secret: bytes, timestamp: str, body: bytes) -> str:
    """Return the signature header: `sha256=` and the hex HMAC-SHA256 of `timestamp + "." + body`."""
    return "sha256=" + hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def is_signed(secret: bytes, timestamp: str, signature: str, body: bytes, now_ms: int) -> bool:
    """Say whether a body was signed with this secret, within `MAX_AGE_MS` of now (`timestamp` is epoch ms)."""
    good = hmac.compare_digest(sign(secret, timestamp, body).encode(), signature.encode())
    return good and timestamp.isdecimal() and len(timestamp) < 16 and abs(now_ms - int(timestamp)) <= MAX_AGE_MS


def push_token(secret: str, browser: int, key: str) -> str:
    """Return what a browser shows to confirm a notice: only who was sent it can know it.

    Args:
        secret: The VAPID private key, which desk and alert stage share.
        browser: Number of its subscription.
        key: Idempotency key of the notice.
    """
    return hmac.new(secret.encode(), f"receipt {browser} {key}".encode(), hashlib.sha256).hexdigest()
