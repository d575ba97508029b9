"""Stills and clips: the objects (a local folder or S3) and their rows."""

import hashlib
import os
from dataclasses import dataclass
from urllib.parse import quote

import obstore
import sqlalchemy as sa
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url
from prometheus_client import Counter
from sqlalchemy.orm import Session

from pipeline.ops.errors import ConfigError, StoreError
from pipeline.ops.redact import redact_text
from pipeline.ops.settings import Settings
from pipeline.store.database import Database
from pipeline.store.tables import EvidenceKind, EvidenceRow, MadeFrom
from pipeline.store.timeline import add_event, take_turn

_WRITTEN = Counter("siaga_store_evidence_total", "Stills and clips by outcome", ["kind", "outcome"])
_Failed = (BaseError, OSError, ValueError, TypeError)  # the last two: a key that is no path


@dataclass(frozen=True)
class Evidence:
    """What is kept: of which incident and camera, made from what, and the time it shows (epoch ms)."""

    incident_id: str
    camera: str
    kind: EvidenceKind
    made_from: MadeFrom
    start_ms: int
    end_ms: int

    @property
    def key(self) -> str:
        """Where it lies: `stills/<incident>/<camera>.jpg`, `clips/<incident>/<camera>.mp4`."""
        folder, suffix = ("stills", "jpg") if self.kind == "still" else ("clips", "mp4")
        return f"{folder}/{quote(self.incident_id, safe='')}/{quote(self.camera, safe='')}.{suffix}"


class EvidenceStore:
    """Objects by key, in a folder (under the data folder) or a bucket (`s3://bucket/prefix`, AWS credentials)."""

    def __init__(self, settings: Settings) -> None:
        place = settings.store.evidence
        try:
            if "://" in place:
                self._store: ObjectStore = from_url(place)
            else:
                self._store = LocalStore(settings.data_path(place), mkdir=True)
        except _Failed as error:
            raise ConfigError(f"store.evidence: {redact_text(place)}: {_say(error)}") from error

    def put(self, key: str, content: bytes) -> None:
        """Write an object, whole or not at all.

        Raises:
            StoreError: It was not written (disk full, bucket away).
        """
        try:
            obstore.put(self._store, key, content)
        except _Failed as error:
            raise StoreError(f"{key}: not written: {_say(error)}") from error

    def get(self, key: str) -> bytes:
        """Read an object.

        Raises:
            FileNotFoundError: There is none of this key.
            StoreError: It cannot be read.
        """
        try:
            return bytes(obstore.get(self._store, key).bytes())
        except FileNotFoundError:
            raise
        except _Failed as error:
            raise StoreError(f"{key}: not read: {_say(error)}") from error

    def get_range(self, key: str, start: int, end: int) -> bytes:
        """Read the bytes `start` to `end` (exclusive) of an object; fewer where it ends before.

        Raises:
            FileNotFoundError: There is none of this key.
            StoreError: It cannot be read, or begins behind its end.
        """
        try:
            return bytes(obstore.get_range(self._store, key, start=start, end=end))
        except FileNotFoundError:
            raise
        except _Failed as error:
            raise StoreError(f"{key}: not read: {_say(error)}") from error

    def size(self, key: str) -> int | None:
        """Return the bytes of an object, None when there is none.

        Raises:
            StoreError: The store does not answer.
        """
        try:
            return int(obstore.head(self._store, key)["size"])
        except FileNotFoundError:
            return None
        except _Failed as error:
            raise StoreError(f"{key}: not read: {_say(error)}") from error

    def exists(self, key: str) -> bool:
        """Whether there is an object of this key."""
        return self.size(key) is not None

    def delete(self, key: str) -> None:
        """Remove an object; that it is gone already is no error.

        Raises:
            StoreError: It cannot be removed.
        """
        try:
            obstore.delete(self._store, key)
        except FileNotFoundError:
            return
        except _Failed as error:
            raise StoreError(f"{key}: not removed: {_say(error)}") from error


def record_evidence(session: Session, evidence: Evidence, content: bytes, at_ms: int) -> EvidenceRow:
    """Write the row of an object that has been put, and its line in the timeline; a second row replaces the first."""
    take_turn(session)
    row = of_incident(session, evidence.incident_id, evidence.camera, evidence.kind)
    again = row is not None
    if row is None:
        row = EvidenceRow(incident_id=evidence.incident_id, camera=evidence.camera, kind=evidence.kind)
        session.add(row)
    row.key, row.made_from = evidence.key, evidence.made_from
    row.sha256, row.bytes = hashlib.sha256(content).hexdigest(), len(content)
    row.start_ms, row.end_ms, row.created_ms = evidence.start_ms, evidence.end_ms, at_ms
    row.removed_ms = row.removed_reason = None
    session.flush()
    if not again:
        detail = {"kind": row.kind, "camera": row.camera, "made_from": row.made_from, "bytes": row.bytes}
        add_event(session, row.incident_id, at_ms, "evidence", detail)
    return row


def keep_evidence(database: Database, store: EvidenceStore, evidence: Evidence, content: bytes, at_ms: int) -> None:
    """Put an object and write its row; a failure is counted and said in the timeline before it is raised.

    Raises:
        StoreError: The object or its row was not written.
    """
    try:
        store.put(evidence.key, content)
    except StoreError as error:
        _WRITTEN.labels(evidence.kind, "failed").inc()
        reason = str(error)
        detail = {"kind": evidence.kind, "camera": evidence.camera, "reason": reason}
        database.transact(lambda s: add_event(s, evidence.incident_id, at_ms, "evidence_failed", detail))
        raise
    database.transact(lambda session: record_evidence(session, evidence, content, at_ms))
    _WRITTEN.labels(evidence.kind, "kept").inc()


def of_incident(session: Session, incident_id: str, camera: str, kind: EvidenceKind) -> EvidenceRow | None:
    """Return the row of one still or clip."""
    query = sa.select(EvidenceRow).where(EvidenceRow.incident_id == incident_id)
    return session.scalar(query.where(EvidenceRow.camera == camera, EvidenceRow.kind == kind))


def list_evidence(session: Session, incident_id: str) -> list[EvidenceRow]:
    """Return the stills and clips of an incident, removed ones too (`removed_ms` is set), oldest first."""
    query = sa.select(EvidenceRow).where(EvidenceRow.incident_id == incident_id).order_by(EvidenceRow.id)
    return list(session.scalars(query))


def _say(error: BaseException) -> str:
    """Say an error of the object store in one line; what follows "Debug source" is for its developers."""
    text = str(error).split("Debug source")[0] or os.strerror(getattr(error, "errno", None) or 5)
    return redact_text(" ".join(text.split()))[:300]
