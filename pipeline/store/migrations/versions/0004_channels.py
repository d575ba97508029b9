"""What the channels keep: CAP documents, browsers that take Web Push, and which of them have a notice."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "cap_documents",
        sa.Column("id", COUNTER, autoincrement=True, nullable=False),
        sa.Column("identifier", sa.String(320), nullable=False),
        sa.Column("incident_id", sa.String(120), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("sent_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.Column("xml", sa.Text(), nullable=False),
        sa.Column("published", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_cap_documents"),
        sa.UniqueConstraint("identifier", name="uq_cap_documents_identifier"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_cap_documents_incident_id", "cap_documents", ["incident_id"])
    op.create_table(
        "push_subscriptions",
        sa.Column("id", COUNTER, autoincrement=True, nullable=False),
        sa.Column("user", sa.String(120), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("address_hash", sa.String(64), nullable=False),
        sa.Column("p256dh", sa.String(120), nullable=False),
        sa.Column("auth", sa.String(40), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user"], ["users.name"], name="fk_push_subscriptions_user", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_push_subscriptions"),
        sa.UniqueConstraint("address_hash", name="uq_push_subscriptions_address_hash"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_push_subscriptions_user", "push_subscriptions", ["user"])
    op.create_table(
        "push_sent",
        sa.Column("subscription", COUNTER, autoincrement=False, nullable=False),
        sa.Column("key", sa.String(320), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["subscription"], ["push_subscriptions.id"], name="fk_push_sent_subscription", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("subscription", "key", name="pk_push_sent"),
    )
    op.create_index("ix_push_sent_at_ms", "push_sent", ["at_ms"])


def downgrade() -> None:
    """Remove the tables."""
    for name in ("push_sent", "push_subscriptions", "cap_documents"):
        op.drop_table(name)
