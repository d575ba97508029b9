"""What the public reads: confirmed incidents as plain sentences, cameras, a map. Nothing about people."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipeline.city.registry import Camera, Kelurahan, Registry
from pipeline.desk.context import is_simulated, place_of
from pipeline.desk.i18n import mark
from pipeline.desk.publicview.watch import Picture
from pipeline.ops.public_section import PublicSection
from pipeline.store.tables import IncidentRow
from pipeline.store.timeline import Event, events_of

UNDER_WAY: Final = ("accepted", "disposition")
CONFIRMED: Final = (*UNDER_WAY, "done")
"""Decisions that can be told: Proses and Selesai; Disposisi where it was accepted before."""
MOST = 50
WIDTH, HEIGHT, EDGE = 1000, 620, 60
"""The map's drawing area and the empty edge in it, in its own units."""
HAPPENS: Final[dict[str, str]] = mark(
    {
        "fire": "Kebakaran di {place}, Kel. {ward}.",
        "smoke": "Asap tebal di {place}, Kel. {ward}.",
        "flood": "Banjir di {place}, Kel. {ward}.",
        "brawl": "Keributan di {place}, Kel. {ward}.",
    }
)
ADVICE: Final[dict[str, str]] = mark(
    {
        "fire": "Hindari {street}. Beri jalan untuk mobil pemadam.",
        "smoke": "Hindari {street}. Tutup jendela bila asap mendekat.",
        "flood": "Hindari {street}. Jangan menerobos genangan.",
        "brawl": "Hindari {street}. Cari jalan lain.",
    }
)


@dataclass(frozen=True)
class Told:
    """A confirmed incident: texts of the catalogue with what fills them; epoch ms; `x`, `y` on the map."""

    kind: str
    text: str
    advice: str
    values: Mapping[str, str]
    confirmed_ms: int
    ended_ms: int | None
    simulated: bool
    lat: float
    lng: float
    x: float
    y: float


@dataclass(frozen=True)
class Seen:
    """A public camera with its picture, if there is one that may be shown; `x`, `y` on the map."""

    id: str
    name: str
    ward: str
    simulated: bool
    captured_ms: int | None
    stale: bool
    lat: float
    lng: float
    x: float
    y: float


@dataclass(frozen=True)
class Chart:
    """Where degrees lie on the map: north is up, a degree of longitude is shortened by the latitude."""

    lat: float
    lng: float
    scale: float

    @classmethod
    def around(cls, places: Sequence[tuple[float, float]]) -> "Chart":
        """Return the chart that holds all places `(lat, lng)`."""
        lats, lngs = [lat for lat, _ in places] or [0.0], [lng for _, lng in places] or [0.0]
        lat, lng = (min(lats) + max(lats)) / 2, (min(lngs) + max(lngs)) / 2
        wide = max(0.02, (max(lngs) - min(lngs)) * math.cos(math.radians(lat)))
        high = max(0.0124, max(lats) - min(lats))
        return cls(lat, lng, min((WIDTH - 2 * EDGE) / wide, (HEIGHT - 2 * EDGE) / high))

    def at(self, lat: float, lng: float) -> tuple[float, float]:
        """Return where a place lies, in the map's units."""
        east = (lng - self.lng) * math.cos(math.radians(self.lat))
        return round(WIDTH / 2 + east * self.scale, 1), round(HEIGHT / 2 - (lat - self.lat) * self.scale, 1)


def confirmed(session: Session, public: PublicSection, now: int) -> list[IncidentRow]:
    """Return the incidents that the public is told of: confirmed, not taken back in time, not long over."""
    settled = now - int(public.confirmed_after_s * 1000)
    recent = now - int(public.ended_for_s * 1000)
    query = sa.select(IncidentRow).where(
        IncidentRow.decision.in_(CONFIRMED),
        sa.or_(IncidentRow.decision.in_(UNDER_WAY), IncidentRow.decision_ms >= recent),
    )
    rows = session.scalars(query.order_by(IncidentRow.opened_ms.desc()).limit(4 * MOST)).all()
    since = {row.id: standing_since(events_of(session, row.id)) for row in rows}
    return [row for row in rows if (since[row.id] or now) <= settled][:MOST]


def standing_since(events: Sequence[Event]) -> int | None:
    """Return since when an officer's confirmation stands, epoch ms; None where none does. Pure.

    A forward alone confirms nothing, and takes nothing back: who accepted first has confirmed. Whatever else follows,
    an undo too, ends it.
    """
    since: int | None = None
    for event in events:
        if event.what != "decided" or event.detail["to"] == "disposition":
            continue
        since = (since or event.at_ms) if event.detail["to"] in ("accepted", "done") else None
    return since


def tell(registry: Registry, chart: Chart, row: IncidentRow) -> Told:
    """Return an incident in words. A camera that is not public gives its street, but not where it hangs."""
    camera, ward = registry.cameras.get(row.camera), _ward(registry, row.kelurahan)
    place = place_of(camera) if camera else ward.name
    spot = (camera.lat, camera.lng) if camera and camera.public else (ward.lat, ward.lng)
    x, y = chart.at(*spot)
    return Told(
        kind=row.kind,
        text=HAPPENS[row.kind],
        advice=ADVICE[row.kind],
        values={"place": place, "street": place.split("·")[0].strip(), "ward": ward.name},
        confirmed_ms=row.decision_ms or row.opened_ms,
        ended_ms=row.decision_ms if row.decision == "done" else None,
        simulated=is_simulated(camera),
        lat=spot[0],
        lng=spot[1],
        x=x,
        y=y,
    )


def places_of(registry: Registry, rows: Sequence[IncidentRow]) -> list[tuple[float, float]]:
    """Return every place that the map has to show."""
    wards = (_ward(registry, row.kelurahan) for row in rows)
    return [(c.lat, c.lng) for c in public_cameras(registry)] + [(w.lat, w.lng) for w in wards if w.lat or w.lng]


def public_cameras(registry: Registry) -> list[Camera]:
    """Return the cameras marked public, by name."""
    return sorted((c for c in registry.cameras.values() if c.public), key=lambda c: (place_of(c), c.id))


def see(
    registry: Registry, chart: Chart, camera: Camera, picture: Picture | None, public: PublicSection, now: int
) -> Seen:
    """Return a camera as the public sees it."""
    x, y = chart.at(camera.lat, camera.lng)
    at = picture.captured_ms if picture is not None else None
    return Seen(
        id=camera.id,
        name=place_of(camera),
        ward=_ward(registry, camera.kelurahan).name,
        simulated=is_simulated(camera),
        captured_ms=at,
        stale=at is not None and now - at > public.stale_after_s * 1000,
        lat=camera.lat,
        lng=camera.lng,
        x=x,
        y=y,
    )


def _ward(registry: Registry, code: str) -> Kelurahan:
    return registry.kelurahan.get(code, Kelurahan(code, code, "", "", 0, 0))
