"""A broker, and a database of either kind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.bus.admin import ensure_topics
from pipeline.ops.sections import BusSection
from pipeline.store.database import Database, open_database
from tests.alert.making import settings_at
from tests.brokers import Broker, embedded_broker
from tests.postgres import postgres

__all__ = ["postgres"]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """An embedded broker with all topics."""
    with embedded_broker(tmp_path) as running:
        ensure_topics(BusSection(bootstrap_servers=running.bootstrap, partitions=3))
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database."""
    return "sqlite:///var/siaga.db" if request.param == "sqlite" else request.getfixturevalue("postgres").url()


@pytest.fixture
def database(tmp_path: Path, url: str) -> Iterator[Database]:
    """An open, migrated database."""
    opened = open_database(settings_at(tmp_path, store={"url": url}))
    opened.migrate()
    yield opened
    opened.close()
