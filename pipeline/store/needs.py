"""Requests for cameras: made, changed, merged, each step kept in their history.

A status moves along `STEPS` only; a rejection says why. Merged requests stay, pointing at the one that stands for them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipeline.ops.errors import StoreError
from pipeline.store.areas import within
from pipeline.store.siting_tables import AskedBy, NeedEventRow, NeedRow, NeedStatus

STEPS: dict[NeedStatus, tuple[NeedStatus, ...]] = {
    "diajukan": ("dikaji", "disetujui", "ditolak"),
    "dikaji": ("disetujui", "ditolak"),
    "disetujui": ("dipasang", "dikaji", "ditolak"),
    "dipasang": (),
    "ditolak": ("dikaji",),
}
"""Where a status may go from each status."""
OPEN: tuple[NeedStatus, ...] = ("diajukan", "dikaji", "disetujui")
"""Statuses of requests that still wait for a camera."""


class NeedError(StoreError):
    """A request cannot be changed like this; the message says why, for a person."""


@dataclass(frozen=True)
class NewNeed:
    """A request as somebody enters it; `priority` 1 (can wait) to 5 (most urgent), place in degrees."""

    lat: float
    lng: float
    category: str
    asked_by_kind: AskedBy
    asked_by: str
    kelurahan: str
    reason: str
    priority: int = 3
    photo: str | None = None


def add_need(session: Session, need: NewNeed, actor: str, at_ms: int, batch: str = "") -> NeedRow:
    """Keep a request as `diajukan`, with the first line of its history."""
    return add_needs(session, [need], actor, at_ms, batch)[0]


def add_needs(session: Session, needs: Sequence[NewNeed], actor: str, at_ms: int, batch: str = "") -> list[NeedRow]:
    """Keep several requests in one transaction; `batch` names the import they came with."""
    rows = [
        NeedRow(
            **need.__dict__, status="diajukan", status_reason="", merged_into=None, batch=batch, created_by=actor,
            created_ms=at_ms, updated_ms=at_ms,
        )
        for need in needs
    ]  # fmt: skip
    session.add_all(rows)
    session.flush()
    detail = {"batch": batch} if batch else {}
    session.add_all(
        NeedEventRow(need_id=row.id, at_ms=at_ms, actor=actor, what="diajukan", detail=detail) for row in rows
    )
    session.flush()
    return rows


def known_batch(session: Session, batch: str) -> int:
    """Return how many requests came with an import, 0 when it is not known."""
    return session.scalar(sa.select(sa.func.count()).where(NeedRow.batch == batch)) or 0


def get_need(session: Session, need_id: int) -> NeedRow | None:
    """Return a request, merged ones too."""
    return session.get(NeedRow, need_id)


def list_needs(
    session: Session,
    *,
    statuses: Sequence[NeedStatus] | None = None,
    category: str | None = None,
    areas: Sequence[str] | None = None,
    merged: bool = False,
) -> list[NeedRow]:
    """Return requests by id, without merged ones unless asked; `areas` are codes (None: the whole city)."""
    query = sa.select(NeedRow).order_by(NeedRow.id)
    if not merged:
        query = query.where(NeedRow.merged_into.is_(None))
    if statuses is not None:
        query = query.where(NeedRow.status.in_(statuses))
    if category is not None:
        query = query.where(NeedRow.category == category)
    if areas is not None:
        query = query.where(within(NeedRow.kelurahan, areas))
    return list(session.scalars(query))


def history(session: Session, need_id: int) -> list[NeedEventRow]:
    """Return what happened to a request, oldest first."""
    query = sa.select(NeedEventRow).where(NeedEventRow.need_id == need_id).order_by(NeedEventRow.id)
    return list(session.scalars(query))


def merged_with(session: Session, need_id: int) -> list[NeedRow]:
    """Return the requests that this one stands for."""
    return list(session.scalars(sa.select(NeedRow).where(NeedRow.merged_into == need_id).order_by(NeedRow.id)))


def set_status(session: Session, need_id: int, status: NeedStatus, actor: str, at_ms: int, reason: str = "") -> NeedRow:
    """Move a request, and those merged into it, along `STEPS`.

    Raises:
        NeedError: It is unknown or merged, the step is not allowed, or a rejection gives no reason.
    """
    row = _standing(session, need_id)
    if status not in STEPS[row.status]:
        raise NeedError(f"permintaan {need_id}: dari {row.status} tidak dapat menjadi {status}")
    if status == "ditolak" and not reason.strip():
        raise NeedError(f"permintaan {need_id}: penolakan harus disertai alasan")
    for each in (row, *merged_with(session, need_id)):
        detail = {"from": each.status, "reason": reason.strip()}
        each.status, each.status_reason, each.updated_ms = status, reason.strip(), at_ms
        session.add(NeedEventRow(need_id=each.id, at_ms=at_ms, actor=actor, what=status, detail=detail))
    session.flush()
    return row


def merge_needs(session: Session, keep: int, others: Sequence[int], actor: str, at_ms: int) -> NeedRow:
    """Let one request stand for others of the same need; the most urgent priority and a photo are kept.

    Each of them gets a line in its history; what was already merged into the others comes along.

    Raises:
        NeedError: One is unknown, merged already, no longer open, of another category, or the same as `keep`.
    """
    row = _standing(session, keep)
    gone = [_standing(session, other) for other in dict.fromkeys(others)]
    if not gone:
        raise NeedError(f"permintaan {keep}: tidak ada yang digabungkan")
    for other in (row, *gone):
        if other.status not in OPEN:
            raise NeedError(f"permintaan {other.id}: {other.status}, tidak dapat digabungkan")
        if other.category != row.category:
            raise NeedError(f"permintaan {other.id}: kategori {other.category}, bukan {row.category}")
    if row in gone:
        raise NeedError(f"permintaan {keep}: tidak dapat digabungkan dengan dirinya sendiri")
    for other in gone:
        _merge(session, row, other, actor, at_ms)
    session.flush()
    return row


def _merge(session: Session, keep: NeedRow, other: NeedRow, actor: str, at_ms: int) -> None:
    """Merge one request into another."""
    for child in merged_with(session, other.id):
        child.merged_into = keep.id
    other.merged_into, other.updated_ms, keep.updated_ms = keep.id, at_ms, at_ms
    kept = {
        "with": other.id,
        "asked_by": other.asked_by,
        "priority": [keep.priority, max(keep.priority, other.priority)],
    }
    keep.priority = max(keep.priority, other.priority)
    keep.photo = keep.photo or other.photo
    session.add(NeedEventRow(need_id=other.id, at_ms=at_ms, actor=actor, what="merged_into", detail={"into": keep.id}))
    session.add(NeedEventRow(need_id=keep.id, at_ms=at_ms, actor=actor, what="merged", detail=kept))


def _standing(session: Session, need_id: int) -> NeedRow:
    """Return a request that is known and not merged."""
    row = session.get(NeedRow, need_id)
    if row is None:
        raise NeedError(f"permintaan {need_id}: tidak dikenal")
    if row.merged_into is not None:
        raise NeedError(f"permintaan {need_id}: sudah digabungkan ke permintaan {row.merged_into}")
    return row
