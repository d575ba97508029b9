"""Drills and tests: begun with their notices in one transaction, answered once, ended when their time is over."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipeline.store.areas import within
from pipeline.store.drills_tables import DrillRow, Sort
from pipeline.store.incidents import count_waiting
from pipeline.store.outbox import Order, enqueue
from pipeline.store.tables import EventRow, Notice, OutboxRow
from pipeline.store.timeline import add_event, take_turn

EXERCISES: tuple[Notice, ...] = ("test", "drill")
"""Notices that tell of no incident."""
BATCH = 500


@dataclass(frozen=True)
class Answered:
    """How accepting a drill went: `ok`, or why not (`unknown_drill`, `answered_already`, `over`); and the row."""

    ok: bool
    reason: str
    row: DrillRow | None


def find(session: Session, drill_id: str) -> DrillRow | None:
    """Return one drill or test."""
    return session.get(DrillRow, drill_id, populate_existing=True)


def busy(session: Session, post: str) -> bool:
    """Whether an incident at this post waits for a decision: then is no time for a drill."""
    return count_waiting(session, [post]) > 0


def begin(
    session: Session,
    drill_id: str,
    sort: Sort,
    post: str,
    at_ms: int,
    until_ms: int,
    orders: Iterable[Order] = (),
    skipped: str | None = None,
) -> bool:
    """Begin a drill or test with its notices, or write down why it is not held; False when it was begun before."""
    take_turn(session)
    if find(session, drill_id) is not None:
        return False
    row = DrillRow(id=drill_id, sort=sort, post=post, at_ms=at_ms, until_ms=until_ms, skipped=skipped)
    session.add(row)
    session.flush()
    detail = {"post": post, "reason": skipped} if skipped else {"post": post}
    add_event(session, drill_id, at_ms, f"{sort}_skipped" if skipped else f"{sort}_began", detail)
    for order in orders:
        enqueue(session, order, at_ms)
    return True


def mark_sent(session: Session, drill_id: str, at_ms: int) -> None:
    """Note when the first notice of a drill was taken by its target."""
    query = sa.update(DrillRow).where(DrillRow.id == drill_id, DrillRow.sent_ms.is_(None)).values(sent_ms=at_ms)
    session.execute(query.execution_options(synchronize_session=False))


def answer(session: Session, drill_id: str, actor: str, at_ms: int) -> Answered:
    """Accept a drill or test for its post: the first person counts, and only while it runs."""
    take_turn(session)
    row = find(session, drill_id)
    if row is None or row.skipped is not None:
        return Answered(False, "unknown_drill", None)
    if row.answered_ms is not None:
        return Answered(False, "answered_already", row)
    if at_ms >= row.until_ms or row.missed_ms is not None:
        return Answered(False, "over", row)
    row.answered_ms, row.answered_by = at_ms, actor
    session.flush()
    add_event(session, drill_id, at_ms, f"{row.sort}_accepted", {"post": row.post, "seconds": row.seconds}, actor)
    return Answered(True, "answered", row)


def running(session: Session, areas: Sequence[str] | None, at_ms: int) -> list[DrillRow]:
    """Return what can be accepted now within the areas (None: the whole city), the newest first."""
    query = sa.select(DrillRow).where(
        DrillRow.at_ms <= at_ms, DrillRow.until_ms > at_ms, DrillRow.answered_ms.is_(None), DrillRow.skipped.is_(None)
    )
    if areas is not None:
        query = query.where(within(DrillRow.post, areas))
    return list(session.scalars(query.order_by(DrillRow.at_ms.desc(), DrillRow.post)))


def latest(session: Session, areas: Sequence[str] | None, since_ms: int) -> list[DrillRow]:
    """Return the drills (no tests) of the areas since a time, the newest first, then by post."""
    query = sa.select(DrillRow).where(DrillRow.sort == "drill", DrillRow.at_ms >= since_ms)
    if areas is not None:
        query = query.where(within(DrillRow.post, areas))
    return list(session.scalars(query.order_by(DrillRow.at_ms.desc(), DrillRow.post)))


def end(session: Session, at_ms: int) -> list[DrillRow]:
    """Write down which drills and tests nobody accepted in time, and set aside what is still to be sent of them."""
    missed = sa.select(DrillRow).where(
        DrillRow.until_ms <= at_ms,
        DrillRow.answered_ms.is_(None), DrillRow.missed_ms.is_(None), DrillRow.skipped.is_(None),
    )  # fmt: skip
    rows = list(session.scalars(missed.order_by(DrillRow.id).limit(BATCH)))
    if rows:
        take_turn(session)
    for row in rows:
        row.missed_ms = at_ms
        session.flush()
        add_event(session, row.id, at_ms, f"{row.sort}_missed", {"post": row.post})
    withdraw(session, sa.select(DrillRow.id).where(DrillRow.until_ms <= at_ms))
    return rows


def is_over(session: Session, at_ms: int) -> bool:
    """Whether `end` would do anything; asked in a reading transaction it spares the write lock."""
    waits = sa.select(DrillRow.id).where(
        DrillRow.until_ms <= at_ms,
        sa.or_(
            sa.and_(DrillRow.answered_ms.is_(None), DrillRow.missed_ms.is_(None), DrillRow.skipped.is_(None)),
            sa.exists().where(OutboxRow.incident_id == DrillRow.id, OutboxRow.state == "pending"),
        ),
    )
    return session.scalar(waits.limit(1)) is not None


def withdraw(session: Session, drill_ids: Any) -> None:
    """Set aside what is pending of drills (ids, or a query of them): nobody is to be told of one that is over."""
    query = sa.update(OutboxRow).where(OutboxRow.incident_id.in_(drill_ids), OutboxRow.state == "pending")
    query = query.where(OutboxRow.notice.in_(EXERCISES))
    # The reason of the last failure stays in front: it is what a test is to find out.
    said = sa.func.coalesce(OutboxRow.last_error + "; ", "") + "the exercise is over"
    values = query.values(state="superseded", last_error=said)
    session.execute(values.execution_options(synchronize_session=False))


Outcome = Literal["accepted", "missed", "skipped"]
OUTCOMES: Mapping[str, Outcome] = {
    "drill_accepted": "accepted",
    "drill_missed": "missed",
    "drill_skipped": "skipped",
}
"""The events that end a drill."""


@dataclass(frozen=True)
class Result:
    """How a drill ended; `seconds` is how long accepting took, where somebody did."""

    post: str
    outcome: Outcome
    seconds: float | None


def results_since(session: Session, cursor: int) -> tuple[int, list[Result]]:
    """Return how drills (no tests) ended after the timeline event `cursor`, and the new cursor."""
    query = sa.select(EventRow).where(EventRow.id > cursor, EventRow.what.in_(OUTCOMES)).order_by(EventRow.id)
    found: list[Result] = []
    for event in session.scalars(query.limit(BATCH)):
        cursor = event.id
        found.append(Result(str(event.detail.get("post", "")), OUTCOMES[event.what], event.detail.get("seconds")))
    return cursor, found
