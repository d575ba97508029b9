"""Reading what a study needs: the registry, the log of states, needs, hotspots, incidents, verdicts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipeline.city.edits import apply_edits
from pipeline.city.registry import Registry, load_registry
from pipeline.ops.settings import Settings
from pipeline.siting.availability import availability, complete
from pipeline.siting.demand import DAY_MS, KIND_CATEGORY, Spot
from pipeline.siting.places import City, city_of
from pipeline.siting.study import Inputs
from pipeline.siting.tables import read_hotspots, read_needs
from pipeline.siting.views import View
from pipeline.store.camera_edits import read_edits
from pipeline.store.camera_log import spans
from pipeline.store.needs import OPEN, NewNeed, list_needs
from pipeline.store.review_tables import VerdictRow
from pipeline.store.siting import NewHotspot, list_hotspots, list_installed
from pipeline.store.siting_tables import HotspotRow, InstalledSiteRow, NeedRow
from pipeline.store.tables import EvidenceRow, IncidentRow

INCIDENT_YEARS = 3
TRUE_DECISIONS = ("accepted", "coordination", "disposition", "done")


@dataclass(frozen=True)
class Files:
    """Tables read from files instead of the database; None: the database's."""

    needs: Path | None = None
    hotspots: Path | None = None


def gather(settings: Settings, registry: Registry, session: Session | None, files: Files, now_ms: int) -> Inputs:
    """Read everything that a study needs.

    Args:
        settings: The configuration.
        registry: Cameras and kelurahan.
        session: The database for reading; None: files alone.
        files: Tables from files, which replace those of the database.
        now_ms: The moment of the study, epoch ms.

    Raises:
        ConfigError: A file has bad rows.
    """
    city = city_of(settings, registry.kelurahan)
    zone = settings.city.timezone
    built = list_installed(session) if session is not None else []
    views = cameras(registry, settings, built)
    start = now_ms - int(settings.siting.window_days * DAY_MS)
    known = availability(spans(session, start, now_ms), zone) if session is not None else {}
    live = complete(known, (view.id for view in views))
    spots = [*_requests(session, files, city), *_hotspots(session, files, city, zone, now_ms)]
    worth: dict[str, int] = {}
    if session is not None:
        spots += _incidents(session, registry, zone, now_ms)
        worth = verdicts_worth(session, now_ms - int(settings.siting.worth_days * DAY_MS))
    notes = _notes(views, known, spots, city)
    return Inputs(city, settings.siting, tuple(views), live, tuple(spots), worth, now_ms, tuple(notes))


def registry_of(settings: Settings, session: Session) -> Registry:
    """Return the registry of the file with what the desk changed laid over it.

    Raises:
        ConfigError: The file has bad rows.
    """
    return apply_edits(load_registry(settings), read_edits(session))[0]


def cameras(registry: Registry, settings: Settings, built: Iterable[InstalledSiteRow] = ()) -> list[View]:
    """Return the views of the registry's cameras and of built sites that the registry does not name yet."""
    usual = settings.siting.range_m
    found = [
        View(c.id, c.lat, c.lng, c.range_m or usual, c.kelurahan, c.bearing, c.angle) for c in registry.cameras.values()
    ]
    known = {view.id for view in found}
    found += [
        View(f"terpasang-{row.id}", row.lat, row.lng, row.range_m, row.kelurahan, row.bearing, row.angle)
        for row in built
        if row.camera is None or row.camera not in known
    ]
    return found


def _requests(session: Session | None, files: Files, city: City) -> list[Spot]:
    """Return the requests that still wait, from the file or the database."""
    needs: Sequence[NewNeed | NeedRow] = []
    if files.needs is not None:
        needs = read_needs(files.needs, city)
    elif session is not None:
        needs = list_needs(session, statuses=OPEN)
    return [
        Spot("request", str(need.id if isinstance(need, NeedRow) else number), need.asked_by, need.category, need.lat,
             need.lng, need.kelurahan, float(need.priority))
        for number, need in enumerate(needs, 1)
    ]  # fmt: skip


def _hotspots(session: Session | None, files: Files, city: City, zone: str, now_ms: int) -> list[Spot]:
    """Return the hotspots, from the file or the database."""
    found: Sequence[NewHotspot | HotspotRow] = []
    if files.hotspots is not None:
        found = read_hotspots(files.hotspots, city, zone, now_ms)
    elif session is not None:
        found = list_hotspots(session)
    return [
        Spot("hotspot", str(number), spot.source, spot.category, spot.lat, spot.lng, spot.kelurahan, spot.weight,
             spot.at_ms, _hour(spot.at_ms, zone) if spot.timed else None)
        for number, spot in enumerate(found, 1)
    ]  # fmt: skip


def _incidents(session: Session, registry: Registry, zone: str, now_ms: int) -> list[Spot]:
    """Return incidents that nobody called false, where their camera stands."""
    query = sa.select(IncidentRow.id, IncidentRow.kind, IncidentRow.camera, IncidentRow.opened_ms).where(
        IncidentRow.decision != "false_alarm", IncidentRow.opened_ms >= now_ms - INCIDENT_YEARS * 365 * DAY_MS,
        IncidentRow.opened_ms <= now_ms, IncidentRow.camera.in_(list(registry.cameras)),
    )  # fmt: skip
    return [
        Spot("incident", id_, "siaga", KIND_CATEGORY[kind], (c := registry.cameras[camera]).lat, c.lng, c.kelurahan,
             1.0, opened, _hour(opened, zone))
        for id_, kind, camera, opened in session.execute(query.order_by(IncidentRow.id))
    ]  # fmt: skip


def _hour(at_ms: int, zone: str) -> int:
    """Return the local hour of a moment."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(ZoneInfo(zone)).hour


def verdicts_worth(session: Session, since_ms: int) -> dict[str, int]:
    """Count, by camera, incidents that people accepted and clips that a reviewer called true since a moment."""
    found: dict[str, int] = {}
    incidents = sa.select(IncidentRow.camera, sa.func.count()).where(
        IncidentRow.decision.in_(TRUE_DECISIONS), IncidentRow.opened_ms >= since_ms
    )
    clips = (
        sa.select(EvidenceRow.camera, sa.func.count())
        .join(VerdictRow, VerdictRow.clip == EvidenceRow.id)
        .where(VerdictRow.verdict == "true", VerdictRow.at_ms >= since_ms)
    )
    for query in (incidents.group_by(IncidentRow.camera), clips.group_by(EvidenceRow.camera)):
        for camera, number in session.execute(query):
            found[camera] = found.get(camera, 0) + number
    return found


def _notes(views: Sequence[View], told: Mapping[str, object], spots: Sequence[Spot], city: City) -> list[str]:
    """Return what a reader should know of the data."""
    notes = []
    round_views = sum(view.bearing is None for view in views)
    if round_views:
        notes.append(f"{round_views} dari {len(views)} kamera tanpa arah di registri: dianggap melihat ke segala arah.")
    silent = sum(view.id not in told for view in views)
    if silent:
        taken = "dianggap selalu hidup" if not told else "dianggap seperti rata-rata kamera lain"
        notes.append(f"{silent} dari {len(views)} kamera tanpa catatan keadaan: {taken}.")
    if not any(spot.kind == "hotspot" for spot in spots):
        notes.append(
            "Tidak ada titik rawan: kejadian hanya diketahui di tempat yang sudah berkamera, bias tidak terkoreksi."
        )
    if not city.boundaries:
        notes.append(
            "Tanpa batas kelurahan: titik masuk kelurahan dengan pusat terdekat, luas wilayah tidak diketahui."
        )
    return notes
