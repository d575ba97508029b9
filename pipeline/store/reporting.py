"""Health and camera states on their way to the database: never in the way of the stage that reports them."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

import structlog
from prometheus_client import Counter
from sqlalchemy.orm import Session

from pipeline.ops.errors import StoreError
from pipeline.store.database import Database

log = structlog.get_logger(__name__)

LOST = Counter("siaga_store_reports_failed_total", "Reports that could not be written and are tried again", ["what"])

T = TypeVar("T")


class Reporter(Generic[T]):
    """Writes the newest report of each key within about a second, in a thread of its own.

    A report that a newer one of the same key overtakes is not written. While the database refuses, the newest reports
    wait; they are bounded by the number of keys.

    Args:
        what: Names the reports in logs and metrics.
        database: Where they go.
        save: Writes one report.
        key: Names what a report is about.
    """

    def __init__(
        self, what: str, database: Database, save: Callable[[Session, T], None], key: Callable[[T], str]
    ) -> None:
        self._what, self._database, self._save, self._key = what, database, save, key
        self._waiting: dict[str, T] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._loop, name=f"report-{what}", daemon=True)
        self._thread.start()

    def __call__(self, report: T) -> None:
        """Take a report; returns at once."""
        with self._lock:
            self._waiting[self._key(report)] = report
        self._wake.set()

    def _loop(self) -> None:
        while not self._closing.is_set():
            self._wake.wait()
            self._wake.clear()
            self._write()
            self._closing.wait(0.5)
        self._write()

    def _write(self) -> None:
        with self._lock:
            batch, self._waiting = self._waiting, {}
        if not batch:
            return

        def save(session: Session) -> None:
            for report in batch.values():
                self._save(session, report)

        try:
            self._database.transact(save)
        except StoreError as error:
            LOST.labels(self._what).inc(len(batch))
            log.warning("report.failed", what=self._what, reports=len(batch), error=str(error))
            with self._lock:
                self._waiting = {**batch, **self._waiting}
            self._wake.set()

    def close(self, patience_s: float = 5) -> None:
        """Write what waits and end."""
        self._closing.set()
        self._wake.set()
        self._thread.join(patience_s)
