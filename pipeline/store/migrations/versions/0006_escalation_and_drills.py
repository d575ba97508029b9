"""Escalations, storms and drills."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "escalations",
        sa.Column("incident_id", sa.String(120), nullable=False),
        sa.Column("level", sa.String(20), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.Column("next_level", sa.String(20), nullable=True),
        sa.Column("next_at_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name="fk_escalations_incident_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("incident_id", name="pk_escalations"),
    )
    op.create_index("ix_escalations_next_at_ms", "escalations", ["next_at_ms"])
    _storms()
    _drills()


def _storms() -> None:
    op.create_table(
        "storms",
        sa.Column("id", COUNTER, autoincrement=True, nullable=False),
        sa.Column("target", sa.String(160), nullable=False),
        sa.Column("channel", sa.String(40), nullable=False),
        sa.Column("started_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_ms", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("told", sa.BigInteger(), nullable=False),
        sa.Column("told_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_storms"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_storms_target_ended_ms", "storms", ["target", "ended_ms"])
    op.create_table(
        "storm_members",
        sa.Column("storm_id", COUNTER, autoincrement=False, nullable=False),
        sa.Column("incident_id", sa.String(120), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["storm_id"], ["storms.id"], name="fk_storm_members_storm_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("storm_id", "incident_id", name="pk_storm_members"),
    )


def _drills() -> None:
    op.create_table(
        "drills",
        sa.Column("id", COUNTER, autoincrement=True, nullable=False),
        sa.Column("incident_id", sa.String(120), nullable=False),
        sa.Column("post", sa.String(80), nullable=False),
        sa.Column("kelurahan", sa.String(20), nullable=False),
        sa.Column("started_ms", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.Column("accepted_ms", sa.BigInteger(), nullable=True),
        sa.Column("accepted_by", sa.String(120), nullable=True),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_drills"),
        sa.UniqueConstraint("incident_id", name="uq_drills_incident_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_drills_post_started_ms", "drills", ["post", "started_ms"])


def downgrade() -> None:
    """Drop the tables."""
    for table in ("drills", "storm_members", "storms", "escalations"):
        op.drop_table(table)
