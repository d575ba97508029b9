"""The log of camera states: how much of the time a camera really was live, read back as spans."""

from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipeline.store.siting_tables import CameraStateLogRow
from pipeline.store.tables import CameraStateRow

SILENT = "silent"
SILENT_AFTER_MS = 60_000
"""Grabbers tell of each camera about every 5 s; nothing for a minute means that nobody watched it."""
KEPT_MS = 400 * 86_400_000
"""A camera's lines go when they are older than this at its next change: a year and some days can be looked back on."""


@dataclass(frozen=True)
class Span:
    """A camera was in a state from `start_ms` until `end_ms` (epoch ms)."""

    camera: str
    state: str
    start_ms: int
    end_ms: int


def log_change(session: Session, before: CameraStateRow | None, camera: str, state: str, since_ms: int) -> None:
    """Append a change of state, given the row as it stood; the same state since the same time is no change.

    Where the last picture of a live camera is long past when the change comes, nobody watched it in between: that gap
    is logged as `silent`, so that a grabber that was off does not count as a camera that was live.
    """
    if before is not None and (before.state, before.since_ms) == (state, since_ms):
        return
    last = before.last_frame_ms if before is not None and before.state == "live" else None
    if last is not None and since_ms - last > SILENT_AFTER_MS:
        session.add(CameraStateLogRow(camera=camera, state=SILENT, since_ms=last + SILENT_AFTER_MS))
    session.add(CameraStateLogRow(camera=camera, state=state, since_ms=since_ms))
    old = (CameraStateLogRow.camera == camera, CameraStateLogRow.since_ms < since_ms - KEPT_MS)
    session.execute(sa.delete(CameraStateLogRow).where(*old), execution_options={"synchronize_session": False})


def spans(session: Session, start_ms: int, end_ms: int) -> Iterator[Span]:
    """Yield what is known of every camera within a time, in order; a state that began earlier is cut at the start.

    A camera that stands as live but gave no picture for a minute counts as silent since then. The time before a
    camera's first line is not known and yields nothing.
    """
    earlier = sa.select(sa.func.max(CameraStateLogRow.id)).where(CameraStateLogRow.since_ms < start_ms)
    query = sa.select(CameraStateLogRow.camera, CameraStateLogRow.state, CameraStateLogRow.since_ms).where(
        sa.or_(
            sa.and_(CameraStateLogRow.since_ms >= start_ms, CameraStateLogRow.since_ms < end_ms),
            CameraStateLogRow.id.in_(earlier.group_by(CameraStateLogRow.camera)),
        )
    )
    order = (CameraStateLogRow.camera, CameraStateLogRow.since_ms, CameraStateLogRow.id)
    rows = session.execute(query.order_by(*order)).all()
    last = {row.camera: row.last_frame_ms for row in session.scalars(sa.select(CameraStateRow))}
    for index, (camera, state, since_ms) in enumerate(rows):
        following = rows[index + 1] if index + 1 < len(rows) else None
        newest = following is None or following.camera != camera
        begin = max(since_ms, start_ms)
        end = end_ms if following is None or newest else min(following.since_ms, end_ms)
        told = last.get(camera)
        if newest and state == "live" and told is not None:
            seen = min(max(told + SILENT_AFTER_MS, begin), end)
            if seen < end:
                yield Span(camera, SILENT, seen, end)
            end = seen
        if end > begin:
            yield Span(camera, state, begin, end)
