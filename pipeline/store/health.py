"""What each stage last said of itself."""

from dataclasses import dataclass, field
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipeline.store.tables import Document, StageHealthRow


class HealthLike(Protocol):
    """A stage's word on itself."""

    @property
    def stage(self) -> str:
        """Stage name."""

    @property
    def instance(self) -> str:
        """Which process of the stage."""

    @property
    def at_ms(self) -> int:
        """When it was said, epoch ms."""

    @property
    def ok(self) -> bool:
        """Whether its input moves and its output follows."""

    @property
    def reason(self) -> str:
        """Why not, or what it does."""

    @property
    def detail(self) -> Any:
        """Anything else worth showing, a mapping that JSON can hold."""


@dataclass(frozen=True)
class StoredHealth:
    """A stage's last word as stored; `at_ms` is epoch ms."""

    stage: str
    instance: str
    at_ms: int
    ok: bool
    reason: str = ""
    detail: Document = field(default_factory=dict)


def save_health(session: Session, health: HealthLike) -> None:
    """Write a stage's word over its last one."""
    session.merge(
        StageHealthRow(
            stage=health.stage,
            instance=health.instance,
            at_ms=health.at_ms,
            ok=health.ok,
            reason=health.reason,
            detail=dict(health.detail or {}),
        )
    )
    session.flush()


def list_health(session: Session) -> list[StoredHealth]:
    """Return the last word of every instance, by stage and instance."""
    rows = session.scalars(sa.select(StageHealthRow).order_by(StageHealthRow.stage, StageHealthRow.instance))
    return [StoredHealth(row.stage, row.instance, row.at_ms, row.ok, row.reason, row.detail) for row in rows]


def forget_health(session: Session, before_ms: int) -> int:
    """Remove the words of instances that have been silent since `before_ms`; return how many."""
    gone = session.execute(
        sa.delete(StageHealthRow).where(StageHealthRow.at_ms < before_ms).returning(StageHealthRow.instance)
    )
    return len(gone.all())
