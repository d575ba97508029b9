"""Digests in the database: counting what comes to a target, gathering it, and writing the row that tells it all.

A notice that a digest tells is an outbox row of its own, `gathered` and then `digested`: nothing is dropped, and no
target is told of an incident twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipeline.store.places import places_of
from pipeline.store.tables import IncidentRow, Notice, OutboxRow
from pipeline.store.timeline import add_event

TELLINGS: tuple[Notice, ...] = ("opened", "escalated")
"""Notices that tell a target of an incident for the first time, or again by ringing."""

BY_PLACE = "webpush"
"""The channel whose one target is everybody, each by their own areas."""
REMEMBER_MS = 86_400_000
"""An earlier digest is looked for in this time; by then it was sent or given up."""


@dataclass(frozen=True)
class Group:
    """Whose notices one digest may hold: a target, at Web Push only of one kelurahan (`place`, else '').

    Web Push has one target for everybody; each browser hears of the kelurahan of its owner. So that nobody hears of
    what is not theirs, or misses what is, the neighbours that are told too (`others`) must be the same as well.
    """

    target: str
    channel: str
    place: str = ""
    others: tuple[str, ...] = ()


@dataclass
class Gathered:
    """What waits for the digest of a group: since when, and the newest digest before it.

    `open_` says that an earlier digest is still on its way; `last_ms` is when the last one was sent, None = never.
    """

    since_ms: int
    ids: list[int] = field(default_factory=list)
    open_: bool = False
    last_ms: int | None = None


def group_of(channel: str, target: str, kelurahan: str, others: tuple[str, ...] = ()) -> Group:
    """Return the group of a notice of an incident in this kelurahan; `others` are the neighbours that are told too."""
    return Group(target, channel, kelurahan, others) if channel == BY_PLACE else Group(target, channel)


def group_for(session: Session, channel: str, target: str, incident_id: str, kelurahan: str) -> Group:
    """Return the group of a notice, with the neighbours that the store knows of."""
    others = places_of(session, [incident_id]).get(incident_id, ()) if channel == BY_PLACE else ()
    return group_of(channel, target, kelurahan, others)


def count_recent(session: Session, group: Group, since_ms: int) -> int:
    """Return how many incidents this group was told of after `since_ms`, or has not got yet and nobody has tried."""
    query = _of(group, sa.select(sa.func.count(sa.distinct(OutboxRow.incident_id))))
    recent = session.scalar(query.where(OutboxRow.created_ms > since_ms)) or 0
    # Two queries, as each has an index of its own.
    older = query.where(OutboxRow.channel == group.channel, OutboxRow.created_ms <= since_ms)
    untried = session.scalar(older.where(OutboxRow.state == "pending", OutboxRow.attempts == 0)) or 0
    return int(recent + untried)


def is_gathering(session: Session, group: Group) -> bool:
    """Whether notices of this group wait for a digest."""
    query = _of(group, sa.select(OutboxRow.id)).where(OutboxRow.state == "gathered")
    return session.scalar(query.limit(1)) is not None


def withdraw(session: Session, group: Group) -> int:
    """Let the notices that wait and were never tried be told by the digest, too; return how many.

    One statement: a worker that leases one of them in this moment keeps it, and it is told alone.
    """
    rows = _of(group, sa.select(OutboxRow)).where(OutboxRow.state == "pending", OutboxRow.attempts == 0)
    ids = [row.id for row in _alike(session, group, session.scalars(rows).all())]
    gone = session.execute(
        sa.update(OutboxRow)
        .where(OutboxRow.id.in_(ids), OutboxRow.state == "pending", OutboxRow.attempts == 0)
        .values(state="gathered")
        .returning(OutboxRow.id)
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())


def gathered(session: Session, at_ms: int) -> dict[Group, Gathered]:
    """Return everything that waits for a digest at `at_ms`, by group."""
    found: dict[Group, Gathered] = {}
    columns = OutboxRow.id, OutboxRow.channel, OutboxRow.target, OutboxRow.created_ms, OutboxRow.incident_id
    query = sa.select(*columns, IncidentRow.kelurahan).join(IncidentRow, IncidentRow.id == OutboxRow.incident_id)
    query = query.where(OutboxRow.state == "gathered")
    rows = session.execute(query.order_by(OutboxRow.id)).all()
    others = places_of(session, {row.incident_id for row in rows if row.channel == BY_PLACE})
    for id_, channel, target, created_ms, incident_id, kelurahan in rows:
        group = group_of(channel, target, kelurahan, others.get(incident_id, ()))
        waits = found.setdefault(group, Gathered(created_ms))
        waits.ids.append(id_)
        waits.since_ms = min(waits.since_ms, created_ms)
    for group, waits in found.items():
        waits.open_, waits.last_ms = _before(session, group, at_ms - REMEMBER_MS)
    return found


def _before(session: Session, group: Group, since_ms: int) -> tuple[bool, int | None]:
    """Return whether a digest of a group since `since_ms` is on its way, and when the last one was sent."""
    query: Any = _of(group, sa.select(OutboxRow.state, OutboxRow.sent_ms), ("digest",))
    rows = session.execute(query.where(OutboxRow.created_ms > since_ms)).all()
    return any(state in ("pending", "leased") for state, _ in rows), max(
        (sent_ms for _, sent_ms in rows if sent_ms is not None), default=None
    )


def told_alone(session: Session, group: Group, since_ms: int) -> list[OutboxRow]:
    """Return what this group was told alone since `since_ms` and no digest has listed yet, oldest first."""
    query = _of(group, sa.select(OutboxRow)).where(OutboxRow.digest.is_(None), OutboxRow.created_ms > since_ms)
    query = query.where(OutboxRow.state.in_(("pending", "leased", "sent", "dead")))
    return _alike(session, group, session.scalars(query.order_by(OutboxRow.id)).all())


def _alike(session: Session, group: Group, rows: Sequence[OutboxRow]) -> list[OutboxRow]:
    """Return the rows that the same neighbours are told of, as `_of` has looked at the kelurahan alone."""
    if not group.place:
        return list(rows)
    others = places_of(session, [row.incident_id for row in rows])
    return [row for row in rows if others.get(row.incident_id, ()) == group.others]


def take(session: Session, ids: Sequence[int]) -> list[OutboxRow]:
    """Return gathered rows that still are; the caller has taken its turn."""
    query = sa.select(OutboxRow).where(OutboxRow.id.in_(ids), OutboxRow.state == "gathered")
    return list(session.scalars(query.order_by(OutboxRow.id).execution_options(populate_existing=True)))


def list_in(session: Session, rows: Sequence[OutboxRow], key: str, at_ms: int) -> None:
    """Note that a digest lists these notices; those that it tells have a line in their incident's timeline."""
    for row in rows:
        row.digest = key
        if row.state == "gathered":
            row.state = "digested"
            detail = {"target": row.target, "notice": row.notice, "n": len(rows), "digest": key}
            add_event(session, row.incident_id, at_ms, "digested", detail)
    session.flush()


@dataclass(frozen=True)
class Told:
    """That a target was told of an incident: by which channel, and whether by a digest."""

    target: str
    channel: str
    why: str
    by_digest: bool


def tellings(session: Session, incident_id: str) -> dict[str, Told]:
    """Return who was told of an incident, by target; who was told alone once hears alone of what comes later."""
    query = sa.select(OutboxRow).where(OutboxRow.incident_id == incident_id, OutboxRow.notice.in_(TELLINGS))
    found: dict[str, Told] = {}
    for row in session.scalars(query.where(OutboxRow.state != "superseded").order_by(OutboxRow.id)):
        by_digest = row.state in ("gathered", "digested") and (row.target not in found or found[row.target].by_digest)
        found[row.target] = Told(row.target, row.channel, str(row.payload.get("why", "")), by_digest)
    return found


def _of(group: Group, query: Any, notices: Sequence[Notice] = TELLINGS) -> Any:
    """Narrow a query of the outbox down to the notices of a group."""
    query = query.where(OutboxRow.target == group.target, OutboxRow.notice.in_(notices))
    if not group.place:
        return query
    query = query.join(IncidentRow, IncidentRow.id == OutboxRow.incident_id)
    return query.where(IncidentRow.kelurahan == group.place)
