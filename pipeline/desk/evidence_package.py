"""The evidence package of an incident: one zip, made while it is sent; `manifest.json` has a sha256 of every file."""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from sqlalchemy.orm import Session

from pipeline.bus.records import Incident, ModelRef
from pipeline.desk.context import Desk, is_simulated, place_of
from pipeline.desk.package_check import FORMAT, MANIFEST
from pipeline.ops.settings import Settings
from pipeline.store.evidence import list_evidence
from pipeline.store.incidents import record_of
from pipeline.store.review_tables import VerdictRow
from pipeline.store.reviews import verdicts_of
from pipeline.store.scores import Points, scores_of
from pipeline.store.tables import EvidenceRow, IncidentRow
from pipeline.store.timeline import Event, events_of

CHUNK = 256 * 1024
ZIP_TIME = (1980, 1, 1, 0, 0, 0)
"""Times are in the files; a fixed one here makes the same package byte for byte the same."""


class PackageError(Exception):
    """A still or clip cannot be read, or is not what was stored: a package without it would be a false one."""


@dataclass(frozen=True)
class Contents:
    """What goes into a package: small files by name, then stills and clips by name with their rows."""

    files: Mapping[str, bytes]
    media: Mapping[str, EvidenceRow]
    incident: str
    made_ms: int
    made_by: str


@dataclass(frozen=True)
class Facts:
    """What the store knows of one incident."""

    row: IncidentRow
    record: Incident
    events: list[Event]
    evidence: list[EvidenceRow]
    scores: Mapping[str, Points]
    verdicts: list[VerdictRow]


def read_facts(session: Session, row: IncidentRow) -> Facts:
    """Read all that a package tells."""
    return Facts(
        row, record_of(row), events_of(session, row.id), list_evidence(session, row.id),
        scores_of(session, row.id), verdicts_of(session, [row.id])[row.id],
    )  # fmt: skip


def model_of(settings: Settings, model: ModelRef | None) -> dict[str, Any] | None:
    """Return the model as the incident's record names it, with the whole sha256 where its manifest is still here.

    The record carries the first 8 digits; a manifest of the same name and version whose sha256 begins otherwise is
    another model, and then `sha256` is None.
    """
    if model is None:
        return None
    whole = None
    for folder in settings.detect.models:
        try:
            manifest = yaml.safe_load((settings.model_path(folder) / "manifest.yaml").read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError):
            continue
        said = manifest if isinstance(manifest, dict) else {}
        same = (said.get("name"), str(said.get("version"))) == (model.name, model.version)
        if same and str(said.get("sha256", "")).startswith(model.sha8):
            whole = str(said["sha256"])
    return {"name": model.name, "version": model.version, "sha8": model.sha8, "sha256": whole}


def contents_of(desk: Desk, facts: Facts, made_by: str) -> Contents:
    """Put together what goes into the package of an incident."""
    row, record, now = facts.row, facts.record, desk.clock()
    camera, ward = desk.registry.cameras.get(row.camera), desk.registry.kelurahan.get(row.kelurahan)
    told = {
        "incident": record.model_dump(mode="json", by_alias=True),
        "place": place_of(camera) if camera else row.camera,
        "kelurahan": ward.name if ward else row.kelurahan,
        "simulated": is_simulated(camera),
        "decision": {"what": row.decision, "by": row.decision_by, "at_ms": row.decision_ms, "note": row.decision_note},
        "model": model_of(desk.settings, record.model),
    }
    events = [{"at_ms": e.at_ms, "actor": e.actor, "what": e.what, "detail": e.detail} for e in facts.events]
    scores = {
        "highest": row.score,
        "witnesses": {witness.camera: witness.score for witness in record.witnesses},
        "over_time": {name: [list(point) for point in points] for name, points in facts.scores.items()},
    }
    verdicts = [
        {"clip": v.clip, "reviewer": v.reviewer, "verdict": v.verdict, "tags": v.tags, "at_ms": v.at_ms}
        for v in facts.verdicts
    ]
    files = {
        "kejadian.json": told,
        "skor.json": scores,
        "saksi.json": [witness.model_dump(mode="json") for witness in record.witnesses],
        "urutan.json": events,
        "tinjauan.json": verdicts,
    }
    media = {e.key: e for e in facts.evidence if e.removed_ms is None}
    return Contents({name: _json(value) for name, value in files.items()}, media, row.id, now, made_by)


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


class _Pipe(io.RawIOBase):
    """What the zip is written into, emptied after every piece: nothing but that piece is ever in memory."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        """Say yes; it cannot be read or wound back."""
        return True

    def write(self, data: Any) -> int:
        """Take a piece."""
        self._pieces.append(bytes(data))
        return len(data)

    def drain(self) -> bytes:
        """Return what was written since the last time."""
        data, self._pieces = b"".join(self._pieces), []
        return data


class Package:
    """A package on its way. After the last piece `manifest_sha256` names it for the audit."""

    def __init__(self, desk: Desk, contents: Contents) -> None:
        self._desk, self._contents = desk, contents
        self.manifest_sha256 = ""

    def stream(self) -> Iterator[bytes]:
        """Yield the zip piece by piece.

        Raises:
            PackageError: A file cannot be read or differs from its stored sha256; the zip then has no end and no
                manifest, so that nobody takes it for a whole one.
        """
        pipe, listed = _Pipe(), []
        with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as archive:
            for name, pieces, stored in self._members():
                digest, size = hashlib.sha256(), 0
                with archive.open(_entry(name), "w", force_zip64=True) as member:
                    for piece in pieces:
                        digest.update(piece)
                        size += len(piece)
                        member.write(piece)
                        yield pipe.drain()
                if stored is not None and digest.hexdigest() != stored:
                    raise PackageError(f"{name}: is not what was stored")
                listed.append({"name": name, "bytes": size, "sha256": digest.hexdigest()})
                yield pipe.drain()
            manifest = self._manifest(listed)
            self.manifest_sha256 = hashlib.sha256(manifest).hexdigest()
            archive.writestr(_entry(MANIFEST), manifest)
        yield pipe.drain()

    def _manifest(self, listed: list[dict[str, Any]]) -> bytes:
        """Return the manifest, which lists every other file."""
        told = self._contents
        head = {"format": FORMAT, "incident": told.incident, "made_ms": told.made_ms, "made_by": told.made_by}
        return _json({**head, "files": listed})

    def _members(self) -> Iterator[tuple[str, Iterable[bytes], str | None]]:
        """Yield name, pieces, and the sha256 that they must have."""
        for name, data in self._contents.files.items():
            yield name, [data], None
        for name, row in self._contents.media.items():
            yield name, self._read(row), row.sha256

    def _read(self, row: EvidenceRow) -> Iterator[bytes]:
        """Read a still or clip in pieces."""
        try:
            for start in range(0, row.bytes, CHUNK):
                yield self._desk.evidence.get_range(row.key, start, min(start + CHUNK, row.bytes))
        except FileNotFoundError as error:
            raise PackageError(f"{row.key}: is not there") from error


def _entry(name: str) -> zipfile.ZipInfo:
    """Return the entry of a file: stored as it is, since pictures and video do not shrink."""
    entry = zipfile.ZipInfo(name, ZIP_TIME)
    entry.compress_type, entry.external_attr = zipfile.ZIP_STORED, 0o644 << 16
    return entry
