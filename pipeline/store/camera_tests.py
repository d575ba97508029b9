"""Tests of cameras: the desk asks, a grab process opens the camera and writes what it saw, the desk shows it."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipeline.store.admin_tables import CameraTestRow

KEPT_MS = 15 * 60_000
"""How long a test is kept: its picture is not masked, and is seen by who may draw the mask only."""
MOST_WAITING = 5
"""Tests that may wait at a time: whoever asks for more waits for those first."""


@dataclass(frozen=True)
class Asked:
    """A test that a process has taken: open `url`. It may hold a password."""

    id: int
    camera: str
    url: str


def ask_test(session: Session, camera: str, url: str, by: str, at_ms: int) -> int | None:
    """Ask for a camera to be opened; returns the test's number, or None while too many wait."""
    prune_tests(session, at_ms)
    waiting = sa.select(sa.func.count()).select_from(CameraTestRow).where(CameraTestRow.state == "waiting")
    if (session.scalar(waiting) or 0) >= MOST_WAITING:
        return None
    row = CameraTestRow(camera=camera, url=url, state="waiting", asked_by=by, asked_ms=at_ms, message="")
    session.add(row)
    session.flush()
    return row.id


def waits(session: Session) -> bool:
    """Say whether a test waits to be taken."""
    return session.scalar(sa.select(CameraTestRow.id).where(CameraTestRow.state == "waiting").limit(1)) is not None


def take_test(session: Session, at_ms: int) -> Asked | None:
    """Take the oldest test that waits, so that no other process does; None when there is none."""
    oldest = sa.select(CameraTestRow.id).where(CameraTestRow.state == "waiting").order_by(CameraTestRow.id).limit(1)
    row = session.get(CameraTestRow, session.scalar(oldest.with_for_update(skip_locked=True)) or -1)
    if row is None:
        return None
    row.state, row.taken_ms = "running", at_ms
    return Asked(row.id, row.camera, row.url)


def finish_test(session: Session, number: int, ok: bool, message: str, picture: bytes | None, at_ms: int) -> None:
    """Write what was found, and forget the address."""
    row = session.get(CameraTestRow, number)
    if row is not None:
        row.state, row.ok, row.message, row.picture, row.done_ms, row.url = "done", ok, message, picture, at_ms, ""


def get_test(session: Session, number: int) -> CameraTestRow | None:
    """Return a test."""
    return session.get(CameraTestRow, number)


def newest_picture(session: Session, camera: str, by: str, since_ms: int) -> int | None:
    """Return the number of a person's newest test of a camera that has a picture."""
    query = sa.select(CameraTestRow.id).where(
        CameraTestRow.camera == camera,
        CameraTestRow.asked_by == by,
        CameraTestRow.picture.is_not(None),
        CameraTestRow.asked_ms > since_ms,
    )
    return session.scalar(query.order_by(CameraTestRow.id.desc()).limit(1))


def prune_tests(session: Session, at_ms: int) -> None:
    """Remove the tests, with their addresses and pictures, that are too old to be looked at."""
    session.execute(sa.delete(CameraTestRow).where(CameraTestRow.asked_ms < at_ms - KEPT_MS))
