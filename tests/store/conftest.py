"""Every test of the store runs on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.ops.settings import Settings
from pipeline.store.database import Database, open_database
from tests.postgres import postgres
from tests.store.making import settings_at

__all__ = ["postgres"]


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings with an empty database."""
    if request.param == "sqlite":
        return settings_at(tmp_path)
    return settings_at(tmp_path, request.getfixturevalue("postgres").url())


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    """An open, migrated database."""
    opened = open_database(settings)
    opened.migrate()
    yield opened
    opened.close()
