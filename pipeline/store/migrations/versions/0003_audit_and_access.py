"""The audit, and what signing in needs: failed tries, sign-ins under way, keys of signed links."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
GENESIS = "0" * 64


def upgrade() -> None:
    """Make the tables; the audit begins with a head of no rows."""
    op.create_table(
        "audit",
        sa.Column("n", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(120), nullable=False),
        sa.Column("what", sa.String(60), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("prev", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("n", name="pk_audit"),
    )
    op.create_index("ix_audit_at_ms", "audit", ["at_ms"])
    op.create_index("ix_audit_actor_n", "audit", ["actor", "n"])
    op.create_index("ix_audit_what_n", "audit", ["what", "n"])
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )
    op.bulk_insert(head, [{"id": 1, "n": 0, "hash": GENESIS}])
    _signing_in()


def _signing_in() -> None:
    op.create_table(
        "sign_in_failures",
        sa.Column("id", COUNTER, autoincrement=True, nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sign_in_failures"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_sign_in_failures_key_at_ms", "sign_in_failures", ["key", "at_ms"])
    op.create_index("ix_sign_in_failures_at_ms", "sign_in_failures", ["at_ms"])
    op.create_table(
        "sign_in_attempts",
        sa.Column("state_hash", sa.String(64), nullable=False),
        sa.Column("visit", sa.String(64), nullable=False),
        sa.Column("nonce", sa.String(100), nullable=False),
        sa.Column("verifier", sa.String(200), nullable=False),
        sa.Column("goes_to", sa.Text(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("state_hash", name="pk_sign_in_attempts"),
    )
    op.create_index("ix_sign_in_attempts_expires_ms", "sign_in_attempts", ["expires_ms"])
    op.create_table(
        "signing_keys",
        sa.Column("created_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("secret", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("created_ms", name="pk_signing_keys"),
    )
    op.add_column("sessions", sa.Column("seen_ms", sa.BigInteger(), nullable=True))
    op.add_column("users", sa.Column("subject", sa.String(400), nullable=True))
    op.create_index("ix_users_subject", "users", ["subject"], unique=True)


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_users_subject", "users")
    op.drop_column("users", "subject")
    op.drop_column("sessions", "seen_ms")
    for table in ("signing_keys", "sign_in_attempts", "sign_in_failures", "audit_head", "audit"):
        op.drop_table(table)
