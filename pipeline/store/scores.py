"""Scores over time of an incident, kept beside it."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipeline.store.scores_tables import ScoresRow

Points = list[tuple[int, float]]
"""`(captured_ms, score)`, score 0..1, oldest first."""


def scores_of(session: Session, incident_id: str) -> dict[str, Points]:
    """Return the kept scores of an incident by camera."""
    rows = session.scalars(sa.select(ScoresRow).where(ScoresRow.incident_id == incident_id))
    return {row.camera: [(int(at_ms), float(score)) for at_ms, score in row.points] for row in rows}


def read_through(session: Session, incident_id: str) -> int | None:
    """Return up to when the scores of an incident were read, epoch ms; None when none were."""
    return session.scalar(sa.select(sa.func.min(ScoresRow.through_ms)).where(ScoresRow.incident_id == incident_id))


def keep_scores(session: Session, incident_id: str, camera: str, points: Points, through_ms: int) -> None:
    """Write the scores of one camera over those before."""
    kept = [[at_ms, round(score, 4)] for at_ms, score in points]
    session.merge(ScoresRow(incident_id=incident_id, camera=camera, through_ms=through_ms, points=kept))
    session.flush()
