"""Replays: what other rules would have changed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0010"
branch_labels = None
depends_on = None

COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "replays",
        sa.Column("id", COUNTER, autoincrement=True, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("author", sa.String(120), nullable=False),
        sa.Column("start_ms", sa.BigInteger(), nullable=False),
        sa.Column("end_ms", sa.BigInteger(), nullable=False),
        sa.Column("scope", DOCUMENT, nullable=False),
        sa.Column("rules", DOCUMENT, nullable=False),
        sa.Column("result", DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_replays"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_replays_at_ms", "replays", ["at_ms"])


def downgrade() -> None:
    """Remove it."""
    op.drop_table("replays")
