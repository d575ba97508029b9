"""Migrations: they make what the models say, on both databases, and do not race."""

import multiprocessing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from pipeline.ops.errors import StoreError
from pipeline.ops.settings import Settings
from pipeline.store.database import Database, open_database
from pipeline.store.migrate import config, head
from pipeline.store.tables import Base
from tests.store.making import settings_at


def test_models_and_migrations_agree(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []


def test_migrating_again_changes_nothing(database: Database) -> None:
    database.migrate()
    with database.reading() as session:
        assert session.scalar(sa.text("SELECT version_num FROM alembic_version")) == head()


def test_downgrade_removes_all_tables(database: Database) -> None:
    made = config()
    with database.engine.connect() as connection:
        made.attributes["connection"] = connection
        command.downgrade(made, "base")
    assert sa.inspect(database.engine).get_table_names() == ["alembic_version"]


def _migrate(url: str, folder: Path) -> None:
    open_database(settings_at(folder, url)).migrate()


def test_processes_that_start_together_migrate_once(settings: Settings) -> None:
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=_migrate, args=(settings.store.url, settings.data_dir)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]


def test_a_database_of_a_newer_siaga_is_refused(database: Database) -> None:
    with database.session() as session:
        session.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="another version"):
        database.migrate()


def test_a_half_done_migration_leaves_nothing(settings: Settings) -> None:
    database = open_database(settings)
    with database.session() as session:
        session.execute(sa.text("CREATE TABLE users (name TEXT)"))
    with pytest.raises(StoreError, match="users"):
        database.migrate()
    assert set(sa.inspect(database.engine).get_table_names()) == {"users"}
    database.close()
