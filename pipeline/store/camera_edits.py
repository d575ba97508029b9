"""Cameras as changed at the desk: kept beside the file of the city, never in it."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipeline.city.edits import CameraEdit
from pipeline.store.access import take_turns
from pipeline.store.admin_tables import CameraEditRow, EditState


def read_edits(session: Session) -> list[CameraEdit]:
    """Return all edits by camera."""
    rows = session.scalars(sa.select(CameraEditRow).order_by(CameraEditRow.camera))
    return [CameraEdit(row.camera, row.state, {str(k): str(v) for k, v in row.fields.items()}) for row in rows]


def latest_revision(session: Session) -> int:
    """Return the number of the newest edit; it rises with every one, 0 means that there is none."""
    return session.scalar(sa.select(sa.func.max(CameraEditRow.revision))) or 0


def get_edit(session: Session, camera: str) -> CameraEditRow | None:
    """Return the edit of one camera, with who made it and when."""
    return session.get(CameraEditRow, camera)


def save_edit(
    session: Session, camera: str, state: EditState, fields: dict[str, str], by: str, at_ms: int
) -> CameraEditRow:
    """Keep what the desk says of a camera from now on, instead of what it said before."""
    take_turns(session)
    number = latest_revision(session) + 1
    row = session.get(CameraEditRow, camera) or CameraEditRow(camera=camera)
    row.state, row.fields, row.revision, row.changed_by, row.changed_ms = state, dict(fields), number, by, at_ms
    session.add(row)
    session.flush()
    return row
