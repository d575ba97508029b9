"""The other kelurahan whose desks are told of an incident: beside a boundary, or of a camera that sees it too."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "incident_places",
        sa.Column("incident_id", sa.String(120), nullable=False),
        sa.Column("kelurahan", sa.String(20), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name="fk_incident_places_incident_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("incident_id", "kelurahan", name="pk_incident_places"),
    )
    op.create_index("ix_incident_places_kelurahan", "incident_places", ["kelurahan"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("incident_places")
