"""Admin pages: cameras as changed at the desk, their tests, the configuration last seen; where a sign-in began."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0006"
branch_labels = None
depends_on = None

COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _document() -> sa.types.TypeEngine[Any]:
    return sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Make the tables; a sign-in at the provider remembers the address it began at, as a hash."""
    op.create_table(
        "camera_edits",
        sa.Column("camera", sa.String(80), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("fields", _document(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("changed_ms", sa.BigInteger(), nullable=False),
        sa.Column("changed_by", sa.String(120), nullable=False),
        sa.PrimaryKeyConstraint("camera", name="pk_camera_edits"),
    )
    op.create_index("ix_camera_edits_revision", "camera_edits", ["revision"])
    op.create_table(
        "camera_tests",
        sa.Column("id", COUNTER, autoincrement=True, nullable=False),
        sa.Column("camera", sa.String(80), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("asked_by", sa.String(120), nullable=False),
        sa.Column("asked_ms", sa.BigInteger(), nullable=False),
        sa.Column("taken_ms", sa.BigInteger(), nullable=True),
        sa.Column("done_ms", sa.BigInteger(), nullable=True),
        sa.Column("ok", sa.Boolean(), nullable=True),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("picture", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_camera_tests"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_camera_tests_state", "camera_tests", ["state"])
    op.create_table(
        "config_seen",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("keys", _document(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_config_seen"),
    )
    op.add_column("sign_in_attempts", sa.Column("address", sa.String(64), nullable=True))


def downgrade() -> None:
    """Drop them."""
    op.drop_column("sign_in_attempts", "address")
    for table in ("config_seen", "camera_tests", "camera_edits"):
        op.drop_table(table)
