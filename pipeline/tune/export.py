"""`siaga tune export`: reviewed pictures as a data set that `ultralytics` and this project's training read.

The still of each incident with a verdict (or, where there is none, a decision), in YOLO layout: `images/`, `labels/`,
`manifest.csv` in the columns of the fire set, `data.yaml`. A picture of a false alarm has no boxes: it is a negative,
of the very camera that made it. Boxes of true incidents are the detector's own: look at them before you train on them.
"""

import csv
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from pipeline.bus.records import Detection
from pipeline.ops.errors import ConfigError
from pipeline.store.database import Database
from pipeline.store.evidence import EvidenceStore
from pipeline.store.incidents import record_of
from pipeline.store.reviews import verdicts_of
from pipeline.store.tables import EvidenceRow, IncidentRow
from pipeline.tune.detector_data import EVALUATED, LABELS
from pipeline.tune.truth import truth_of

log = structlog.get_logger(__name__)

COLUMNS = (
    "file",
    "source_repo",
    "source_path",
    "licence",
    "split",
    "content",
    "labelled_classes",
    "scene_group",
    "box_quality",
    "note",
)
SPLIT = "reviewed"
DATA_YAML = f"path: .\ntrain: images\nval: images\nnames: [{', '.join(LABELS)}]\n"


@dataclass(frozen=True)
class Exported:
    """What was written: pictures with and without boxes, and incidents left out, by reason."""

    positives: int
    negatives: int
    left_out: dict[str, int]


@dataclass(frozen=True)
class _Picture:
    """One still: its object, its incident's word."""

    key: str
    incident: str
    camera: str
    boxes: Sequence[Detection]
    true: bool
    reviewed: bool


def export_verdicts(database: Database, evidence: EvidenceStore, out: Path, reviewed_only: bool = True) -> Exported:
    """Write the reviewed pictures to a folder that does not exist yet or is empty.

    Args:
        database: Incidents, verdicts, decisions.
        evidence: Where the stills lie.
        out: The folder.
        reviewed_only: Leave out what only a duty officer decided: a hasty "bukan kejadian" is not a reviewed one.

    Raises:
        ConfigError: The folder holds something, or nothing was reviewed.
        StoreError: The evidence cannot be read.
    """
    if out.exists() and any(out.iterdir()):
        raise ConfigError(f"{out}: is not empty")
    with database.reading() as session:
        pictures, left_out = _pictures(session, reviewed_only)
    rows = [row for picture in pictures if (row := _write(picture, evidence, out, left_out)) is not None]
    if not rows:
        raise ConfigError("no picture has a verdict yet: review clips first (/tinjau)")
    with (out / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    (out / "data.yaml").write_text(DATA_YAML, encoding="utf-8")
    negatives = sum(row["content"] == "none" for row in rows)
    return Exported(len(rows) - negatives, negatives, left_out)


def _pictures(session: Session, reviewed_only: bool) -> tuple[list[_Picture], dict[str, int]]:
    """Return the stills whose incident is known to be true or false, and how many are not used, by reason."""
    incidents = {row.id: row for row in session.scalars(sa.select(IncidentRow)) if row.kind in EVALUATED}
    verdicts = verdicts_of(session, list(incidents))
    stills = sa.select(EvidenceRow).where(EvidenceRow.kind == "still", EvidenceRow.removed_ms.is_(None))
    found: list[_Picture] = []
    left_out: dict[str, int] = {}
    for still in session.scalars(stills.order_by(EvidenceRow.id)):
        row = incidents.get(still.incident_id)
        if row is None:
            continue
        said = [one.verdict for one in verdicts[row.id]]
        truth = truth_of(said, "waiting" if reviewed_only else row.decision)
        if truth not in ("true", "false"):
            left_out[truth] = left_out.get(truth, 0) + 1
            continue
        record = record_of(row)
        own = still.camera == row.camera
        if truth == "true" and not (own and record.boxes):
            left_out["no_boxes"] = left_out.get("no_boxes", 0) + 1
            continue
        found.append(_Picture(still.key, row.id, still.camera, record.boxes, truth == "true", bool(said)))
    return found, left_out


def _write(picture: _Picture, evidence: EvidenceStore, out: Path, left_out: dict[str, int]) -> dict[str, str] | None:
    """Write one picture with its labels; None where the still is gone."""
    try:
        content = evidence.get(picture.key)
    except FileNotFoundError:
        left_out["still_gone"] = left_out.get("still_gone", 0) + 1
        log.warning("export.still_gone", incident=picture.incident, key=picture.key)
        return None
    name = f"{picture.incident}_{picture.camera}.jpg"
    boxes = [box for box in picture.boxes if box.label in EVALUATED] if picture.true else []
    for folder in ("images", "labels"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    (out / "images" / name).write_bytes(content)
    (out / "labels" / name).with_suffix(".txt").write_text("".join(_lines(boxes)), encoding="utf-8")
    kinds = sorted({box.label for box in boxes})
    return dict(
        zip(
            COLUMNS,
            (
                name,
                "siaga",
                picture.key,
                "own cameras",
                SPLIT,
                "+".join(kinds) or "none",
                ";".join(EVALUATED),
                picture.camera,
                "D" if boxes else "",
                "verdict" if picture.reviewed else "decision",
            ),
            strict=True,
        )
    )


def _lines(boxes: Collection[Detection]) -> Iterator[str]:
    """Yield YOLO lines: class, centre x, y, width, height, 0..1."""
    for one in boxes:
        x1, y1, x2, y2 = one.box
        centre = (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1
        yield f"{LABELS.index(one.label)} " + " ".join(f"{value:.5f}" for value in centre) + "\n"
