"""What people said of incidents: verdicts of the review first, then decisions at the desk."""

from collections import Counter
from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipeline.store.incidents import record_of
from pipeline.store.reviews import verdicts_of
from pipeline.store.tables import IncidentRow
from pipeline.tune.compare import Raised, Truth, raised_of

DECIDED: dict[str, Truth] = {"false_alarm": "false", "done": "true", "accepted": "true"}
"""What a decision at the desk says; a hasty "bukan kejadian" is not a reviewed one and yields to a verdict."""


def truth_of(verdicts: Collection[str], decision: str) -> Truth:
    """Return what is held to be true of an incident: the verdict of most reviewers, else the decision."""
    counted = Counter(verdicts).most_common()
    if counted and (len(counted) == 1 or counted[0][1] > counted[1][1]):
        return {"true": "true", "false": "false"}.get(counted[0][0], "unsure")  # type: ignore[return-value]
    if counted:
        return "unsure"
    return DECIDED.get(decision, "unknown")


def raised_between(session: Session, start_ms: int, end_ms: int, cameras: Collection[str] | None) -> list[Raised]:
    """Return what was raised within a span by some cameras (None: all), with what people said of it."""
    query = sa.select(IncidentRow).where(IncidentRow.opened_ms >= start_ms, IncidentRow.opened_ms < end_ms)
    if cameras is not None:
        query = query.where(IncidentRow.camera.in_(sorted(cameras)))
    rows = list(session.scalars(query.order_by(IncidentRow.opened_ms, IncidentRow.id)))
    said = verdicts_of(session, [row.id for row in rows])
    return [
        raised_of(record_of(row), end_ms, truth_of([one.verdict for one in said[row.id]], row.decision)) for row in rows
    ]
