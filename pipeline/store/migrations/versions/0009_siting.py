"""Where the next cameras go: needs, hotspots, plans, sites that were built, the log of camera states."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0007"
branch_labels = None
depends_on = None

COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Make the tables; the log begins with the states that are known."""
    _needs()
    _hotspots()
    _plans()
    op.create_table(
        "camera_state_log",
        _id(),
        _text("camera", 120),
        _text("state", 20),
        _ms("since_ms"),
        sa.PrimaryKeyConstraint("id", name="pk_camera_state_log"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_camera_state_log_camera_since_ms", "camera_state_log", ["camera", "since_ms"])
    op.create_index("ix_camera_state_log_since_ms", "camera_state_log", ["since_ms"])
    op.execute(
        "INSERT INTO camera_state_log (camera, state, since_ms) SELECT camera, state, since_ms FROM camera_states"
    )


def downgrade() -> None:
    """Drop the tables."""
    for table in ("camera_state_log", "installed_sites", "site_plans", "hotspots", "need_events", "needs"):
        op.drop_table(table)


def _id() -> sa.Column[int]:
    return sa.Column("id", COUNTER, autoincrement=True, nullable=False)


def _text(name: str, length: int | None = None, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(length) if length else sa.Text(), nullable=nullable)


def _ms(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> sa.Column[float]:
    return sa.Column(name, sa.Double(), nullable=nullable)


def _needs() -> None:
    op.create_table(
        "needs",
        _id(),
        _number("lat"),
        _number("lng"),
        _text("category", 40),
        _text("asked_by_kind", 20),
        _text("asked_by", 120),
        _text("kelurahan", 20),
        _text("reason"),
        _text("photo", 400, nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        _text("status", 20),
        _text("status_reason"),
        sa.Column("merged_into", COUNTER, nullable=True),
        _text("batch", 64),
        _text("created_by", 120),
        _ms("created_ms"),
        _ms("updated_ms"),
        sa.ForeignKeyConstraint(["merged_into"], ["needs.id"], name="fk_needs_merged_into"),
        sa.PrimaryKeyConstraint("id", name="pk_needs"),
        sqlite_autoincrement=True,
    )
    for column in ("status", "batch", "kelurahan", "merged_into"):
        op.create_index(f"ix_needs_{column}", "needs", [column])
    op.create_table(
        "need_events",
        _id(),
        sa.Column("need_id", COUNTER, nullable=False),
        _ms("at_ms"),
        _text("actor", 120),
        _text("what", 40),
        sa.Column("detail", DOCUMENT, nullable=False),
        sa.ForeignKeyConstraint(["need_id"], ["needs.id"], name="fk_need_events_need_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_need_events"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_need_events_need_id_id", "need_events", ["need_id", "id"])


def _hotspots() -> None:
    op.create_table(
        "hotspots",
        _id(),
        _text("source", 40),
        _text("category", 40),
        _number("lat"),
        _number("lng"),
        _text("kelurahan", 20),
        _ms("at_ms"),
        sa.Column("timed", sa.Boolean(), nullable=False),
        _number("weight"),
        _text("batch", 64),
        sa.PrimaryKeyConstraint("id", name="pk_hotspots"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_hotspots_category_at_ms", "hotspots", ["category", "at_ms"])
    op.create_index("ix_hotspots_batch", "hotspots", ["batch"])


def _plans() -> None:
    op.create_table(
        "site_plans",
        _id(),
        _text("name", 120),
        _text("author", 120),
        _ms("created_ms"),
        _text("budget", 60),
        sa.Column("settings", DOCUMENT, nullable=False),
        sa.Column("result", DOCUMENT, nullable=False),
        _text("state", 20),
        _text("approved_by", 120, nullable=True),
        _ms("approved_ms", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_site_plans"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_site_plans_created_ms", "site_plans", ["created_ms"])
    op.create_table(
        "installed_sites",
        _id(),
        sa.Column("plan_id", COUNTER, nullable=True),
        _text("site", 120, nullable=True),
        _text("camera", 120, nullable=True),
        _number("lat"),
        _number("lng"),
        _number("bearing", nullable=True),
        _number("angle", nullable=True),
        _number("range_m"),
        _text("kelurahan", 20),
        _text("installed_by", 120),
        _ms("installed_ms"),
        sa.ForeignKeyConstraint(["plan_id"], ["site_plans.id"], name="fk_installed_sites_plan_id", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_installed_sites"),
        sa.UniqueConstraint("plan_id", "site", name="uq_installed_sites_plan_id_site"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_installed_sites_camera", "installed_sites", ["camera"])
