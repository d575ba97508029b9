"""Reports reach the database without holding up whoever reports."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from pipeline.ops.errors import StoreError
from pipeline.ops.health import StageHealth
from pipeline.ops.settings import Settings
from pipeline.store.database import Database, open_database
from pipeline.store.health import list_health, save_health
from pipeline.store.reporting import Reporter
from tests.waiting import wait_for


def health(instance: str, at_ms: int) -> StageHealth:
    return StageHealth("detect", instance, at_ms, True, "working", {"waiting": 0})


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(Settings(data_dir=tmp_path))
    database.migrate()
    yield database
    database.close()


def test_the_newest_report_of_each_key_is_written(database: Database) -> None:
    reporter: Reporter[StageHealth] = Reporter("health", database, save_health, lambda h: h.instance)
    for at_ms in range(1, 50):
        reporter(health("detect-0", at_ms))
        reporter(health("detect-1", at_ms))
    reporter.close()
    with database.reading() as session:
        assert {word.instance: word.at_ms for word in list_health(session)} == {"detect-0": 49, "detect-1": 49}


def test_a_refusing_database_loses_no_newest_report(database: Database) -> None:
    refuse = threading.Event()
    refuse.set()
    tries: list[int] = []

    def save(session: Session, report: StageHealth) -> None:
        tries.append(report.at_ms)
        if refuse.is_set():
            refuse.clear()
            raise StoreError("disk full")
        save_health(session, report)

    reporter: Reporter[StageHealth] = Reporter("health", database, save, lambda h: h.instance)
    reporter(health("detect-0", 7))

    def written() -> bool:
        with database.reading() as session:
            return [word.at_ms for word in list_health(session)] == [7]

    wait_for(written, 30)
    assert len(tries) >= 2
    reporter.close()
