"""The tables of getting an incident accepted: escalations, storms with what they list, and drills."""

from typing import Literal

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pipeline.store.tables import Base, counter_type, ms_type

Level = Literal["post", "kecamatan", "kota", "city", "nobody"]
"""How far up an incident was told of; `nobody`: the city room's deadline is over, too."""
DrillOutcome = Literal["running", "accepted", "unanswered"]


class EscalationRow(Base):
    """How far an incident was escalated. `next_at_ms` None: nothing follows. A person's decision stops it by itself."""

    __tablename__ = "escalations"
    __table_args__ = (Index(None, "next_at_ms"),)

    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.id", ondelete="CASCADE"), primary_key=True)
    level: Mapped[Level] = mapped_column(String(20))
    since_ms: Mapped[int] = mapped_column(ms_type)
    next_level: Mapped[Level | None] = mapped_column(String(20))
    next_at_ms: Mapped[int | None] = mapped_column(ms_type)


class StormRow(Base):
    """A storm of incidents at one target: told by one digest that is renewed, and a summary when it is over."""

    __tablename__ = "storms"
    __table_args__ = (Index(None, "target", "ended_ms"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(counter_type, primary_key=True, autoincrement=True)
    target: Mapped[str] = mapped_column(String(160))
    channel: Mapped[str] = mapped_column(String(40))
    started_ms: Mapped[int] = mapped_column(ms_type)
    last_ms: Mapped[int] = mapped_column(ms_type)
    revision: Mapped[int] = mapped_column(BigInteger)
    told: Mapped[int] = mapped_column(BigInteger)
    told_ms: Mapped[int] = mapped_column(ms_type)
    ended_ms: Mapped[int | None] = mapped_column(ms_type)


class StormMemberRow(Base):
    """An incident that a storm's digest lists."""

    __tablename__ = "storm_members"

    storm_id: Mapped[int] = mapped_column(
        counter_type, ForeignKey("storms.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    incident_id: Mapped[str] = mapped_column(String(120), primary_key=True)
    at_ms: Mapped[int] = mapped_column(ms_type)


class DrillRow(Base):
    """One *latihan* of a post: its incident is a drill because it stands here."""

    __tablename__ = "drills"
    __table_args__ = (
        UniqueConstraint("incident_id"),
        Index(None, "post", "started_ms"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(counter_type, primary_key=True, autoincrement=True)
    incident_id: Mapped[str] = mapped_column(String(120))
    post: Mapped[str] = mapped_column(String(80))
    kelurahan: Mapped[str] = mapped_column(String(20))
    started_ms: Mapped[int] = mapped_column(ms_type)
    until_ms: Mapped[int] = mapped_column(ms_type)
    accepted_ms: Mapped[int | None] = mapped_column(ms_type)
    accepted_by: Mapped[str | None] = mapped_column(String(120))
    outcome: Mapped[DrillOutcome] = mapped_column(String(20))
