"""Clips in the evidence store, with their rows in the database."""

from pipeline.grab.clip import Clip
from pipeline.ops.clock import Clock, now_ms
from pipeline.store.database import Database
from pipeline.store.evidence import Evidence, EvidenceStore, keep_evidence, of_incident


class EvidenceShelf:
    """Keeps clips through `pipeline.store.evidence`; see `clips.Shelf`."""

    def __init__(self, database: Database, store: EvidenceStore, clock: Clock = now_ms) -> None:
        self._database, self._store, self._clock = database, store, clock

    def has_clip(self, incident_id: str, camera: str) -> bool:
        """Tell whether the clip's row is there; one that the quota removed counts: it is not made again.

        Raises:
            StoreError: The database does not answer.
        """
        with self._database.reading() as session:
            return of_incident(session, incident_id, camera, "clip") is not None

    def put_clip(self, incident_id: str, camera: str, clip: Clip) -> None:
        """Write the mp4 and its row.

        Raises:
            StoreError: One of them was not written.
        """
        evidence = Evidence(incident_id, camera, "clip", clip.made_from, clip.start_ms, clip.end_ms)
        keep_evidence(self._database, self._store, evidence, clip.data, self._clock())
