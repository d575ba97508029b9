"""The tables of clip review and search: verdicts, leases, second opinions, saved searches. Times are epoch ms."""

from typing import Literal

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pipeline.store.tables import Base, Document, counter_type, json_type, ms_type

Verdict = Literal["true", "false", "unsure"]
"""What a reviewer says of a clip: benar, bukan, ragu."""


class VerdictRow(Base):
    """What one person said of one clip (`clip` is its row in `evidence`); a person has one standing verdict a clip.

    `token` is made in the tab with the verdict, so that one that is sent twice counts once. `hands_ms` is how long the
    clip had been on the screen. A changed verdict replaces the earlier one here; the timeline keeps both.
    """

    __tablename__ = "verdicts"
    __table_args__ = (
        UniqueConstraint("token"),
        UniqueConstraint("clip", "reviewer"),
        Index(None, "incident_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(counter_type, primary_key=True, autoincrement=True)
    token: Mapped[str] = mapped_column(String(80))
    clip: Mapped[int] = mapped_column(BigInteger)
    incident_id: Mapped[str] = mapped_column(String(120))
    reviewer: Mapped[str] = mapped_column(String(120))
    verdict: Mapped[Verdict] = mapped_column(String(20))
    tags: Mapped[list[str]] = mapped_column(json_type)
    hands_ms: Mapped[int] = mapped_column(ms_type)
    at_ms: Mapped[int] = mapped_column(ms_type)


class ReviewLeaseRow(Base):
    """Whose screen a clip is on, until when; nobody else is shown it meanwhile."""

    __tablename__ = "review_leases"

    clip: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    reviewer: Mapped[str] = mapped_column(String(120), index=True)
    until_ms: Mapped[int] = mapped_column(ms_type)


class SecondOpinionRow(Base):
    """A clip for which somebody asked that another person look, too."""

    __tablename__ = "second_opinions"

    clip: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    asked_by: Mapped[str] = mapped_column(String(120))
    at_ms: Mapped[int] = mapped_column(ms_type)


class SavedSearchRow(Base):
    """A search that a person gave a name; `query` holds the fields of the form."""

    __tablename__ = "saved_searches"
    __table_args__ = (UniqueConstraint("owner", "name"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(counter_type, primary_key=True, autoincrement=True)
    owner: Mapped[str] = mapped_column(ForeignKey("users.name", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(80))
    query: Mapped[Document] = mapped_column(json_type)
    created_ms: Mapped[int] = mapped_column(ms_type)
