"""What a digest says: every incident as it stands now, and which of them were told alone before."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipeline.city.registry import Registry
from pipeline.store.digests import Group
from pipeline.store.payloads import SCHEMA, place_document
from pipeline.store.tables import Document, IncidentRow, OutboxRow

OF_ONE = ("notice", "idempotency_key", "cameras", "camera", "kelurahan", "escalation")
"""The parts of a notice's payload that stand in the digest, too."""


def digest_payload(
    session: Session,
    rows: Sequence[OutboxRow],
    key: str,
    group: Group,
    part: tuple[int, int],
    why: str,
    registry: Registry,
) -> Document:
    """Return the payload of a digest.

    Args:
        session: Any transaction.
        rows: The notices that it lists; those that are `gathered` are told by it, others were told alone.
        key: Its idempotency key.
        group: For whom it is.
        part: Number of this part, and how many there are.
        why: Why it is a digest, in one line.
        registry: Names of kelurahan.
    """
    ids = [row.incident_id for row in rows]
    incidents = {row.id: row for row in session.scalars(sa.select(IncidentRow).where(IncidentRow.id.in_(ids)))}
    made: Document = {
        "schema": SCHEMA,
        "notice": "digest",
        "idempotency_key": key,
        "target": group.target,
        "why": why,
        "part": list(part),
        "incidents": [_one(row, incidents.get(id_)) for id_, row in by_incident(rows).items()],
    }
    if group.place:
        made["kelurahan"] = place_document(registry, group.place)
    return made


def by_incident(rows: Sequence[OutboxRow]) -> dict[str, OutboxRow]:
    """Return the notice that stands for each incident: the last one, such as an escalation after its opening."""
    return {row.incident_id: row for row in rows}


def _one(row: OutboxRow, incident: IncidentRow | None) -> dict[str, Any]:
    """Return one incident of the list: as it stands, and how it was told."""
    said = {name: row.payload[name] for name in OF_ONE if name in row.payload}
    record = row.payload.get("incident", {}) if incident is None else incident.record
    decision = "waiting" if incident is None else incident.decision
    told = "digest" if row.state == "gathered" else "alone"
    bare = {name: value for name, value in record.items() if name != "frame"}
    return {**said, "incident": bare, "decision": decision, "told": told}
