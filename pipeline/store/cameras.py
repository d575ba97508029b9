"""Camera states, as the grabbers tell them and the desk shows them."""

from dataclasses import dataclass, field
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipeline.store.camera_log import log_change
from pipeline.store.tables import CameraStateRow, Document


class CameraStateLike(Protocol):
    """What a grabber says of a camera; `state` is connecting, live, frozen, dark, covered or lost."""

    @property
    def camera(self) -> str:
        """Camera id."""

    @property
    def state(self) -> str:
        """Name of the state."""

    @property
    def since_ms(self) -> int:
        """When it came into this state, epoch ms."""

    @property
    def reason(self) -> str:
        """Why, without credentials."""

    @property
    def last_frame_ms(self) -> int | None:
        """When the last frame arrived, epoch ms."""

    @property
    def detail(self) -> Any:
        """Anything else worth showing, a mapping that JSON can hold."""


@dataclass(frozen=True)
class CameraState:
    """A camera's state as stored; times are epoch ms."""

    camera: str
    state: str
    since_ms: int
    reason: str = ""
    last_frame_ms: int | None = None
    detail: Document = field(default_factory=dict)


def save_state(session: Session, state: CameraStateLike) -> None:
    """Write the state of one camera over the one before; a change goes into the log, too."""
    before = session.get(CameraStateRow, state.camera)
    log_change(session, before, state.camera, str(state.state), state.since_ms)
    session.merge(
        CameraStateRow(
            camera=state.camera,
            state=str(state.state),
            since_ms=state.since_ms,
            reason=state.reason,
            last_frame_ms=state.last_frame_ms,
            detail=dict(state.detail or {}),
        )
    )
    session.flush()


def brief_states(session: Session) -> dict[str, tuple[str, str]]:
    """Return state and reason of every camera by its id, and nothing else: this is asked twice a second."""
    query = sa.select(CameraStateRow.camera, CameraStateRow.state, CameraStateRow.reason)
    return {camera: (state, reason) for camera, state, reason in session.execute(query)}


def list_states(session: Session) -> dict[str, CameraState]:
    """Return the last known state of every camera by its id."""
    rows = session.scalars(sa.select(CameraStateRow).order_by(CameraStateRow.camera))
    return {
        row.camera: CameraState(row.camera, row.state, row.since_ms, row.reason, row.last_frame_ms, row.detail)
        for row in rows
    }
