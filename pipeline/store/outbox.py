"""The outbox: what has to be done because of an incident, written with it in one transaction and leased by workers.

`pending` rows wait for their time; a worker takes some as `leased`, with a token and an end of the lease; then they
become `sent`, `dead` (with the reason), `superseded` (a newer notice says more) or `pending` again. In a storm they are
`gathered` and become `digested`: told by a digest (`pipeline.store.digests`). A worker that dies
leaves its rows leased; when the lease is over another takes them. Within one incident and target, rows are handed out
one after the other: a closing never overtakes its opening.
"""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from pipeline.store.tables import Document, Notice, OutboxRow, OutboxState
from pipeline.store.timeline import add_event, take_turn

FOLLOW_UPS: tuple[Notice, ...] = ("updated", "closed")
"""Notices of which only the latest is worth sending."""
UNRECORDED = "a worker ended between sending and recording"
"""The `last_error` of a row whose lease was never settled: its target may have it already."""
_OPEN = ("pending", "leased", "gathered")


@dataclass(frozen=True)
class Order:
    """A row to be written; `key` is the idempotency key that the receiver may use."""

    incident_id: str
    revision: int
    notice: Notice
    target: str
    channel: str
    key: str
    payload: Document


def has(session: Session, key: str) -> bool:
    """Whether a row of this idempotency key was ever written."""
    return session.scalar(sa.select(OutboxRow.id).where(OutboxRow.idempotency_key == key)) is not None


def enqueue(
    session: Session, order: Order, at_ms: int, state: OutboxState = "pending", next_at_ms: int | None = None
) -> bool:
    """Write a row, once per idempotency key; False when it was there. The caller has taken its turn.

    Args:
        session: A writing transaction.
        order: The row.
        at_ms: Now.
        state: `gathered` where a digest will tell it.
        next_at_ms: When it may go out; None = now.
    """
    if has(session, order.key):
        return False
    session.add(
        OutboxRow(
            incident_id=order.incident_id,
            revision=order.revision,
            notice=order.notice,
            target=order.target,
            channel=order.channel,
            idempotency_key=order.key,
            payload=order.payload,
            state=state,
            attempts=0,
            next_at_ms=at_ms if next_at_ms is None else next_at_ms,
            created_ms=at_ms,
        )
    )
    session.flush()
    return True


def supersede(session: Session, incident_id: str, target: str, revision: int) -> int:
    """Set aside the follow-ups below `revision` that wait for this target; return how many."""
    gone = session.execute(
        sa.update(OutboxRow)
        .where(OutboxRow.incident_id == incident_id, OutboxRow.target == target, OutboxRow.state == "pending")
        .where(OutboxRow.notice.in_(FOLLOW_UPS), OutboxRow.revision < revision)
        .values(state="superseded", last_error=f"revision {revision} says more")
        .returning(OutboxRow.id)
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())


def lease(
    session: Session,
    channel: str,
    at_ms: int,
    lease_ms: int,
    *,
    owner: str = "",
    limit: int = 1,
    targets: Collection[str] | None = None,
) -> list[OutboxRow]:
    """Take rows that are due, or whose lease is over, for `lease_ms`; workers never get the same row twice at once.

    Args:
        session: A writing transaction.
        channel: Only rows of this channel.
        at_ms: Now.
        lease_ms: How long the rows are the caller's.
        owner: Name of the worker, which `reclaim` knows again.
        limit: At most this many rows.
        targets: Only rows of these targets; None = of all.
    """
    query = _due(channel, at_ms, targets).order_by(OutboxRow.next_at_ms, OutboxRow.id).limit(limit)
    # SQLite ignores FOR UPDATE: its writing transactions take turns.
    ids = list(session.scalars(query.with_for_update(skip_locked=True)))
    if not ids:
        return []
    token = f"{owner}/{secrets.token_hex(16)}"
    left = sa.case((OutboxRow.state == "leased", UNRECORDED), else_=OutboxRow.last_error)
    values = {"state": "leased", "lease": token, "leased_until_ms": at_ms + lease_ms, "last_error": left}
    taken = session.scalars(
        sa.update(OutboxRow)
        .where(OutboxRow.id.in_(ids))
        .values(**values, attempts=OutboxRow.attempts + 1)
        .returning(OutboxRow)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    return sorted(taken, key=lambda row: row.id)


def is_due(session: Session, channel: str, at_ms: int, targets: Collection[str] | None = None) -> bool:
    """Whether `lease` would find a row; asked in a reading transaction it spares idle workers the write lock."""
    return session.scalar(_due(channel, at_ms, targets).limit(1)) is not None


def due_targets(session: Session, at_ms: int) -> list[tuple[str, str]]:
    """Return channel and target of everything that could be taken now; one that waits for an earlier row is in it."""
    query = sa.select(OutboxRow.channel, OutboxRow.target).where(_ripe(at_ms)).distinct()
    return [(channel, target) for channel, target in session.execute(query)]


def _ripe(at_ms: int) -> Any:
    """Return the condition that the time of a row has come."""
    return sa.or_(
        sa.and_(OutboxRow.state == "pending", OutboxRow.next_at_ms <= at_ms),
        sa.and_(OutboxRow.state == "leased", OutboxRow.leased_until_ms <= at_ms),
    )


def _due(channel: str, at_ms: int, targets: Collection[str] | None) -> Any:
    """Select the ids of the rows that may be taken now."""
    query = sa.select(OutboxRow.id).where(OutboxRow.channel == channel, _ripe(at_ms), ~_earlier_waits())
    return query if targets is None else query.where(OutboxRow.target.in_(targets))


def _earlier_waits() -> Any:
    """Return the condition that an earlier row of the same incident and target is not finished."""
    earlier = aliased(OutboxRow)
    return (
        sa.exists()
        .where(earlier.incident_id == OutboxRow.incident_id, earlier.target == OutboxRow.target)
        .where(earlier.id < OutboxRow.id, earlier.state.in_(_OPEN))
    )


def held(session: Session, row_id: int, token: str | None) -> OutboxRow | None:
    """Return the row if this lease still holds it, and take the turn; None when another worker has or finished it."""
    take_turn(session)
    row = session.get(OutboxRow, row_id, populate_existing=True)
    return row if row is not None and row.state == "leased" and row.lease == token else None


def hand_back(session: Session, rows: Collection[OutboxRow]) -> None:
    """Give up the lease of rows that were not tried."""
    for seen in rows:
        row = held(session, seen.id, seen.lease)
        if row is not None:
            row.state, row.attempts = "pending", row.attempts - 1
            _release(session, row)


def reclaim(session: Session, owner: str, at_ms: int) -> int:
    """Make the rows due that this worker held when it died; return how many. Only at its start: it has none then."""
    take_turn(session)
    gone = session.execute(
        sa.update(OutboxRow)
        .where(OutboxRow.state == "leased", OutboxRow.lease.startswith(f"{owner}/", autoescape=True))
        .values(leased_until_ms=at_ms)
        .returning(OutboxRow.id)
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())


def complete(session: Session, row: OutboxRow, at_ms: int, receipt: Document) -> None:
    """Mark a held row as sent, with the receipt of whoever took it."""
    row.state, row.sent_ms, row.receipt, row.last_error = "sent", at_ms, receipt, None
    _release(session, row)


def put_off(session: Session, row: OutboxRow, next_at_ms: int, reason: str) -> bool:
    """Try a held row again later; False when a newer notice says more, and it was superseded instead."""
    row.last_error = reason
    newer = sa.select(OutboxRow.id).where(OutboxRow.incident_id == row.incident_id, OutboxRow.target == row.target)
    newer = newer.where(OutboxRow.notice.in_(FOLLOW_UPS), OutboxRow.revision > row.revision)
    superseded = row.notice in FOLLOW_UPS and session.scalar(newer.limit(1)) is not None
    row.state, row.next_at_ms = ("superseded" if superseded else "pending"), next_at_ms
    _release(session, row)
    return not superseded


def bury(session: Session, row: OutboxRow, at_ms: int, reason: str) -> None:
    """Give a held row up, with the reason in the incident's timeline; `next_at_ms` keeps when that was."""
    row.state, row.last_error, row.next_at_ms = "dead", reason, at_ms
    _release(session, row)
    detail = {"notice": row.notice, "target": row.target, "channel": row.channel, "reason": reason}
    what = "still_missing" if row.notice == "still" else "undelivered"
    for incident_id in concerned(session, row):
        add_event(session, incident_id, at_ms, what, {**detail, "attempts": row.attempts})


def concerned(session: Session, row: OutboxRow) -> list[str]:
    """Return the incidents whose timelines a delivery belongs to: all that a digest tells of, else the row's own."""
    if row.notice != "digest":
        return [row.incident_id]
    told = sa.select(OutboxRow.incident_id).where(OutboxRow.digest == row.idempotency_key)
    return list(dict.fromkeys(session.scalars(told.where(OutboxRow.state == "digested").order_by(OutboxRow.id))))


def opened_by(session: Session, row: OutboxRow) -> list[str]:
    """Return the incidents of which a delivery is the opening; escalations that a digest lists are none."""
    if row.notice != "digest":
        return [row.incident_id] if row.notice == "opened" else []
    told = sa.select(OutboxRow.incident_id).where(OutboxRow.digest == row.idempotency_key)
    told = told.where(OutboxRow.state == "digested", OutboxRow.notice == "opened")
    return list(dict.fromkeys(session.scalars(told.order_by(OutboxRow.id))))


def rest(session: Session, row: OutboxRow, until_ms: int) -> None:
    """Let updates that wait behind a notice that was just sent wait until `until_ms`: only the newest goes out then."""
    session.execute(
        sa.update(OutboxRow)
        .where(OutboxRow.incident_id == row.incident_id, OutboxRow.target == row.target)
        .where(OutboxRow.state == "pending", OutboxRow.notice == "updated", OutboxRow.next_at_ms < until_ms)
        .values(next_at_ms=until_ms)
        .execution_options(synchronize_session=False)
    )


def last_sent_ms(session: Session, incident_id: str, target: str) -> int | None:
    """Return when this target last took a notice of this incident, epoch ms; None when it has none."""
    query = sa.select(sa.func.max(OutboxRow.sent_ms)).where(OutboxRow.incident_id == incident_id)
    return session.scalar(query.where(OutboxRow.target == target))


def of_incident(session: Session, incident_id: str) -> list[OutboxRow]:
    """Return all rows of an incident, oldest first."""
    query = sa.select(OutboxRow).where(OutboxRow.incident_id == incident_id).order_by(OutboxRow.id)
    return list(session.scalars(query))


def waiting(session: Session) -> dict[str, tuple[int, int | None]]:
    """Return how many rows wait (pending or leased) by channel, and since when the oldest does, epoch ms."""
    rows = session.execute(
        sa.select(OutboxRow.channel, sa.func.count(), sa.func.min(OutboxRow.created_ms))
        .where(OutboxRow.state.in_(_OPEN))
        .group_by(OutboxRow.channel)
    )
    return {channel: (count, oldest) for channel, count, oldest in rows}


def informed(session: Session, incident_id: str) -> frozenset[str]:
    """Return the targets that an opening of this incident was ever written for."""
    query = sa.select(OutboxRow.target).where(OutboxRow.incident_id == incident_id, OutboxRow.notice == "opened")
    return frozenset(session.scalars(query))


def _release(session: Session, row: OutboxRow) -> None:
    """End the lease of a row."""
    row.lease = row.leased_until_ms = None
    session.flush()
