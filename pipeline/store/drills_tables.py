"""The table of drills and tests: they have notices and a timeline like incidents, and are none. Times are epoch ms."""

from typing import Literal

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from pipeline.store.tables import Base, ms_type

Sort = Literal["drill", "test"]
"""A drill measures people (latihan), a test the channels (uji coba)."""


class DrillRow(Base):
    """One drill or test of one duty post; `post` is its kelurahan.

    It began at `at_ms` and can be answered until `until_ms`. `sent_ms` is when its first notice was taken,
    `answered_ms` and `answered_by` say who accepted it; `missed_ms` is when it was found that nobody had.
    `skipped` says why it was not held.
    """

    __tablename__ = "drills"
    __table_args__ = (Index(None, "post", "at_ms"), Index(None, "until_ms"))

    id: Mapped[str] = mapped_column(String(120), primary_key=True)
    sort: Mapped[Sort] = mapped_column(String(10))
    post: Mapped[str] = mapped_column(String(20))
    at_ms: Mapped[int] = mapped_column(ms_type)
    until_ms: Mapped[int] = mapped_column(ms_type)
    sent_ms: Mapped[int | None] = mapped_column(ms_type)
    answered_ms: Mapped[int | None] = mapped_column(ms_type)
    answered_by: Mapped[str | None] = mapped_column(String(120))
    missed_ms: Mapped[int | None] = mapped_column(ms_type)
    skipped: Mapped[str | None] = mapped_column(Text)

    @property
    def seconds(self) -> float | None:
        """How long it took to accept, from the first notice sent, s; None while nobody has."""
        if self.answered_ms is None:
            return None
        return max(0, self.answered_ms - (self.sent_ms or self.at_ms)) / 1000
