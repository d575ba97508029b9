"""The tables of the audit: its rows, each bound to the one before by a hash, and the head of that chain."""

from sqlalchemy import BigInteger, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from pipeline.store.tables import Base, ms_type


class AuditRow(Base):
    """One thing that somebody did. `detail` is canonical JSON as text, because its very bytes are hashed."""

    __tablename__ = "audit"
    __table_args__ = (Index(None, "at_ms"), Index(None, "actor", "n"), Index(None, "what", "n"))

    n: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at_ms: Mapped[int] = mapped_column(ms_type)
    actor: Mapped[str] = mapped_column(String(120))
    what: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(200))
    detail: Mapped[str] = mapped_column(Text)
    prev: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class AuditHeadRow(Base):
    """The one row (`id` 1) that says how long the chain is and how it ends; writers take turns at it."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    n: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str] = mapped_column(String(64))
