"""The tables of signing in: failed tries, sign-ins at the city's provider that are under way, keys of signed links."""

from sqlalchemy import BigInteger, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from pipeline.store.tables import Base, counter_type, ms_type


class FailureRow(Base):
    """A failed sign-in, once for each key that it counts against; a key is a sha256, so no address is kept."""

    __tablename__ = "sign_in_failures"
    __table_args__ = (Index(None, "key", "at_ms"), Index(None, "at_ms"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(counter_type, primary_key=True, autoincrement=True)
    key: Mapped[str] = mapped_column(String(64))
    at_ms: Mapped[int] = mapped_column(ms_type)


class AttemptRow(Base):
    """A sign-in at the provider that has begun: taken out when it comes back, so that no answer counts twice.

    `state_hash` is the sha256 of its state, `visit` that of the browser's cookie it began in, `address` that of where.
    """

    __tablename__ = "sign_in_attempts"

    state_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    visit: Mapped[str] = mapped_column(String(64))
    nonce: Mapped[str] = mapped_column(String(100))
    verifier: Mapped[str] = mapped_column(String(200))
    goes_to: Mapped[str] = mapped_column(Text)
    expires_ms: Mapped[int] = mapped_column(ms_type, index=True)
    address: Mapped[str | None] = mapped_column(String(64))


class SigningKeyRow(Base):
    """A key of signed links; the newest signs, the one before still opens what it has signed."""

    __tablename__ = "signing_keys"

    created_ms: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    secret: Mapped[str] = mapped_column(String(64))
