"""The review of clips: who is shown what, and what they said of it.

A clip needs one verdict; two by different people when somebody asked for a second opinion, or when it is one of those
that are read twice to measure agreement. While a clip is on somebody's screen a lease keeps it from all others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from pipeline.store.areas import within
from pipeline.store.review_tables import ReviewLeaseRow, SecondOpinionRow, Verdict, VerdictRow
from pipeline.store.tables import EvidenceRow, IncidentRow
from pipeline.store.timeline import add_event, take_turn

Pair = tuple[str, Verdict, str, Verdict]
"""Two people and what each said of the same clip, the earlier one first."""


@dataclass(frozen=True)
class Rules:
    """How clips are handed out: a lease lasts `lease_ms`; every n-th clip is read twice (0: none)."""

    lease_ms: int
    double_every: int


@dataclass(frozen=True)
class Claimed:
    """A clip that is now this reviewer's until `until_ms` (epoch ms); `second`: somebody asked for another opinion."""

    clip: EvidenceRow
    incident: IncidentRow
    until_ms: int
    second: bool


@dataclass(frozen=True)
class Given:
    """A verdict as it comes from a tab; `token` names it for ever, `hands_ms` is the time the clip was shown."""

    token: str
    clip: int
    verdict: Verdict
    tags: tuple[str, ...] = ()
    second: bool = False
    hands_ms: int = 0


@dataclass(frozen=True)
class Progress:
    """Clips that still need this reviewer, clips that need anybody, and verdicts of this reviewer since a moment."""

    mine_left: int
    left: int
    done: int


def _needed(rules: Rules) -> Any:
    """Return the SQL of how many verdicts a clip needs."""
    asked = sa.exists().where(SecondOpinionRow.clip == EvidenceRow.id)
    double = EvidenceRow.id % rules.double_every == 0 if rules.double_every else sa.false()
    return sa.case((sa.or_(asked, double), 2), else_=1)


def _given() -> Any:
    """Return the SQL of how many verdicts a clip has."""
    return sa.select(sa.func.count()).where(VerdictRow.clip == EvidenceRow.id).correlate(EvidenceRow).scalar_subquery()


def _open(areas: Sequence[str] | None, rules: Rules) -> Any:
    """Return the query of the clips that still need a verdict, within areas (None: the whole city)."""
    query = sa.select(EvidenceRow, IncidentRow).join(IncidentRow, IncidentRow.id == EvidenceRow.incident_id)
    query = query.where(EvidenceRow.kind == "clip", EvidenceRow.removed_ms.is_(None), _given() < _needed(rules))
    return query if areas is None else query.where(within(IncidentRow.kelurahan, areas))


def _unseen_by(query: Any, reviewer: str) -> Any:
    """Leave out what this person has judged or asked others about."""
    judged = sa.exists().where(VerdictRow.clip == EvidenceRow.id, VerdictRow.reviewer == reviewer)
    asked = sa.exists().where(SecondOpinionRow.clip == EvidenceRow.id, SecondOpinionRow.asked_by == reviewer)
    return query.where(~judged, ~asked)


def claim(
    session: Session, reviewer: str, areas: Sequence[str] | None, rules: Rules, now: int, want: int = 2
) -> list[Claimed]:
    """Lease up to `want` clips to a reviewer; those that are already theirs come first, so a reload changes nothing.

    Clips with a wish for a second opinion come before the others, then the oldest. Must be called in a writing
    transaction: on PostgreSQL one claim waits for the other, as SQLite's writers do anyway.
    """
    take_turn(session)
    session.execute(sa.delete(ReviewLeaseRow).where(ReviewLeaseRow.until_ms <= now))
    lease = sa.select(ReviewLeaseRow.reviewer).where(ReviewLeaseRow.clip == EvidenceRow.id).scalar_subquery()
    second = sa.exists().where(SecondOpinionRow.clip == EvidenceRow.id)
    query = _unseen_by(_open(areas, rules), reviewer).where(sa.or_(lease.is_(None), lease == reviewer))
    order = (sa.case((lease == reviewer, 0), else_=1), sa.case((second, 0), else_=1), EvidenceRow.id)
    rows = session.execute(query.add_columns(second).order_by(*order).limit(want)).all()
    until = now + rules.lease_ms
    for clip, _, _ in rows:
        session.merge(ReviewLeaseRow(clip=clip.id, reviewer=reviewer, until_ms=until))
    session.flush()
    return [Claimed(clip, incident, until, bool(asked)) for clip, incident, asked in rows]


def release(session: Session, reviewer: str) -> None:
    """Give up all leases of a reviewer: they closed the page."""
    session.execute(sa.delete(ReviewLeaseRow).where(ReviewLeaseRow.reviewer == reviewer))


def give(session: Session, reviewer: str, given: Given, now: int) -> str:
    """Write a verdict, also one that comes late: the lease only keeps others away, it takes nobody's word back.

    Returns:
        `kept`, `repeated` (this very verdict is known), `changed` (it replaces an earlier one of the same person), or
        `unknown_clip`.
    """
    take_turn(session)
    if session.scalar(sa.select(VerdictRow.id).where(VerdictRow.token == given.token)) is not None:
        return "repeated"
    clip = session.get(EvidenceRow, given.clip)
    if clip is None or clip.kind != "clip":
        return "unknown_clip"
    mine = sa.select(VerdictRow).where(VerdictRow.clip == clip.id, VerdictRow.reviewer == reviewer)
    row = session.scalar(mine)
    outcome = "kept" if row is None else "changed"
    if row is None:
        row = VerdictRow(clip=clip.id, incident_id=clip.incident_id, reviewer=reviewer)
        session.add(row)
    row.token, row.verdict, row.tags = given.token, given.verdict, list(given.tags)
    row.hands_ms, row.at_ms = given.hands_ms, now
    if given.second and session.get(SecondOpinionRow, clip.id) is None:
        session.add(SecondOpinionRow(clip=clip.id, asked_by=reviewer, at_ms=now))
    session.execute(
        sa.delete(ReviewLeaseRow).where(ReviewLeaseRow.clip == clip.id, ReviewLeaseRow.reviewer == reviewer)
    )
    detail = {"clip": clip.id, "verdict": given.verdict, "tags": list(given.tags), "second": given.second}
    add_event(session, clip.incident_id, now, "reviewed", detail, reviewer)
    return outcome


def progress(session: Session, reviewer: str, areas: Sequence[str] | None, rules: Rules, since_ms: int) -> Progress:
    """Count what remains and what this reviewer did since `since_ms`."""
    every = _open(areas, rules)

    def count(query: Any) -> int:
        found = query.with_only_columns(EvidenceRow.id).subquery()
        return session.scalar(sa.select(sa.func.count()).select_from(found)) or 0

    done = sa.select(sa.func.count()).where(VerdictRow.reviewer == reviewer, VerdictRow.at_ms >= since_ms)
    return Progress(count(_unseen_by(every, reviewer)), count(every), session.scalar(done) or 0)


def pairs(session: Session, areas: Sequence[str] | None) -> list[Pair]:
    """Return every two verdicts of different people on the same clip, within areas."""
    one, two = aliased(VerdictRow), aliased(VerdictRow)
    query = sa.select(one.reviewer, one.verdict, two.reviewer, two.verdict)
    query = query.join(two, sa.and_(two.clip == one.clip, two.id > one.id))
    if areas is not None:
        query = query.join(IncidentRow, IncidentRow.id == one.incident_id).where(within(IncidentRow.kelurahan, areas))
    return [(a, va, b, vb) for a, va, b, vb in session.execute(query.order_by(one.id, two.id))]


def verdicts_of(session: Session, incident_ids: Sequence[str]) -> dict[str, list[VerdictRow]]:
    """Return the verdicts of incidents, the oldest first."""
    found: dict[str, list[VerdictRow]] = {id_: [] for id_ in incident_ids}
    query = sa.select(VerdictRow).where(VerdictRow.incident_id.in_(incident_ids)).order_by(VerdictRow.id)
    for row in session.scalars(query):
        found[row.incident_id].append(row)
    return found
