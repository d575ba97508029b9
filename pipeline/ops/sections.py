"""The sections of `siaga.yaml`, one strict model each.

Unknown keys are refused. Durations carry their unit in the name (`_s` seconds), scores and shares are 0..1.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
"""A score or a share, 0..1."""
Seconds = Annotated[float, Field(gt=0)]
"""A duration in seconds, above zero."""
Kind = Literal["fire", "smoke", "flood", "brawl"]
"""What an incident is about."""


class Section(BaseModel):
    """Base of every section: unknown keys are errors, values do not change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CitySection(Section):
    """Who watches what."""

    name: str = "Jakarta"
    timezone: str = "Asia/Jakarta"
    cameras: str = Field("cameras.csv", description="Camera registry, relative to this file")
    kelurahan: str = Field("kelurahan.csv", description="Kelurahan with their official codes, relative to this file")
    place_radius_m: float = Field(75, ge=0, description="Cameras within this distance see the same place")


class EmbeddedBusSection(Section):
    """The broker that comes with Siaga."""

    enabled: bool = Field(True, description="Start the embedded broker with `siaga run`")
    dir: str = Field("var/bus", description="Where it keeps its log, relative to the data folder")


class BusSection(Section):
    """The message bus."""

    bootstrap_servers: str = "127.0.0.1:9092"
    embedded: EmbeddedBusSection = EmbeddedBusSection()
    partitions: int = Field(6, ge=1, le=1000)
    replication: int = Field(1, ge=1, le=5)
    frames_retention_s: Seconds = 600
    frames_retention_mb: float = Field(1024, gt=0, description="Bound of the frames topic over all partitions, MB")
    observations_retention_s: Seconds = 3 * 86400
    observations_retention_mb: float = Field(1024, gt=0)
    incidents_retention_s: Seconds = 30 * 86400


class GrabSection(Section):
    """Cameras in, sampled frames out."""

    floor_fps: float = Field(1.0, gt=0, le=30, description="Rate that is never gated, frames a second")
    activity_fps: float = Field(2.0, gt=0, le=30, description="Rate while something moves")
    burst_fps: float = Field(8.0, gt=0, le=30)
    burst_s: Seconds = 2.0
    bursts_per_minute: float = Field(30, ge=0, description="Burst budget of one process, over all its cameras")
    longest_side: int = Field(640, ge=64, le=4096, description="Sampled frames are scaled to this longest side, px")
    jpeg_quality: int = Field(85, ge=30, le=100)
    open_timeout_s: Seconds = 5
    read_timeout_s: Seconds = 4
    backoff_min_s: Seconds = 0.5
    backoff_max_s: Seconds = 8
    frozen_after_s: Seconds = Field(30, description="The same picture for this long is an outage")
    dark_after_s: Seconds = 20
    covered_after_s: Seconds = 20
    queue_frames: int = Field(
        4, ge=1, description="Sampled frames that may wait per camera; then the oldest is dropped"
    )
    in_flight_mb: float = Field(64, gt=0, description="Bytes handed to the bus and not yet acknowledged")
    ring_s: Seconds = Field(40, description="Seconds of encoded video kept per camera for clips")
    ring_mb: float = Field(24, gt=0)
    clip_before_s: Seconds = 10
    clip_after_s: Seconds = 20


class DetectSection(Section):
    """Frames in, observations out."""

    models: tuple[str, ...] = Field(("models/fire_smoke",), description="Model folders, each with a manifest.yaml")
    providers: tuple[str, ...] = Field((), description="onnxruntime providers in order; empty = best available")
    threads: int = Field(1, ge=1, le=64)
    batch: int = Field(0, ge=0, le=256, description="Frames a pass; 0 = 1 on CPU, 16 on GPU")
    workers: int = Field(1, ge=1, le=64, description="Detector processes started by `siaga run`")
    max_age_s: Seconds = Field(
        30, description="Activity and burst frames older than this are skipped and counted; floor frames never"
    )


class KindRule(Section):
    """When observations of one kind become an incident."""

    threshold: Share = Field(0.5, description="Score from which a frame speaks for the kind")
    close_threshold: Share = Field(0.25, description="Score below which a frame speaks against it (hysteresis)")
    window_s: Seconds = Field(8, description="Evidence older than this is forgotten")
    min_frames: int = Field(3, ge=1, description="Frames that must agree inside the window")
    min_span_s: float = Field(1.5, ge=0, description="Seconds that the agreeing frames must span")
    min_ratio: Share = Field(0.6, description="Share of the window's frames that must agree")
    min_evidence: float = Field(2.0, description="Sum of the agreeing frames' log-odds above the threshold's, in nats")
    min_iou: Share = Field(0.1, description="Boxes of agreeing frames must overlap at least this much, or be this near")
    close_after_s: Seconds = Field(30, description="Nothing seen for this long closes the incident")
    cooldown_s: float = Field(
        120, ge=0, description="After closing, the same camera reopens the same incident within this time"
    )
    update_every_s: Seconds = 10


class Schedule(Section):
    """Hours in which a kind is not raised, local time."""

    kind: Kind
    cameras: tuple[str, ...] = Field((), description="Camera ids; empty = all")
    start: str = Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    end: str = Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    reason: str


class CameraRule(Section):
    """Thresholds of one camera that differ from the kind's."""

    kind: Kind
    threshold: Share | None = None
    close_threshold: Share | None = None
    min_evidence: float | None = None


def _default_kinds() -> dict[Kind, KindRule]:
    """Return the kinds that the shipped model knows, with their default rules."""
    return {"fire": KindRule(), "smoke": KindRule()}


class ConfirmSection(Section):
    """Observations in, incidents out."""

    kinds: dict[Kind, KindRule] = Field(default_factory=_default_kinds)
    cameras: dict[str, tuple[CameraRule, ...]] = Field(default_factory=dict)
    quiet: tuple[Schedule, ...] = ()
    merge_window_s: Seconds = Field(
        120, description="Cameras of one place that see the same kind within this time make one incident"
    )
    min_quality: Share = Field(0.0, description="Frames of poorer picture quality are not evidence")


class StoreSection(Section):
    """What must not be lost."""

    url: str = Field(
        "sqlite:///var/siaga.db", description="SQLAlchemy URL; a relative SQLite path is under the data folder"
    )
    evidence: str = Field("var/evidence", description="Folder or s3://bucket/prefix for stills and clips")
    evidence_quota_mb: float = Field(20_000, gt=0)


class WebhookTarget(Section):
    """One receiver of signed incident notices."""

    name: str = Field(pattern=r"^[a-z0-9_-]{1,40}$")
    url: str = Field(pattern=r"^https?://")
    secret: str = Field(min_length=16, description="HMAC-SHA256 key; `env:NAME` reads it from the environment")
    kelurahan: tuple[str, ...] = Field((), description="Codes or code prefixes served by it; empty = all")
    kinds: tuple[Kind, ...] = ()
    timeout_s: Seconds = 5


class AlertSection(Section):
    """Incidents in, deliveries out."""

    webhooks: tuple[WebhookTarget, ...] = ()
    retry_min_s: Seconds = 1
    retry_max_s: Seconds = 300
    give_up_after_s: Seconds = 86400
    lease_s: Seconds = 30


class DeskSection(Section):
    """What people see."""

    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65535)
    session_hours: float = Field(12, gt=0)
    behind_tls: bool = Field(False, description="Mark session cookies Secure")
    language: Literal["id", "en"] = "id"


class OpsSection(Section):
    """Running it."""

    metrics_host: str = "127.0.0.1"
    metrics_port: int = Field(9464, ge=0, le=65535)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_json: bool = Field(True, description="JSON lines; false = readable text")
    stale_after_s: Seconds = Field(
        15, description="A stage whose input waits and whose output stood still this long is not healthy"
    )
