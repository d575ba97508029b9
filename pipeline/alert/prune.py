"""Removing old rows: a batch at a time, so that no delivery waits, and everything that goes is counted."""

import structlog

from pipeline.alert import metrics
from pipeline.ops.clock import Clock
from pipeline.ops.upkeep import KeepSection
from pipeline.store.database import Database
from pipeline.store.pruning import BATCH, prune_outbox, prune_timeline

log = structlog.get_logger(__name__)

EVERY_MS = 600_000
DAY_MS = 86_400_000


class Pruner:
    """Prunes outbox and timeline every ten minutes, and at once again while there is more than a batch.

    Args:
        keep: How long rows are kept.
        database: The store.
        clock: Time now, epoch ms.
    """

    def __init__(self, keep: KeepSection, database: Database, clock: Clock) -> None:
        self._keep, self._database, self._clock = keep, database, clock
        self._next_ms = 0

    def round(self) -> None:
        """Look once, if it is time.

        Raises:
            StoreError: The database does not answer.
        """
        now = self._clock()
        if now < self._next_ms:
            return
        rows = self._database.transact(lambda s: prune_outbox(s, now - self._keep.outbox_days * DAY_MS))
        events = self._database.transact(lambda s: prune_timeline(s, now - self._keep.timeline_days * DAY_MS))
        for state, number in rows.items():
            metrics.PRUNED.labels("outbox", state).inc(number)
        if events:
            metrics.PRUNED.labels("timeline", "event").inc(events)
        if rows or events:
            log.info("store.pruned", outbox=rows, timeline=events, reason="older than alert.keep")
        if sum(rows.values()) < BATCH and events < BATCH:
            self._next_ms = now + EVERY_MS
