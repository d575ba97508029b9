"""The tables of where the next cameras go: needs, hotspots, plans, sites that were built, the log of camera states.

Times are UTC epoch ms, places degrees (WGS 84), bearings and angles degrees, distances m, money whole rupiah.
"""

from typing import Literal

from sqlalchemy import Double, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pipeline.store.tables import Base, Document, counter_type, json_type, ms_type

AskedBy = Literal["opd", "rt_rw"]
"""Who asks: an agency (OPD), or RT/RW through their kelurahan."""
NeedStatus = Literal["diajukan", "dikaji", "disetujui", "dipasang", "ditolak"]
PlanState = Literal["draft", "approved"]


class NeedRow(Base):
    """A request for a camera at a place. One that was merged names the request that stands for it in `merged_into`.

    `priority` is 1 (can wait) to 5 (most urgent), `batch` the import it came with (empty: entered by hand), `photo` a
    key in the evidence store, `status_reason` says why it was rejected.
    """

    __tablename__ = "needs"
    __table_args__ = (Index(None, "status"), Index(None, "batch"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(counter_type, primary_key=True, autoincrement=True)
    lat: Mapped[float] = mapped_column(Double)
    lng: Mapped[float] = mapped_column(Double)
    category: Mapped[str] = mapped_column(String(40))
    asked_by_kind: Mapped[AskedBy] = mapped_column(String(20))
    asked_by: Mapped[str] = mapped_column(String(120))
    kelurahan: Mapped[str] = mapped_column(String(20), index=True)
    reason: Mapped[str] = mapped_column(Text)
    photo: Mapped[str | None] = mapped_column(String(400))
    priority: Mapped[int]
    status: Mapped[NeedStatus] = mapped_column(String(20))
    status_reason: Mapped[str] = mapped_column(Text)
    merged_into: Mapped[int | None] = mapped_column(ForeignKey("needs.id"), index=True)
    batch: Mapped[str] = mapped_column(String(64))
    created_by: Mapped[str] = mapped_column(String(120))
    created_ms: Mapped[int] = mapped_column(ms_type)
    updated_ms: Mapped[int] = mapped_column(ms_type)


class NeedEventRow(Base):
    """One line of a need's history: who did what, when."""

    __tablename__ = "need_events"
    __table_args__ = (Index(None, "need_id", "id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(counter_type, primary_key=True, autoincrement=True)
    need_id: Mapped[int] = mapped_column(ForeignKey("needs.id", ondelete="CASCADE"))
    at_ms: Mapped[int] = mapped_column(ms_type)
    actor: Mapped[str] = mapped_column(String(120))
    what: Mapped[str] = mapped_column(String(40))
    detail: Mapped[Document] = mapped_column(json_type)


class HotspotRow(Base):
    """Something that happened at a place, told by a source that needs no camera: 112, JAKI, BPBD, the fire service."""

    __tablename__ = "hotspots"
    __table_args__ = (Index(None, "category", "at_ms"), Index(None, "batch"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(counter_type, primary_key=True, autoincrement=True)
    source: Mapped[str] = mapped_column(String(40))
    category: Mapped[str] = mapped_column(String(40))
    lat: Mapped[float] = mapped_column(Double)
    lng: Mapped[float] = mapped_column(Double)
    kelurahan: Mapped[str] = mapped_column(String(20))
    at_ms: Mapped[int] = mapped_column(ms_type)
    timed: Mapped[bool]
    weight: Mapped[float] = mapped_column(Double)
    batch: Mapped[str] = mapped_column(String(64))


class SitePlanRow(Base):
    """A plan as it was worked out: what was asked (`settings`) and what came out (`result`), both as JSON."""

    __tablename__ = "site_plans"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(counter_type, primary_key=True, autoincrement=True)
    name: Mapped[str] = mapped_column(String(120))
    author: Mapped[str] = mapped_column(String(120))
    created_ms: Mapped[int] = mapped_column(ms_type, index=True)
    budget: Mapped[str] = mapped_column(String(60))
    settings: Mapped[Document] = mapped_column(json_type)
    result: Mapped[Document] = mapped_column(json_type)
    state: Mapped[PlanState] = mapped_column(String(20))
    approved_by: Mapped[str | None] = mapped_column(String(120))
    approved_ms: Mapped[int | None] = mapped_column(ms_type)


class InstalledSiteRow(Base):
    """A camera that was built for a need or a plan; it counts as coverage until `camera` stands in the registry.

    `bearing` and `angle` are None where the view is not known: a circle of `range_m`.
    """

    __tablename__ = "installed_sites"
    __table_args__ = (UniqueConstraint("plan_id", "site"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(counter_type, primary_key=True, autoincrement=True)
    plan_id: Mapped[int | None] = mapped_column(ForeignKey("site_plans.id", ondelete="SET NULL"))
    site: Mapped[str | None] = mapped_column(String(120))
    camera: Mapped[str | None] = mapped_column(String(120), index=True)
    lat: Mapped[float] = mapped_column(Double)
    lng: Mapped[float] = mapped_column(Double)
    bearing: Mapped[float | None] = mapped_column(Double)
    angle: Mapped[float | None] = mapped_column(Double)
    range_m: Mapped[float] = mapped_column(Double)
    kelurahan: Mapped[str] = mapped_column(String(20))
    installed_by: Mapped[str] = mapped_column(String(120))
    installed_ms: Mapped[int] = mapped_column(ms_type)


class CameraStateLogRow(Base):
    """A change of a camera's state, append-only; `silent`: nobody told anything of it from then on."""

    __tablename__ = "camera_state_log"
    __table_args__ = (Index(None, "camera", "since_ms"), Index(None, "since_ms"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(counter_type, primary_key=True, autoincrement=True)
    camera: Mapped[str] = mapped_column(String(120))
    state: Mapped[str] = mapped_column(String(20))
    since_ms: Mapped[int] = mapped_column(ms_type)
