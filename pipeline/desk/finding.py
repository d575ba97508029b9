"""The search form: what people type, as the store's criteria; and its results as CSV."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, get_args
from zoneinfo import ZoneInfo

from pipeline.city.registry import CATEGORIES, KINDS, Registry
from pipeline.desk.i18n import mark
from pipeline.desk.words import local
from pipeline.store.review_tables import Verdict, VerdictRow
from pipeline.store.search import Criteria
from pipeline.store.tables import Decision, IncidentRow

VERDICT_WORDS: Final[dict[str, str]] = mark({"true": "Benar", "false": "Bukan", "unsure": "Ragu"})
CATEGORY_WORDS: Final[dict[str, str]] = mark(
    {
        "rawan_kebakaran": "Rawan kebakaran",
        "rawan_banjir": "Rawan banjir",
        "rawan_tawuran": "Rawan tawuran",
        "taman_24_jam": "Taman 24 jam",
        "rt_rw": "RT/RW",
        "jalan": "Jalan",
        "fasilitas": "Fasilitas umum",
    }
)
COLUMNS = ("id", "kind", "opened", "closed", "camera", "place", "kelurahan_code", "kelurahan", "categories", "score",
           "decision", "decided_by", "decided", "note", "verdicts", "tags")  # fmt: skip
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")
LONGEST = 100


@dataclass(frozen=True)
class Form:
    """The fields as they were typed; unknown values of the lists, and what is no date, are left out."""

    kind: str = ""
    place: str = ""
    since: str = ""
    until: str = ""
    category: str = ""
    decision: str = ""
    verdict: str = ""
    text: str = ""

    @classmethod
    def of(cls, typed: Mapping[str, str]) -> "Form":
        """Take what was typed."""
        known = {
            "kind": KINDS,
            "category": CATEGORIES,
            "decision": get_args(Decision),
            "verdict": (*get_args(Verdict), "none"),
        }
        values = {name: str(typed.get(name, "")).strip()[:LONGEST] for name in cls.__dataclass_fields__}
        for name, allowed in known.items():
            values[name] = values[name] if values[name] in allowed else ""
        for name in ("since", "until"):
            values[name] = values[name] if _day(values[name]) else ""
        return cls(**values)

    @property
    def given(self) -> dict[str, str]:
        """The fields that are not empty."""
        return {name: value for name, value in self.__dict__.items() if value}

    def criteria(self, registry: Registry, zone: ZoneInfo) -> Criteria:
        """Return what the store looks for; names of places and categories are known to the registry alone."""
        cameras = None
        if self.place or self.category:
            cameras = [
                id_
                for id_, camera in registry.cameras.items()
                if (not self.category or self.category in camera.categories) and _lies(registry, id_, self.place)
            ]
        return Criteria(
            kind=self.kind or None,
            cameras=cameras,
            since_ms=_midnight(self.since, zone, 0),
            until_ms=_midnight(self.until, zone, 1),
            decision=self.decision or None,
            verdict=self.verdict or None,  # type: ignore[arg-type]
            text=self.text,
            text_cameras=[id_ for id_ in registry.cameras if self.text and _lies(registry, id_, self.text)],
        )


def _lies(registry: Registry, camera_id: str, place: str) -> bool:
    """Say whether a camera lies at a place: part of its name, or of its kelurahan's, kecamatan's or kota's, or code."""
    camera = registry.cameras[camera_id]
    ward = registry.kelurahan.get(camera.kelurahan)
    names = [camera.id, camera.name] + ([ward.name, ward.kecamatan, ward.kota] if ward else [])
    return camera.kelurahan.startswith(place) or any(place.lower() in name.lower() for name in names)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _midnight(text: str, zone: ZoneInfo, days: int) -> int | None:
    """Return the local midnight `days` after a day, epoch ms."""
    day = _day(text)
    if day is None or day.year < 1971 or day.year > 2099:
        return None
    return int(datetime.combine(day + timedelta(days=days), time(), zone).timestamp() * 1000)


def safe_cell(value: object) -> str:
    """Return a cell that no spreadsheet takes for a formula: what begins like one gets an apostrophe in front."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(DANGEROUS) else text


def csv_rows(rows: Iterable[tuple[IncidentRow, list[VerdictRow]]], registry: Registry, zone: ZoneInfo) -> Iterator[str]:
    """Yield the results as CSV (RFC 4180: CRLF, quotes where needed), line by line, with a heading; times are local."""
    yield _line(COLUMNS)
    for row, verdicts in rows:
        camera, ward = registry.cameras.get(row.camera), registry.kelurahan.get(row.kelurahan)
        yield _line(
            (
                row.id, row.kind, _iso(row.opened_ms, zone), _iso(row.closed_ms, zone), row.camera,
                camera.name if camera else "", row.kelurahan, ward.name if ward else "",
                ";".join(camera.categories) if camera else "", f"{row.score:.3f}", row.decision, row.decision_by,
                _iso(row.decision_ms, zone), row.decision_note,
                ";".join(f"{v.reviewer}:{v.verdict}" for v in verdicts),
                ";".join(sorted({tag for v in verdicts for tag in v.tags})),
            )
        )  # fmt: skip


def _iso(at_ms: int | None, zone: ZoneInfo) -> str:
    return local(at_ms, zone).isoformat(timespec="seconds") if at_ms is not None else ""


def _line(cells: Iterable[object]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([safe_cell(cell) for cell in cells])
    return out.getvalue()
