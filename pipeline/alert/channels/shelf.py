"""What a channel takes from the store: stills, and what became of earlier notices. Opened at the first use."""

import threading
import time

from sqlalchemy.orm import Session

from pipeline.ops.errors import StoreError
from pipeline.ops.settings import Settings
from pipeline.store.database import Database, open_database
from pipeline.store.evidence import EvidenceStore
from pipeline.store.outbox import of_incident
from pipeline.store.tables import Document, EvidenceRow, OutboxRow

LOOK_EVERY_S = 0.1
PATIENCE_S = 2.0
"""How long a notice waits for its still while that is being fetched: it is there within a fraction of a second."""


class Shelf:
    """The store as one channel sees it; one thread uses it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._database: Database | None = None
        self._evidence: EvidenceStore | None = None

    @property
    def database(self) -> Database:
        """The database, opened now if need be."""
        if self._database is None:
            self._database = open_database(self._settings)
        return self._database

    def earlier(self, row: OutboxRow) -> list[Document]:
        """Return the receipts of what this target took of the same incident before, oldest first."""
        with self.database.reading() as session:
            rows = of_incident(session, row.incident_id)
        mine = [one for one in rows if one.target == row.target and one.id != row.id and one.state == "sent"]
        before = [one for one in mine if one.notice != "digest"]  # that message is of many incidents
        return [one.receipt for one in before if one.receipt is not None]

    def still(self, incident_id: str, camera: str, patience_s: float = PATIENCE_S) -> bytes | None:
        """Return the JPEG of an incident, of this camera if there is one; None when there is none.

        Waits up to `patience_s` while it is still being fetched. A store that does not answer costs the picture, not
        the notice.
        """
        until = time.monotonic() + patience_s
        while True:
            try:
                with self.database.reading() as session:
                    key, coming = _still_of(session, incident_id, camera)
                if key is not None:
                    return self._bytes(key)
            except (StoreError, OSError):
                return None
            if not coming or time.monotonic() >= until:
                return None
            threading.Event().wait(LOOK_EVERY_S)

    def _bytes(self, key: str) -> bytes:
        """Read a still."""
        if self._evidence is None:
            self._evidence = EvidenceStore(self._settings)
        return self._evidence.get(key)

    def close(self) -> None:
        """Close the database."""
        if self._database is not None:
            self._database.close()
        self._database = self._evidence = None


def _still_of(session: Session, incident_id: str, camera: str) -> tuple[str | None, bool]:
    """Return where the still lies, and whether one is on its way."""
    rows = (
        session.query(EvidenceRow)
        .filter_by(incident_id=incident_id, kind="still", removed_ms=None)
        .order_by(EvidenceRow.id)
        .all()
    )
    if rows:
        return next((row.key for row in rows if row.camera == camera), rows[0].key), False
    waiting = [row for row in of_incident(session, incident_id) if row.notice == "still"]
    return None, any(row.state in ("pending", "leased") and row.attempts <= 1 for row in waiting)
