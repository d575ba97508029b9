"""Finding incidents by what people ask for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipeline.store.incidents import Place
from pipeline.store.places import visible
from pipeline.store.review_tables import Verdict, VerdictRow
from pipeline.store.tables import IncidentRow


@dataclass(frozen=True)
class Criteria:
    """What is looked for; None leaves a field out. Times are epoch ms, `until_ms` is exclusive.

    `cameras` limits to these ids (a category, a place by name). `text` is sought in ids, notes, who decided and tags;
    an incident also matches by its camera being in `text_cameras`: names are known to the registry, not to the store.
    """

    kind: str | None = None
    cameras: Sequence[str] | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    decision: str | None = None
    verdict: Verdict | Literal["none"] | None = None
    text: str = ""
    text_cameras: Sequence[str] = ()


def find_incidents(
    session: Session, criteria: Criteria, areas: Sequence[str] | None, limit: int, before: Place | None = None
) -> list[IncidentRow]:
    """Return what matches, the newest opening first, behind the place of the last row of the page before."""
    query = sa.select(IncidentRow).where(*_conditions(criteria, areas))
    if before is not None:
        query = query.where(sa.tuple_(IncidentRow.opened_ms, IncidentRow.id) < sa.tuple_(*before))
    query = query.order_by(IncidentRow.opened_ms.desc(), IncidentRow.id.desc()).limit(limit)
    return list(session.scalars(query))


def count_incidents(session: Session, criteria: Criteria, areas: Sequence[str] | None) -> int:
    """Return how many incidents match."""
    query = sa.select(sa.func.count()).select_from(IncidentRow).where(*_conditions(criteria, areas))
    return session.scalar(query) or 0


def _conditions(criteria: Criteria, areas: Sequence[str] | None) -> list[Any]:
    """Return the conditions of a search."""
    found: list[Any] = [] if areas is None else [visible(areas)]
    if criteria.kind is not None:
        found.append(IncidentRow.kind == criteria.kind)
    if criteria.cameras is not None:
        found.append(IncidentRow.camera.in_(criteria.cameras))
    if criteria.since_ms is not None:
        found.append(IncidentRow.opened_ms >= criteria.since_ms)
    if criteria.until_ms is not None:
        found.append(IncidentRow.opened_ms < criteria.until_ms)
    if criteria.decision is not None:
        found.append(IncidentRow.decision == criteria.decision)
    given = sa.exists().where(VerdictRow.incident_id == IncidentRow.id)
    if criteria.verdict == "none":
        found.append(~given)
    elif criteria.verdict is not None:
        found.append(given.where(VerdictRow.verdict == criteria.verdict))
    if criteria.text:
        found.append(_says(criteria))
    return found


def _says(criteria: Criteria) -> Any:
    """Return the condition that an incident has to do with a text."""
    text = criteria.text.lower()
    columns = (IncidentRow.id, IncidentRow.camera, IncidentRow.decision_note, IncidentRow.decision_by)
    tagged = sa.exists().where(
        VerdictRow.incident_id == IncidentRow.id,
        sa.func.lower(sa.cast(VerdictRow.tags, sa.Text)).contains(text, autoescape=True),
    )
    return sa.or_(
        IncidentRow.camera.in_(criteria.text_cameras),
        tagged,
        *(sa.func.lower(column).contains(text, autoescape=True) for column in columns),
    )
