"""Scores over time of incidents: read from the bus beside the pages, kept in the store once an incident closed.

A page never waits for the bus longer than `PAGE_S`: one thread reads, and what it has so far is shown.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import sqlalchemy as sa
import structlog
from prometheus_client import Counter
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from pipeline.bus.observations import LATE_MS, ObservationReader
from pipeline.ops.clock import Clock
from pipeline.ops.errors import BusError, StoreError
from pipeline.ops.sections import BusSection
from pipeline.store.database import Database, explain
from pipeline.store.incidents import record_of
from pipeline.store.scores import Points, keep_scores, read_through, scores_of
from pipeline.store.scores_tables import ScoresRow
from pipeline.store.tables import IncidentRow

log = structlog.get_logger(__name__)

READS = Counter("siaga_desk_score_reads_total", "Looks for an incident's scores on the bus, by outcome", ["outcome"])

BEFORE_MS = 10_000
"""The chart begins this long before the incident was first seen."""
PAGE_S = 1.0
DOWN_MS = 10_000
"""So long a bus that did not answer is not asked again."""
FRESH_MS = 2_000
SWEEP_S = 30.0
MOST_CAMERAS = 6
EXTENT = "#water"
"""What follows a camera's id where its points are the share of the street under water instead of scores."""
MOST_POINTS = 5_000
REMEMBERED = 64
SWEPT = 20

Outcome = Literal["whole", "reading", "no_bus"]


@dataclass(frozen=True)
class Span:
    """Whose scores are wanted: an incident's cameras, its kind, and from when to when (epoch ms); closed or not."""

    incident_id: str
    kind: str
    cameras: tuple[str, ...]
    start_ms: int
    end_ms: int
    closed: bool


@dataclass(frozen=True)
class Scores:
    """Scores by camera, oldest first, known up to `through_ms`; `outcome` says whether that is all there is.

    A flood has besides, under the camera's id and `EXTENT`, the share of the street under water.
    """

    points: Mapping[str, Points] = field(default_factory=dict)
    through_ms: int = 0
    outcome: Outcome = "reading"


def span_of(row: IncidentRow, now_ms: int) -> Span:
    """Return the span of an incident: its own camera first, then its witnesses."""
    witnesses = (witness.camera for witness in record_of(row).witnesses)
    cameras = tuple(dict.fromkeys((row.camera, *witnesses)))[:MOST_CAMERAS]
    end = row.closed_ms if row.closed_ms is not None else now_ms
    return Span(row.id, row.kind, cameras, row.first_seen_ms - BEFORE_MS, end, row.closed_ms is not None)


class ScoreKeeper:
    """Reads scores in one thread of its own, answers pages from what it has, keeps those of closed incidents.

    Args:
        bus: Where observations lie, and how long.
        database: Where scores are kept.
        clock: Time now, epoch ms.
        sweep_s: How often closed incidents without kept scores are looked for.
    """

    def __init__(self, bus: BusSection, database: Database, clock: Clock, sweep_s: float = SWEEP_S) -> None:
        self._bus, self._database, self._clock, self._sweep_s = bus, database, clock, sweep_s
        self._reader = ObservationReader(bus, "desk")
        self._news = threading.Condition()
        self._known: OrderedDict[str, Scores] = OrderedDict()
        self._asked: OrderedDict[str, Span] = OrderedDict()
        self._down_ms: int | None = None
        self._stopped = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name="desk-scores", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread; a look under way is not waited for longer than it may take."""
        with self._news:
            self._stopped = True
            self._news.notify_all()
        if self._thread is not None:
            self._thread.join(10)

    def get(self, span: Span, patience_s: float = PAGE_S) -> Scores:
        """Return the scores of a span as far as they are known within `patience_s`; never raises for the bus."""
        kept = self._kept(span)
        if kept is not None and kept.outcome == "whole":
            return kept
        with self._news:
            known = self._known.get(span.incident_id) or kept or Scores()
            if _enough(known, span):
                return known
            if self._is_down() or self._thread is None:
                return Scores(known.points, known.through_ms, "no_bus")
            self._asked[span.incident_id] = span
            self._news.notify_all()
            self._news.wait_for(
                lambda: self._stopped or self._is_down() or _enough(self._known.get(span.incident_id), span), patience_s
            )
            known = self._known.get(span.incident_id, known)
            return Scores(known.points, known.through_ms, "no_bus") if self._is_down() else known

    def _is_down(self) -> bool:
        return self._down_ms is not None and self._clock() - self._down_ms < DOWN_MS

    def _kept(self, span: Span) -> Scores | None:
        """Return what the store keeps of an incident, None when that is nothing."""
        with self._database.reading() as session:
            through = read_through(session, span.incident_id)
            points = scores_of(session, span.incident_id) if through is not None else {}
        if through is None:
            return None
        return Scores(points, through, "whole" if span.closed and through >= span.end_ms else "reading")

    def _run(self) -> None:
        """Serve the pages; between them look for closed incidents whose scores are not kept."""
        while not self._stopped:
            span = self._next()
            try:
                for one in [span] if span is not None else self._unkept():
                    if self._stopped or (self._asked and one is not span):
                        break
                    self._look(one)
            except (SQLAlchemyError, StoreError) as error:
                READS.labels("store").inc()
                log.warning("scores.store_failed", reason=explain(error))
        self._reader.close()

    def _next(self) -> Span | None:
        """Wait for a page; None when it is time to sweep."""
        with self._news:
            self._news.wait_for(lambda: self._stopped or self._asked, self._sweep_s)
            return self._asked.popitem(last=False)[1] if self._asked else None

    def _look(self, span: Span) -> None:
        """Read on from where the last look ended, and keep what is whole."""
        before = self._known.get(span.incident_id) or self._kept(span) or Scores(through_ms=span.start_ms)
        since = max(span.start_ms, before.through_ms - LATE_MS)
        try:
            look = self._reader.between(span.cameras, since, span.end_ms)
        except BusError as error:
            self._failed(error)
            return
        READS.labels("read").inc()
        merged = {name: dict(before.points.get(name, ())) for name in _names(span)}
        for one in look.observations:
            if span.kind in one.scores:  # other models looked at the same frames and have nothing to say of it
                merged[one.camera][one.captured_ms] = one.scores[span.kind]
                if one.water is not None and span.kind == "flood":
                    merged[one.camera + EXTENT][one.captured_ms] = one.water.share
        points = {camera: sorted(by_ms.items())[-MOST_POINTS:] for camera, by_ms in merged.items()}
        through = max(look.through_ms, before.through_ms)
        scores = Scores(points, through, "whole" if through >= span.end_ms else "reading")
        self._learn(span, scores, moved=through > before.through_ms)

    def _learn(self, span: Span, scores: Scores, *, moved: bool) -> None:
        """Keep the scores of what is closed and read to its end, and tell the pages that wait."""
        if span.closed and scores.outcome == "whole":
            self._database.transact(lambda session: _keep(session, span, scores))
        with self._news:
            self._down_ms = None
            self._known[span.incident_id] = scores
            self._known.move_to_end(span.incident_id)
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
            if scores.outcome == "reading" and moved:  # what no look gets further with is not asked for ever
                self._asked.setdefault(span.incident_id, span)
            self._news.notify_all()

    def _failed(self, error: BusError) -> None:
        """Say once that the bus does not answer, and let the pages go on."""
        READS.labels("no_bus").inc()
        with self._news:
            if self._down_ms is None:
                log.warning("scores.no_bus", reason=str(error))
            self._down_ms = self._clock()
            self._asked.clear()
            self._news.notify_all()

    def _unkept(self) -> list[Span]:
        """Return closed incidents of which no scores are kept, while the bus may still have them."""
        if self._is_down():
            return []
        now, whole = self._clock(), ScoresRow.through_ms >= IncidentRow.closed_ms
        query = (
            sa.select(IncidentRow)
            .where(IncidentRow.closed_ms > now - int(self._bus.observations_retention_s * 1000))
            .where(~sa.exists().where(ScoresRow.incident_id == IncidentRow.id, whole))
            .order_by(IncidentRow.closed_ms)
            .limit(SWEPT)
        )
        with self._database.reading() as session:
            return [span_of(row, now) for row in session.scalars(query)]


def _enough(known: Scores | None, span: Span) -> bool:
    """Say whether nothing has to be read for this span; an open incident may be a little behind."""
    if known is None or known.outcome != "whole":
        return False
    return known.through_ms >= span.end_ms - (0 if span.closed else FRESH_MS)


def _keep(session: Session, span: Span, scores: Scores) -> None:
    """Write the points of all cameras of an incident."""
    for name in _names(span):
        keep_scores(session, span.incident_id, name, list(scores.points.get(name, ())), scores.through_ms)


def _names(span: Span) -> list[str]:
    """Return under which names the points of an incident are kept."""
    extents = [camera + EXTENT for camera in span.cameras] if span.kind == "flood" else []
    return [*span.cameras, *extents]
