"""Passwords: argon2id with the library's defaults (64 MiB, about 0.2 s), checked in a thread, two at a time."""

import secrets
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from pipeline.desk.i18n import mark

MIN_LENGTH = 10
MAX_LENGTH = 200
# Without the letters and digits that are misread when a password is dictated over the radio.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_HASHER = PasswordHasher()
# A check takes 64 MiB: more than two at once would let a flood of sign-ins eat the machine's memory.
_ROOM = BoundedSemaphore(2)
_NOBODY = _HASHER.hash(secrets.token_urlsafe(16))


def generate_password() -> str:
    """Return a random password of 16 characters in groups of four (79 bits), fit to be read aloud."""
    letters = [secrets.choice(_ALPHABET) for _ in range(16)]
    return "-".join("".join(letters[at : at + 4]) for at in range(0, 16, 4))


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password. Blocks for about 0.2 s."""
    with _ROOM:
        return _HASHER.hash(password)


def verify_password(stored: str | None, password: str) -> bool:
    """Check a password against its stored hash. Blocks for about 0.2 s.

    An unknown name (`stored` is None), or an account without a password, costs the same time as a wrong password, so
    that neither can be guessed by it.
    """
    hashed = stored if stored is not None and stored.startswith("$argon2") else None
    with _ROOM:
        try:
            _HASHER.verify(hashed or _NOBODY, password)
        except (VerificationError, InvalidHashError):
            return False
    return hashed is not None


def weakness(password: str, name: str) -> str | None:
    """Return why a new password is refused (a text of the catalogue), or None when it may be used."""
    if len(password) < MIN_LENGTH:
        return mark("Kata sandi terlalu pendek: paling sedikit 10 huruf.")
    if len(password) > MAX_LENGTH:
        return mark("Kata sandi terlalu panjang: paling banyak 200 huruf.")
    if name.casefold() in password.casefold():
        return mark("Kata sandi tidak boleh memuat nama Anda.")
    if len(set(password)) < 5:
        return mark("Kata sandi terlalu mudah: pakai lebih banyak huruf yang berbeda.")
    return None
