"""The city's words: why it was no incident stands apart from the note; scores are kept beside their incident."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the reason, move what stood in the note, and make the table of scores."""
    op.add_column("incidents", sa.Column("decision_reason", sa.String(20), nullable=True))
    op.execute(
        "UPDATE incidents SET decision_reason = decision_note, decision_note = '' WHERE decision = 'false_alarm' "
        "AND decision_note IN ('lampu', 'uap', 'pantulan', 'hujan', 'latihan', 'lain')"
    )
    op.create_table(
        "incident_scores",
        sa.Column("incident_id", sa.String(120), nullable=False),
        sa.Column("camera", sa.String(120), nullable=False),
        sa.Column("through_ms", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name="fk_incident_scores_incident_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("incident_id", "camera", name="pk_incident_scores"),
    )


def downgrade() -> None:
    """Drop the scores; the reason goes back into the note, and the words that were not known become Proses."""
    op.drop_table("incident_scores")
    op.execute("UPDATE incidents SET decision_note = decision_reason WHERE decision_reason IS NOT NULL")
    op.execute("UPDATE incidents SET decision = 'accepted' WHERE decision IN ('coordination', 'disposition')")
    with op.batch_alter_table("incidents") as table:
        table.drop_column("decision_reason")
