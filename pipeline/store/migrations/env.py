"""What alembic runs: the migrations over the connection that `pipeline.store.migrate` hands it."""

from alembic import context

import pipeline.store.access_tables
import pipeline.store.admin_tables
import pipeline.store.audit_tables
import pipeline.store.channel_tables
import pipeline.store.drills_tables
import pipeline.store.escalation_tables
import pipeline.store.place_tables
import pipeline.store.review_tables
import pipeline.store.scores_tables
import pipeline.store.siting_tables
import pipeline.store.tuning_tables  # noqa: F401 - what is imported is known to the metadata
from pipeline.store.tables import Base

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
