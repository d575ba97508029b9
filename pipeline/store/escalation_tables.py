"""The table of escalations: how far an incident that nobody accepted was told of, and when the next level is."""

from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from pipeline.store.escalation_rules import Reached
from pipeline.store.tables import Base, json_type, ms_type


class EscalationRow(Base):
    """The escalation of one incident, epoch ms.

    `level` is the highest that was told, at `since_ms`; at `due_ms` the next one is. While somebody has decided, or
    nothing is seen any more, `due_ms` is NULL and `left_ms` holds what was left; both are NULL when nobody is left to
    be told. `asked` lists `[level, at_ms]` of everybody who was told, in order.
    """

    __tablename__ = "escalations"

    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.id", ondelete="CASCADE"), primary_key=True)
    level: Mapped[Reached] = mapped_column(String(20))
    since_ms: Mapped[int] = mapped_column(ms_type)
    due_ms: Mapped[int | None] = mapped_column(ms_type, index=True)
    left_ms: Mapped[int | None] = mapped_column(ms_type)
    asked: Mapped[list[list[Any]]] = mapped_column(json_type)
