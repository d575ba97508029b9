"""A signed-in person, their rights, and the tokens that prove them."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from enum import Enum
from typing import Literal, get_args

from pipeline.desk.areas import sees

Role = Literal["piket", "satpol", "engineer", "planner", "auditor", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)


class Right(Enum):
    """What a role may do within a person's areas."""

    SEE_INCIDENTS = "see incidents"
    DECIDE = "decide"
    SEE_CAMERAS = "see cameras"
    REVIEW = "review clips"
    RESEND = "send notices again"
    PLAN = "plan cameras"
    MANAGE_CAMERAS = "manage cameras"
    MANAGE_PEOPLE = "manage people"
    READ_AUDIT = "read the audit"


RIGHTS: dict[str, frozenset[Right]] = {
    "piket": frozenset({Right.SEE_INCIDENTS, Right.DECIDE, Right.SEE_CAMERAS, Right.RESEND}),
    "satpol": frozenset({Right.SEE_INCIDENTS, Right.SEE_CAMERAS, Right.REVIEW}),
    "engineer": frozenset({Right.SEE_INCIDENTS, Right.SEE_CAMERAS, Right.MANAGE_CAMERAS, Right.RESEND}),
    "planner": frozenset({Right.SEE_CAMERAS, Right.PLAN}),
    "auditor": frozenset({Right.READ_AUDIT}),
    "admin": frozenset(Right),
}

HOMES = (
    (Right.SEE_INCIDENTS, "/"),
    (Right.PLAN, "/kebutuhan"),
    (Right.SEE_CAMERAS, "/kamera"),
    (Right.READ_AUDIT, "/audit"),
)
"""Where people begin: the first of these that they have the right to."""


@dataclass(frozen=True)
class Person:
    """Who sent a request. `session` is the sha256 of the cookie's token, `csrf` what each of their forms carries."""

    name: str
    role: str
    areas: tuple[str, ...]
    must_change: bool
    session: str
    csrf: str

    def may(self, right: Right) -> bool:
        """Say whether the role has a right; an unknown role has none."""
        return right in RIGHTS.get(self.role, frozenset())

    @property
    def home(self) -> str:
        """The page that this person begins at: the inbox for whoever sees incidents."""
        return next((path for right, path in HOMES if self.may(right)), "/sandi")

    def sees(self, kelurahan: str) -> bool:
        """Say whether a kelurahan lies in the person's areas."""
        return sees(self.areas, kelurahan)


def new_token() -> str:
    """Return a random token for a cookie (256 bits)."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """Return what the database keeps of a token; it cannot be turned back."""
    return hashlib.sha256(token.encode()).hexdigest()


def csrf_of(token: str) -> str:
    """Return the form token of a cookie: only who can read the cookie's page can know it."""
    return hmac.new(token.encode(), b"siaga csrf", hashlib.sha256).hexdigest()


def same(one: str, other: str) -> bool:
    """Compare two tokens in constant time."""
    return hmac.compare_digest(one.encode(), other.encode())
