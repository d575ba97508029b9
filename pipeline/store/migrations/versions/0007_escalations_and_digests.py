"""Escalations of what nobody accepts, and digests of what comes all at once."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; outbox rows learn of the digest that lists them."""
    op.create_table(
        "escalations",
        sa.Column("incident_id", sa.String(120), nullable=False),
        sa.Column("level", sa.String(20), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.Column("due_ms", sa.BigInteger(), nullable=True),
        sa.Column("left_ms", sa.BigInteger(), nullable=True),
        sa.Column("asked", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name="fk_escalations_incident_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("incident_id", name="pk_escalations"),
    )
    op.create_index("ix_escalations_due_ms", "escalations", ["due_ms"])
    op.add_column("outbox", sa.Column("digest", sa.String(320), nullable=True))
    op.create_index("ix_outbox_digest", "outbox", ["digest"])
    op.create_index("ix_outbox_target_created_ms", "outbox", ["target", "created_ms"])


def downgrade() -> None:
    """Drop them; what waits for a digest is sent alone, as it would have been before."""
    op.execute("UPDATE outbox SET state = 'pending' WHERE state = 'gathered'")
    op.execute("UPDATE outbox SET state = 'superseded' WHERE state = 'digested'")
    op.drop_index("ix_outbox_target_created_ms", "outbox")
    op.drop_index("ix_outbox_digest", "outbox")
    op.drop_column("outbox", "digest")
    op.drop_table("escalations")
