"""The tables, typed. Times are UTC epoch milliseconds, scores 0..1.

`incident_events`, `evidence` and `outbox` name their incident without a foreign key: the grabber may finish a clip
before the alert worker has written the incident it belongs to, and drills have a timeline and notices of their own.
"""

from typing import Any, Literal

from sqlalchemy import JSON, BigInteger, Double, ForeignKey, Index, Integer, MetaData, String, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from pipeline.bus.records import State
from pipeline.ops.sections import Kind

Decision = Literal["waiting", "coordination", "disposition", "accepted", "done", "false_alarm"]
"""What people decided, in the city's words: Menunggu, Koordinasi, Disposisi, Proses, Selesai; Bukan kejadian."""
Notice = Literal["opened", "updated", "closed", "forwarded", "escalated", "digest", "still", "test", "drill"]
"""What an outbox row has to do: tell of an opening, an update, a closing or a forward, or fetch the still.

`escalated` tells the next level that nobody has accepted, a `digest` of many incidents at once.

`test` and `drill` tell of no incident: their rows name a row of `drills`."""
OutboxState = Literal["pending", "leased", "sent", "dead", "superseded", "gathered", "digested"]
"""`gathered` rows wait for their digest; `digested` ones are told by it (`OutboxRow.digest`)."""
EvidenceKind = Literal["still", "clip"]
MadeFrom = Literal["ring", "frames", "bus"]
"""Clip of the packet ring, clip of the sampled frames, still of a frame on the bus."""

Document = dict[str, Any]

ms_type = BigInteger()
counter_type = BigInteger().with_variant(Integer(), "sqlite")
json_type = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


class Base(DeclarativeBase):
    """Base of all tables; constraint names are fixed so that migrations agree on both databases."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class IncidentRow(Base):
    """One incident as it stands: `record` is the newest bus record, `decision` what people said of it.

    `alerted_ms` is when the first notice of it was sent, `decided_ms` when the confirm worker raised it,
    `decision_ms` when a person decided. `decision_reason` says why it was no incident, `decision_note` is free text.
    """

    __tablename__ = "incidents"
    __table_args__ = (Index(None, "kelurahan", "opened_ms"), Index(None, "decision", "opened_ms"))

    id: Mapped[str] = mapped_column(String(120), primary_key=True)
    kind: Mapped[Kind] = mapped_column(String(20))
    camera: Mapped[str] = mapped_column(String(120))
    kelurahan: Mapped[str] = mapped_column(String(20))
    state: Mapped[State] = mapped_column(String(20))
    decision: Mapped[Decision] = mapped_column(String(20))
    decision_by: Mapped[str | None] = mapped_column(String(120))
    decision_ms: Mapped[int | None] = mapped_column(ms_type)
    decision_note: Mapped[str] = mapped_column(Text)
    decision_reason: Mapped[str | None] = mapped_column(String(20))
    revision: Mapped[int] = mapped_column(BigInteger)
    trace: Mapped[str] = mapped_column(String(120))
    first_seen_ms: Mapped[int] = mapped_column(ms_type)
    opened_ms: Mapped[int] = mapped_column(ms_type, index=True)
    updated_ms: Mapped[int] = mapped_column(ms_type)
    closed_ms: Mapped[int | None] = mapped_column(ms_type)
    decided_ms: Mapped[int] = mapped_column(ms_type)
    score: Mapped[float] = mapped_column(Double)
    alerted_ms: Mapped[int | None] = mapped_column(ms_type)
    record: Mapped[Document] = mapped_column(json_type)


class EventRow(Base):
    """One line of an incident's timeline; `id` rises in the order of commit and is the cursor of the desk's stream."""

    __tablename__ = "incident_events"
    __table_args__ = (Index(None, "incident_id", "id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(counter_type, primary_key=True, autoincrement=True)
    incident_id: Mapped[str] = mapped_column(String(120))
    at_ms: Mapped[int] = mapped_column(ms_type)
    actor: Mapped[str] = mapped_column(String(120))
    what: Mapped[str] = mapped_column(String(40))
    detail: Mapped[Document] = mapped_column(json_type)


class OutboxRow(Base):
    """One thing to do because of an incident: a notice to a target, or the still to fetch.

    `payload` is what is sent, fixed when the row is written, so that a repeated delivery says the same.
    `lease` is the token (`owner/random`) of the worker that holds the row until `leased_until_ms`. `digest` is the
    idempotency key of the digest that lists this notice.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index(None, "state", "channel", "next_at_ms"),
        Index(None, "incident_id", "target"),
        Index(None, "target", "created_ms"),
        Index(None, "digest"),
        UniqueConstraint("idempotency_key"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(counter_type, primary_key=True, autoincrement=True)
    incident_id: Mapped[str] = mapped_column(String(120))
    revision: Mapped[int] = mapped_column(BigInteger)
    notice: Mapped[Notice] = mapped_column(String(20))
    target: Mapped[str] = mapped_column(String(160))
    channel: Mapped[str] = mapped_column(String(40))
    idempotency_key: Mapped[str] = mapped_column(String(320))
    payload: Mapped[Document] = mapped_column(json_type)
    state: Mapped[OutboxState] = mapped_column(String(20))
    attempts: Mapped[int]
    next_at_ms: Mapped[int] = mapped_column(ms_type)
    leased_until_ms: Mapped[int | None] = mapped_column(ms_type)
    lease: Mapped[str | None] = mapped_column(String(120))
    last_error: Mapped[str | None] = mapped_column(Text)
    created_ms: Mapped[int] = mapped_column(ms_type)
    sent_ms: Mapped[int | None] = mapped_column(ms_type)
    receipt: Mapped[Document | None] = mapped_column(json_type)
    digest: Mapped[str | None] = mapped_column(String(320))


class EvidenceRow(Base):
    """A still or clip in the evidence store; a removed one keeps its row with when and why."""

    __tablename__ = "evidence"
    __table_args__ = (
        UniqueConstraint("incident_id", "camera", "kind"),
        Index(None, "removed_ms", "created_ms"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(counter_type, primary_key=True, autoincrement=True)
    incident_id: Mapped[str] = mapped_column(String(120))
    camera: Mapped[str] = mapped_column(String(120))
    kind: Mapped[EvidenceKind] = mapped_column(String(20))
    key: Mapped[str] = mapped_column(String(400))
    sha256: Mapped[str] = mapped_column(String(64))
    bytes: Mapped[int] = mapped_column(BigInteger)
    made_from: Mapped[MadeFrom] = mapped_column(String(20))
    start_ms: Mapped[int] = mapped_column(ms_type)
    end_ms: Mapped[int] = mapped_column(ms_type)
    created_ms: Mapped[int] = mapped_column(ms_type)
    removed_ms: Mapped[int | None] = mapped_column(ms_type)
    removed_reason: Mapped[str | None] = mapped_column(Text)


class CameraStateRow(Base):
    """The last known state of a camera, as its grabber told it."""

    __tablename__ = "camera_states"

    camera: Mapped[str] = mapped_column(String(120), primary_key=True)
    state: Mapped[str] = mapped_column(String(20))
    since_ms: Mapped[int] = mapped_column(ms_type)
    reason: Mapped[str] = mapped_column(Text)
    last_frame_ms: Mapped[int | None] = mapped_column(ms_type)
    detail: Mapped[Document] = mapped_column(json_type)


class StageHealthRow(Base):
    """The last word of one instance of a stage on itself."""

    __tablename__ = "stage_health"

    stage: Mapped[str] = mapped_column(String(40), primary_key=True)
    instance: Mapped[str] = mapped_column(String(80), primary_key=True)
    at_ms: Mapped[int] = mapped_column(ms_type)
    ok: Mapped[bool]
    reason: Mapped[str] = mapped_column(Text)
    detail: Mapped[Document] = mapped_column(json_type)


class UserRow(Base):
    """A person who may sign in; `areas` are codes of kelurahan, kecamatan or kota.

    `subject` is `issuer|sub` of the city's provider for those who sign in there; they have no password here.
    """

    __tablename__ = "users"
    __table_args__ = (Index(None, "subject", unique=True),)

    name: Mapped[str] = mapped_column(String(120), primary_key=True)
    password_hash: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(String(20))
    areas: Mapped[list[str]] = mapped_column(json_type)
    created_ms: Mapped[int] = mapped_column(ms_type)
    disabled: Mapped[bool]
    must_change: Mapped[bool]
    subject: Mapped[str | None] = mapped_column(String(400))


class SessionRow(Base):
    """A sign-in; only the sha256 of its token is kept. `seen_ms` is about when it was last used, None: not yet."""

    __tablename__ = "sessions"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user: Mapped[str] = mapped_column(ForeignKey("users.name", ondelete="CASCADE"), index=True)
    created_ms: Mapped[int] = mapped_column(ms_type)
    expires_ms: Mapped[int] = mapped_column(ms_type, index=True)
    seen_ms: Mapped[int | None] = mapped_column(ms_type)
