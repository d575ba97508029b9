"""The first tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MS = sa.BigInteger()
DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    _incidents()
    _events()
    _outbox()
    _evidence()
    _states()
    _people()


def downgrade() -> None:
    """Drop the tables."""
    for table in (
        "sessions",
        "users",
        "stage_health",
        "camera_states",
        "evidence",
        "outbox",
        "incident_events",
        "incidents",
    ):
        op.drop_table(table)


def _counter() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False)


def _text(name: str, length: int | None = None, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(length) if length else sa.Text(), nullable=nullable)


def _ms(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, MS, nullable=nullable)


def _document(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, DOCUMENT, nullable=nullable)


def _index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))


def _incidents() -> None:
    op.create_table(
        "incidents",
        _text("id", 120),
        _text("kind", 20),
        _text("camera", 120),
        _text("kelurahan", 20),
        _text("state", 20),
        _text("decision", 20),
        _text("decision_by", 120, nullable=True),
        _ms("decision_ms", nullable=True),
        _text("decision_note"),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        _text("trace", 120),
        _ms("first_seen_ms"),
        _ms("opened_ms"),
        _ms("updated_ms"),
        _ms("closed_ms", nullable=True),
        _ms("decided_ms"),
        sa.Column("score", sa.Double(), nullable=False),
        _ms("alerted_ms", nullable=True),
        _document("record"),
        sa.PrimaryKeyConstraint("id", name="pk_incidents"),
    )
    _index("incidents", "opened_ms")
    _index("incidents", "kelurahan", "opened_ms")
    _index("incidents", "decision", "opened_ms")


def _events() -> None:
    op.create_table(
        "incident_events",
        _counter(),
        _text("incident_id", 120),
        _ms("at_ms"),
        _text("actor", 120),
        _text("what", 40),
        _document("detail"),
        sa.PrimaryKeyConstraint("id", name="pk_incident_events"),
        sqlite_autoincrement=True,
    )
    _index("incident_events", "incident_id", "id")


def _outbox() -> None:
    op.create_table(
        "outbox",
        _counter(),
        _text("incident_id", 120),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        _text("notice", 20),
        _text("target", 160),
        _text("channel", 40),
        _text("idempotency_key", 320),
        _document("payload"),
        _text("state", 20),
        sa.Column("attempts", sa.Integer(), nullable=False),
        _ms("next_at_ms"),
        _ms("leased_until_ms", nullable=True),
        _text("lease", 120, nullable=True),
        _text("last_error", nullable=True),
        _ms("created_ms"),
        _ms("sent_ms", nullable=True),
        _document("receipt", nullable=True),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name="fk_outbox_incident_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.UniqueConstraint("idempotency_key", name="uq_outbox_idempotency_key"),
        sqlite_autoincrement=True,
    )
    _index("outbox", "state", "channel", "next_at_ms")
    _index("outbox", "incident_id", "target")


def _evidence() -> None:
    op.create_table(
        "evidence",
        _counter(),
        _text("incident_id", 120),
        _text("camera", 120),
        _text("kind", 20),
        _text("key", 400),
        _text("sha256", 64),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        _text("made_from", 20),
        _ms("start_ms"),
        _ms("end_ms"),
        _ms("created_ms"),
        _ms("removed_ms", nullable=True),
        _text("removed_reason", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_evidence"),
        sa.UniqueConstraint("incident_id", "camera", "kind", name="uq_evidence_incident_id_camera_kind"),
        sqlite_autoincrement=True,
    )
    _index("evidence", "removed_ms", "created_ms")


def _states() -> None:
    op.create_table(
        "camera_states",
        _text("camera", 120),
        _text("state", 20),
        _ms("since_ms"),
        _text("reason"),
        _ms("last_frame_ms", nullable=True),
        _document("detail"),
        sa.PrimaryKeyConstraint("camera", name="pk_camera_states"),
    )
    op.create_table(
        "stage_health",
        _text("stage", 40),
        _text("instance", 80),
        _ms("at_ms"),
        sa.Column("ok", sa.Boolean(), nullable=False),
        _text("reason"),
        _document("detail"),
        sa.PrimaryKeyConstraint("stage", "instance", name="pk_stage_health"),
    )


def _people() -> None:
    op.create_table(
        "users",
        _text("name", 120),
        _text("password_hash"),
        _text("role", 20),
        _document("areas"),
        _ms("created_ms"),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("must_change", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_users"),
    )
    op.create_table(
        "sessions",
        _text("token_hash", 64),
        _text("user", 120),
        _ms("created_ms"),
        _ms("expires_ms"),
        sa.ForeignKeyConstraint(["user"], ["users.name"], name="fk_sessions_user", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("token_hash", name="pk_sessions"),
    )
    _index("sessions", "user")
    _index("sessions", "expires_ms")
