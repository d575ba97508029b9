"""Where an incident is seen from: its own kelurahan, and the neighbours whose desks are told of it."""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipeline.store.areas import within
from pipeline.store.place_tables import PlaceRow
from pipeline.store.tables import IncidentRow


def visible(areas: Sequence[str]) -> sa.ColumnElement[bool]:
    """Return the condition that an incident concerns one of the areas: it is there, or a desk there was told."""
    told = sa.select(PlaceRow.incident_id).where(within(PlaceRow.kelurahan, areas))
    return sa.or_(within(IncidentRow.kelurahan, areas), IncidentRow.id.in_(told))


def add_places(session: Session, incident_id: str, codes: Iterable[str]) -> None:
    """Note that other kelurahan are told of an incident; one that is known changes nothing."""
    known = places_of(session, [incident_id]).get(incident_id, ())
    session.add_all(PlaceRow(incident_id=incident_id, kelurahan=code) for code in codes if code not in known)
    session.flush()


def places_of(session: Session, incident_ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the other kelurahan of incidents that have some."""
    query = sa.select(PlaceRow.incident_id, PlaceRow.kelurahan).where(PlaceRow.incident_id.in_(list(incident_ids)))
    found: dict[str, tuple[str, ...]] = {}
    for incident_id, kelurahan in session.execute(query.order_by(PlaceRow.kelurahan)):
        found[incident_id] = (*found.get(incident_id, ()), kelurahan)
    return found
