"""The tables of the tuning lab. Times are epoch ms."""

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from pipeline.store.tables import Base, Document, counter_type, json_type, ms_type


class ReplayRow(Base):
    """A replay that was made: which span, which cameras (`scope`), which rules, and what they would have changed."""

    __tablename__ = "replays"
    __table_args__ = (Index(None, "at_ms"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(counter_type, primary_key=True, autoincrement=True)
    at_ms: Mapped[int] = mapped_column(ms_type)
    author: Mapped[str] = mapped_column(String(120))
    start_ms: Mapped[int] = mapped_column(ms_type)
    end_ms: Mapped[int] = mapped_column(ms_type)
    scope: Mapped[Document] = mapped_column(json_type)
    rules: Mapped[Document] = mapped_column(json_type)
    result: Mapped[Document] = mapped_column(json_type)
