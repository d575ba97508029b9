"""Drills and tests; the outbox names their rows, too, so it no longer points at incidents alone."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0005"
branch_labels = None
depends_on = None

KEPT = {"sqlite_autoincrement": True}
"""SQLite makes the table anew; its numbers must not begin again."""


def upgrade() -> None:
    """Make the table and drop the foreign key."""
    op.create_table(
        "drills",
        sa.Column("id", sa.String(120), nullable=False),
        sa.Column("sort", sa.String(10), nullable=False),
        sa.Column("post", sa.String(20), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.Column("sent_ms", sa.BigInteger(), nullable=True),
        sa.Column("answered_ms", sa.BigInteger(), nullable=True),
        sa.Column("answered_by", sa.String(120), nullable=True),
        sa.Column("missed_ms", sa.BigInteger(), nullable=True),
        sa.Column("skipped", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_drills"),
    )
    op.create_index("ix_drills_post_at_ms", "drills", ["post", "at_ms"])
    op.create_index("ix_drills_until_ms", "drills", ["until_ms"])
    with op.batch_alter_table("outbox", table_kwargs=KEPT) as table:
        table.drop_constraint("fk_outbox_incident_id", type_="foreignkey")


def downgrade() -> None:
    """Remove the table and what the outbox holds of it."""
    op.execute("DELETE FROM outbox WHERE incident_id NOT IN (SELECT id FROM incidents)")
    with op.batch_alter_table("outbox", table_kwargs=KEPT) as table:
        table.create_foreign_key("fk_outbox_incident_id", "incidents", ["incident_id"], ["id"], ondelete="CASCADE")
    op.drop_table("drills")
