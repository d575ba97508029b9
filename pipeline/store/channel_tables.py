"""The tables of the channels: CAP documents, the browsers that take Web Push, and which of them have a notice."""

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pipeline.store.tables import Base, counter_type, ms_type


class CapRow(Base):
    """A CAP document as it was made, once; every feed and receiver gets these bytes."""

    __tablename__ = "cap_documents"
    __table_args__ = (Index(None, "incident_id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(counter_type, primary_key=True, autoincrement=True)
    identifier: Mapped[str] = mapped_column(String(320), unique=True)
    incident_id: Mapped[str] = mapped_column(String(120))
    revision: Mapped[int] = mapped_column(BigInteger)
    title: Mapped[str] = mapped_column(Text)
    sent_ms: Mapped[int] = mapped_column(ms_type)
    expires_ms: Mapped[int] = mapped_column(ms_type)
    xml: Mapped[str] = mapped_column(Text)
    published: Mapped[bool]


class SubscriptionRow(Base):
    """A browser of a signed-in person that takes Web Push; `address` is its push service's secret address."""

    __tablename__ = "push_subscriptions"
    __table_args__ = (UniqueConstraint("address_hash"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(counter_type, primary_key=True, autoincrement=True)
    user: Mapped[str] = mapped_column(ForeignKey("users.name", ondelete="CASCADE"), index=True)
    address: Mapped[str] = mapped_column(Text)
    address_hash: Mapped[str] = mapped_column(String(64))
    p256dh: Mapped[str] = mapped_column(String(120))
    auth: Mapped[str] = mapped_column(String(40))
    created_ms: Mapped[int] = mapped_column(ms_type)


class PushedRow(Base):
    """That a browser has a notice already, so that trying the others again does not tell it twice."""

    __tablename__ = "push_sent"

    subscription: Mapped[int] = mapped_column(
        counter_type, ForeignKey("push_subscriptions.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    key: Mapped[str] = mapped_column(String(320), primary_key=True)
    at_ms: Mapped[int] = mapped_column(ms_type, index=True)
