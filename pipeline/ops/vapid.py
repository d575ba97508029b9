"""The key by which this Siaga is known to push services (VAPID, RFC 8292): made once, kept as a secret."""

import base64
import binascii
import json
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pipeline.ops.errors import ConfigError

PrivateKey = ec.EllipticCurvePrivateKey
LASTS_S = 12 * 3600
"""How long a token is good; a push service refuses more than a day."""


def b64(content: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """Read base64url, with or without padding.

    Raises:
        ValueError: It is none.
    """
    return base64.b64decode(text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)


def new_key() -> str:
    """Make a private key: its 32 bytes as base64url, as other Web Push tools write it."""
    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return b64(number.to_bytes(32, "big"))


def load_key(text: str, key: str) -> PrivateKey:
    """Read a private key.

    Args:
        text: 32 bytes as base64url.
        key: Where the setting stands, for the message.

    Raises:
        ConfigError: It is none; the message does not repeat it.
    """
    try:
        content = unb64(text.strip())
        if len(content) != 32:
            raise ValueError("not 32 bytes")
        return ec.derive_private_key(int.from_bytes(content, "big"), ec.SECP256R1())
    except (ValueError, binascii.Error) as error:
        raise ConfigError(f"{key}: not a VAPID private key as `siaga vapid` makes it") from error


def point(key: ec.EllipticCurvePublicKey) -> bytes:
    """Return a public key as its uncompressed point, 65 bytes."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def public_text(key: PrivateKey) -> str:
    """Return the public key as browsers take it (`applicationServerKey`)."""
    return b64(point(key.public_key()))


def authorization(key: PrivateKey, address: str, contact: str, at_ms: int) -> str:
    """Return the `Authorization` header for one push service: a JWT signed with ES256, good for 12 hours."""
    parts = urlsplit(address)
    claims = {"aud": f"{parts.scheme}://{parts.netloc}", "exp": at_ms // 1000 + LASTS_S, "sub": contact}
    signed = ".".join(b64(json.dumps(part).encode()) for part in ({"typ": "JWT", "alg": "ES256"}, claims))
    r, s = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    signature = b64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    return f"vapid t={signed}.{signature}, k={public_text(key)}"
