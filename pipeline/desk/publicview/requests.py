"""What citizens read of the requests for cameras: RT/RW, kelurahan, category, status. No names, places or reasons."""

import re
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipeline.desk.i18n import mark
from pipeline.store.siting_tables import NeedRow

MOST = 200
SAID: Final[dict[str, str]] = mark(
    {
        "diajukan": "Permintaan {who} sudah diterima.",
        "dikaji": "Permintaan {who} sedang dikaji.",
        "disetujui": "Permintaan {who} disetujui.",
        "dipasang": "Permintaan {who}: kamera sudah dipasang.",
        "ditolak": "Permintaan {who} tidak dapat dipenuhi.",
    }
)
RESIDENTS = mark("warga")
AGENCY = mark("instansi kota")
_PART = re.compile(r"\b(RT|RW)\s*[./]?\s*(\d{1,3})\b", re.IGNORECASE)


@dataclass(frozen=True)
class Wish:
    """A request as the public reads it: a text of the catalogue with `{who}`; `named` is RT/RW, else a text for it."""

    text: str
    who: str
    named: bool
    kelurahan: str
    category: str
    at_ms: int


def asker(kind: str, told: str) -> tuple[str, bool]:
    """Return who asked in public words: `RT 05/RW 02` where the form says so, never what else somebody wrote there."""
    if kind != "rt_rw":
        return AGENCY, False
    parts = [f"{name.upper()} {number.zfill(2)}" for name, number in _PART.findall(told)]
    return ("/".join(dict.fromkeys(parts[:2])), True) if parts else (RESIDENTS, False)


def wishes(session: Session) -> list[Wish]:
    """Return the newest requests, without those that were merged into others."""
    query = sa.select(NeedRow).where(NeedRow.merged_into.is_(None)).order_by(NeedRow.updated_ms.desc(), NeedRow.id)
    return [
        Wish(SAID[row.status], *asker(row.asked_by_kind, row.asked_by), row.kelurahan, row.category, row.updated_ms)
        for row in session.scalars(query.limit(MOST))
    ]
