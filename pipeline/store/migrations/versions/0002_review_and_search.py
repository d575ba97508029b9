"""Clip review and search: verdicts, leases, second opinions, saved searches."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "verdicts",
        sa.Column("id", COUNTER, autoincrement=True, nullable=False),
        sa.Column("token", sa.String(80), nullable=False),
        sa.Column("clip", sa.BigInteger(), nullable=False),
        sa.Column("incident_id", sa.String(120), nullable=False),
        sa.Column("reviewer", sa.String(120), nullable=False),
        sa.Column("verdict", sa.String(20), nullable=False),
        sa.Column("tags", DOCUMENT, nullable=False),
        sa.Column("hands_ms", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_verdicts"),
        sa.UniqueConstraint("token", name="uq_verdicts_token"),
        sa.UniqueConstraint("clip", "reviewer", name="uq_verdicts_clip_reviewer"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_verdicts_incident_id", "verdicts", ["incident_id"])
    op.create_table(
        "review_leases",
        sa.Column("clip", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reviewer", sa.String(120), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("clip", name="pk_review_leases"),
    )
    op.create_index("ix_review_leases_reviewer", "review_leases", ["reviewer"])
    op.create_table(
        "second_opinions",
        sa.Column("clip", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("asked_by", sa.String(120), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("clip", name="pk_second_opinions"),
    )
    op.create_table(
        "saved_searches",
        sa.Column("id", COUNTER, autoincrement=True, nullable=False),
        sa.Column("owner", sa.String(120), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("query", DOCUMENT, nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["owner"], ["users.name"], name="fk_saved_searches_owner", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_saved_searches"),
        sa.UniqueConstraint("owner", "name", name="uq_saved_searches_owner_name"),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    """Drop the tables."""
    for table in ("saved_searches", "second_opinions", "review_leases", "verdicts"):
        op.drop_table(table)
