"""Hotspots, plans and sites that were built."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipeline.ops.errors import StoreError
from pipeline.store.needs import set_status
from pipeline.store.siting_tables import HotspotRow, InstalledSiteRow, NeedRow, SitePlanRow
from pipeline.store.tables import Document


@dataclass(frozen=True)
class NewHotspot:
    """Something that happened; `timed`: the hour of `at_ms` (epoch ms) is known, not only the day."""

    source: str
    category: str
    lat: float
    lng: float
    kelurahan: str
    at_ms: int
    timed: bool
    weight: float = 1.0


@dataclass(frozen=True)
class NewSite:
    """A camera as it was built: place and view in degrees, range in m; bearing and angle None: all around.

    `plan_id` and `site` name the site of a plan, where it comes from one; `camera` its id in the registry, once known.
    """

    lat: float
    lng: float
    range_m: float
    kelurahan: str
    bearing: float | None = None
    angle: float | None = None
    plan_id: int | None = None
    site: str | None = None
    camera: str | None = None


def add_hotspots(session: Session, hotspots: Iterable[NewHotspot], batch: str) -> int:
    """Keep the hotspots of one import (`batch` is the sha256 of its file); nothing when it is known already.

    Returns:
        How many were written.
    """
    if session.scalar(sa.select(HotspotRow.id).where(HotspotRow.batch == batch).limit(1)) is not None:
        return 0
    rows = [{**spot.__dict__, "batch": batch} for spot in hotspots]
    if rows:
        session.execute(sa.insert(HotspotRow), rows)
    return len(rows)


def list_hotspots(session: Session, since_ms: int = 0, until_ms: int | None = None) -> list[HotspotRow]:
    """Return the hotspots of a time, `until_ms` excluded, by id."""
    query = sa.select(HotspotRow).where(HotspotRow.at_ms >= since_ms).order_by(HotspotRow.id)
    return list(session.scalars(query if until_ms is None else query.where(HotspotRow.at_ms < until_ms)))


def hotspot_sources(session: Session) -> dict[str, int]:
    """Return how many hotspots each source told."""
    query = sa.select(HotspotRow.source, sa.func.count()).group_by(HotspotRow.source).order_by(HotspotRow.source)
    return {row[0]: row[1] for row in session.execute(query)}


def save_plan(
    session: Session, name: str, author: str, budget: str, settings: Document, result: Document, at_ms: int
) -> SitePlanRow:
    """Keep a plan as a draft."""
    row = SitePlanRow(
        name=name, author=author, created_ms=at_ms, budget=budget, settings=settings, result=result, state="draft",
        approved_by=None, approved_ms=None,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def get_plan(session: Session, plan_id: int) -> SitePlanRow | None:
    """Return a plan."""
    return session.get(SitePlanRow, plan_id)


def list_plans(session: Session, limit: int = 100) -> list[SitePlanRow]:
    """Return the newest plans first."""
    return list(session.scalars(sa.select(SitePlanRow).order_by(SitePlanRow.id.desc()).limit(limit)))


def approve_plan(session: Session, plan_id: int, needs: Sequence[int], actor: str, at_ms: int) -> list[int]:
    """Approve a plan and the requests that it answers; those that are settled or merged already stay as they are.

    Args:
        session: A writing session.
        plan_id: The plan.
        needs: The requests that its sites answer.
        actor: Who approves.
        at_ms: When, epoch ms.

    Returns:
        The requests that became `disetujui`.

    Raises:
        StoreError: The plan is unknown or approved already.
    """
    plan = session.get(SitePlanRow, plan_id)
    if plan is None:
        raise StoreError(f"rencana {plan_id}: tidak dikenal")
    if plan.state == "approved":
        raise StoreError(f"rencana {plan_id}: sudah disetujui")
    plan.state, plan.approved_by, plan.approved_ms = "approved", actor, at_ms
    rows = session.scalars(sa.select(NeedRow).where(NeedRow.id.in_(needs)).order_by(NeedRow.id))
    moved = [row.id for row in rows if row.merged_into is None and row.status in ("diajukan", "dikaji")]
    for need_id in moved:
        set_status(session, need_id, "disetujui", actor, at_ms, f"rencana {plan_id}: {plan.name}")
    session.flush()
    return moved


def install_site(session: Session, site: NewSite, needs: Sequence[int], actor: str, at_ms: int) -> InstalledSiteRow:
    """Note that a camera was built; from now on it counts as coverage. The requests become `dipasang`.

    Raises:
        StoreError: This site of this plan was built already.
        NeedError: A request is not `disetujui`.
    """
    if site.plan_id is not None and site.site is not None:
        same = sa.select(InstalledSiteRow.id).where(
            InstalledSiteRow.plan_id == site.plan_id, InstalledSiteRow.site == site.site
        )
        if session.scalar(same) is not None:
            raise StoreError(f"rencana {site.plan_id}: lokasi {site.site} sudah dipasang")
    row = InstalledSiteRow(**site.__dict__, installed_by=actor, installed_ms=at_ms)
    session.add(row)
    session.flush()
    for need_id in dict.fromkeys(needs):
        set_status(session, need_id, "dipasang", actor, at_ms, f"lokasi terpasang {row.id}")
    return row


def name_camera(session: Session, site_id: int, camera: str) -> None:
    """Say which camera of the registry a built site has become; the registry's row then counts instead.

    Raises:
        StoreError: The site is unknown.
    """
    row = session.get(InstalledSiteRow, site_id)
    if row is None:
        raise StoreError(f"lokasi terpasang {site_id}: tidak dikenal")
    row.camera = camera


def list_installed(session: Session) -> list[InstalledSiteRow]:
    """Return the sites that were built, by id."""
    return list(session.scalars(sa.select(InstalledSiteRow).order_by(InstalledSiteRow.id)))
