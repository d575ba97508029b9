"""The disk quota of stills and clips: what may go, in which order, and that it is said.

Only evidence of incidents that are closed *and* reviewed (done, false alarm) may be removed, the oldest first. When
that is not enough the quota is exceeded: new evidence is still taken, and the excess is told loudly until somebody
reviews incidents, raises the quota or adds a disk.
"""

from dataclasses import dataclass

import sqlalchemy as sa
import structlog
from prometheus_client import Counter, Gauge
from sqlalchemy.orm import Session

from pipeline.ops.errors import StoreError
from pipeline.store.database import Database
from pipeline.store.decisions import FINAL
from pipeline.store.evidence import EvidenceStore
from pipeline.store.tables import EvidenceRow, IncidentRow
from pipeline.store.timeline import add_event, take_turn

log = structlog.get_logger(__name__)

_REMOVED = Counter("siaga_store_evidence_removed_total", "Stills and clips removed", ["kind", "reason"])
_REFUSED = Counter("siaga_store_evidence_not_removed_total", "Stills and clips that could not be removed", ["kind"])
_USED = Gauge("siaga_store_evidence_bytes", "Bytes of stills and clips kept", multiprocess_mode="mostrecent")
_EXCESS = Gauge("siaga_store_evidence_excess_bytes", "Bytes above the quota", multiprocess_mode="mostrecent")
BATCH = 100
MOST_A_ROUND = 500  # so that the stage that does it goes on reporting its health meanwhile


@dataclass(frozen=True)
class Usage:
    """How much is kept against the quota, bytes, and what this round removed."""

    used: int
    quota: int
    removed: int = 0
    refused: int = 0
    more: bool = False

    @property
    def excess(self) -> int:
        """Bytes above the quota."""
        return max(0, self.used - self.quota)

    @property
    def stuck(self) -> bool:
        """Whether the quota is exceeded and nothing is left to remove (`more`: the next round goes on removing)."""
        return self.excess > 0 and not self.more


def used_bytes(session: Session) -> int:
    """Return the bytes of all stills and clips that are kept."""
    query = sa.select(sa.func.coalesce(sa.func.sum(EvidenceRow.bytes), 0)).where(EvidenceRow.removed_ms.is_(None))
    return int(session.scalar(query) or 0)


def removable(session: Session, limit: int, after_id: int = 0) -> list[EvidenceRow]:
    """Return the stills and clips that may go, the oldest first."""
    query = (
        sa.select(EvidenceRow)
        .join(IncidentRow, IncidentRow.id == EvidenceRow.incident_id)
        .where(EvidenceRow.removed_ms.is_(None), EvidenceRow.id > after_id)
        .where(IncidentRow.state == "closed", IncidentRow.decision.in_(FINAL))
        .order_by(EvidenceRow.id)
        .limit(limit)
    )
    return list(session.scalars(query))


def enforce_quota(
    database: Database, store: EvidenceStore, quota_bytes: int, at_ms: int, most: int = MOST_A_ROUND
) -> Usage:
    """Remove the oldest removable evidence until the quota holds or `most` objects are gone, and say so.

    Raises:
        StoreError: The database does not answer. A single object that cannot be removed is counted and passed over.
    """
    with database.reading() as session:
        used = used_bytes(session)
    removed = refused = last_id = 0
    while used > quota_bytes and removed < most:
        with database.reading() as session:
            rows = removable(session, min(BATCH, most - removed), last_id)
        if not rows:
            break
        for row in rows:
            last_id = row.id
            if used <= quota_bytes:
                break
            freed = _remove(database, store, row, quota_bytes, at_ms)
            used, removed, refused = used - freed, removed + (freed > 0), refused + (freed == 0)
    usage = Usage(used, quota_bytes, removed, refused, more=removed >= most)
    _tell(usage)
    return usage


def _remove(database: Database, store: EvidenceStore, seen: EvidenceRow, quota_bytes: int, at_ms: int) -> int:
    """Remove one object and mark its row, unless somebody took the incident up again; return the bytes freed."""
    reason = f"quota of {quota_bytes / 1e6:g} MB: oldest evidence of a closed and reviewed incident"

    def work(session: Session) -> int:
        take_turn(session)
        row = session.get(EvidenceRow, seen.id)
        incident = session.get(IncidentRow, seen.incident_id)
        if row is None or row.removed_ms is not None or incident is None:
            return 0
        if incident.state != "closed" or incident.decision not in FINAL:
            return 0
        # The object goes first: a crash in between leaves a row that the next round removes again.
        store.delete(row.key)
        row.removed_ms, row.removed_reason = at_ms, reason
        detail = {"kind": row.kind, "camera": row.camera, "bytes": row.bytes, "reason": reason}
        add_event(session, row.incident_id, at_ms, "evidence_removed", detail)
        return row.bytes

    try:
        with database.session() as session:
            freed = work(session)
    except StoreError as error:
        _REFUSED.labels(seen.kind).inc()
        log.error("evidence.not_removed", incident=seen.incident_id, key=seen.key, error=str(error))
        return 0
    if freed:
        _REMOVED.labels(seen.kind, "quota").inc()
        log.warning("evidence.removed", incident=seen.incident_id, key=seen.key, bytes=freed, reason=reason)
    return freed


def _tell(usage: Usage) -> None:
    """Set the gauges; log an excess."""
    _USED.set(usage.used)
    _EXCESS.set(usage.excess)
    if usage.stuck:
        log.error(
            "evidence.quota_exceeded",
            used_mb=round(usage.used / 1e6, 1),
            quota_mb=round(usage.quota / 1e6, 1),
            reason="no evidence of closed and reviewed incidents is left to remove",
        )
