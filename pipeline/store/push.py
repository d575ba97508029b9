"""The browsers that take Web Push, by the person who signed in there."""

import hashlib
from collections.abc import Collection, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipeline.store.areas import covers
from pipeline.store.channel_tables import PushedRow, SubscriptionRow
from pipeline.store.tables import UserRow
from pipeline.store.timeline import take_turn

MOST_PER_PERSON = 10
"""Browsers of one person; the oldest gives way."""


def hash_of(address: str) -> str:
    """Return the sha256 by which an address is found again."""
    return hashlib.sha256(address.encode()).hexdigest()


def subscribe(session: Session, user: str, address: str, keys: tuple[str, str], at_ms: int) -> None:
    """Keep a browser (`keys` are p256dh and auth, base64url); one that somebody else left is theirs no more."""
    take_turn(session)
    session.execute(sa.delete(SubscriptionRow).where(SubscriptionRow.address_hash == hash_of(address)))
    row = SubscriptionRow(user=user, address=address, address_hash=hash_of(address), created_ms=at_ms)
    row.p256dh, row.auth = keys
    session.add(row)
    session.flush()
    mine = sa.select(SubscriptionRow.id).where(SubscriptionRow.user == user).order_by(SubscriptionRow.id.desc())
    old = list(session.scalars(mine.offset(MOST_PER_PERSON)))
    session.execute(sa.delete(SubscriptionRow).where(SubscriptionRow.id.in_(old)))


def unsubscribe(session: Session, user: str, address: str) -> None:
    """Forget a browser of a person."""
    mine = sa.delete(SubscriptionRow).where(SubscriptionRow.user == user)
    session.execute(mine.where(SubscriptionRow.address_hash == hash_of(address)))


def forget(session: Session, ids: Collection[int]) -> None:
    """Forget browsers whose push service knows them no more."""
    session.execute(sa.delete(SubscriptionRow).where(SubscriptionRow.id.in_(ids)))


def subscribed(session: Session, places: Sequence[str], person: str | None = None) -> Sequence[SubscriptionRow]:
    """Return the browsers of everybody whose areas hold one of some kelurahan and who may still sign in.

    With `person` only theirs, wherever their areas are: a roster has named them.
    """
    rows = session.execute(
        sa.select(SubscriptionRow, UserRow.areas)
        .join(UserRow, UserRow.name == SubscriptionRow.user)
        .where(UserRow.disabled.is_(False))
        .order_by(SubscriptionRow.id)
    )
    if person is not None:
        return [row for row, _ in rows if row.user == person]
    return [row for row, areas in rows if any(area == "*" or covers(area, place) for area in areas for place in places)]


def owner(session: Session, browser: int) -> str | None:
    """Return whose browser this is."""
    row = session.get(SubscriptionRow, browser)
    return row.user if row is not None else None


def told(session: Session, key: str) -> frozenset[int]:
    """Return the browsers that have the notice of this key."""
    return frozenset(session.scalars(sa.select(PushedRow.subscription).where(PushedRow.key == key)))


def tell(session: Session, key: str, ids: Collection[int], at_ms: int, forget_before_ms: int) -> None:
    """Write down who has a notice; what is older than `forget_before_ms` is cleared on the way."""
    take_turn(session)
    known = session.scalars(sa.select(SubscriptionRow.id).where(SubscriptionRow.id.in_(ids)))
    for number in set(known) - told(session, key):
        session.add(PushedRow(subscription=number, key=key, at_ms=at_ms))
    session.execute(sa.delete(PushedRow).where(PushedRow.at_ms < forget_before_ms))
    session.flush()
