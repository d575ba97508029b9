"""Sealing a Web Push message for one browser (RFC 8291, content coding `aes128gcm` of RFC 8188)."""

import os

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pipeline.ops.vapid import point, unb64

RECORD = 4096
MOST = RECORD - 86 - 17
"""The longest message that a push service must take, bytes: a record less its header, padding mark and tag."""


def _derive(key: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """HKDF-SHA-256."""
    return HKDF(hashes.SHA256(), length, salt, info).derive(key)


def seal(message: bytes, p256dh: str, auth: str) -> bytes:
    """Return a message that only the browser with these keys can read.

    Args:
        message: At most `MOST` bytes.
        p256dh: The browser's public key, base64url.
        auth: The browser's secret, base64url of 16 bytes.

    Raises:
        ValueError: A key is none, or the message is too long.
    """
    if len(message) > MOST:
        raise ValueError(f"message of {len(message)} bytes is over {MOST}")
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unb64(p256dh))
    secret = unb64(auth)
    if len(secret) != 16:
        raise ValueError("auth is not 16 bytes")
    ours, salt = ec.generate_private_key(ec.SECP256R1()), os.urandom(16)
    sender, receiver = point(ours.public_key()), point(theirs)
    info = b"WebPush: info\0" + receiver + sender
    material = _derive(ours.exchange(ec.ECDH(), theirs), secret, info, 32)
    key = _derive(material, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derive(material, salt, b"Content-Encoding: nonce\0", 12)
    header = salt + RECORD.to_bytes(4, "big") + bytes([len(sender)]) + sender
    return header + AESGCM(key).encrypt(nonce, message + b"\x02", None)
