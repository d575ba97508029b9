"""The sections of `siaga.yaml`, one strict model each.

Unknown keys are refused. Durations carry their unit in the name (`_s` seconds), scores and shares are 0..1.
"""

from typing import Annotated, Literal

from pydantic import Field

from pipeline.ops.alert_targets import Targets
from pipeline.ops.alert_targets import WebhookTarget as WebhookTarget
from pipeline.ops.desk_access import DeskAccess
from pipeline.ops.duty import DutySection, EscalationSection
from pipeline.ops.map_section import MapSection
from pipeline.ops.section import Kind as Kind
from pipeline.ops.section import Seconds as Seconds
from pipeline.ops.section import Section as Section
from pipeline.ops.section import Share as Share
from pipeline.ops.storm import StormSection
from pipeline.ops.upkeep import DrillSection, KeepSection


class CitySection(Section):
    """Who watches what."""

    name: str = Field("Jakarta", description="The city, as the desk names it")
    timezone: str = Field("Asia/Jakarta", description="Zone of schedules and of the clock on the desk")
    cameras: str = Field("cameras.csv", description="Camera registry, relative to this file")
    kelurahan: str = Field("kelurahan.csv", description="Kelurahan with their official codes, relative to this file")
    boundaries: str = Field(
        "", description="GeoJSON of the kelurahan (property kode), relative to this file; empty = their centroids"
    )
    place_radius_m: float = Field(75, ge=0, description="Cameras within this distance see the same place")


class EmbeddedBusSection(Section):
    """The broker that comes with Siaga."""

    enabled: bool = Field(True, description="Start the embedded broker with `siaga run`")
    dir: str = Field("bus", description="Where it keeps its log, relative to the data folder")


class BusSection(Section):
    """The message bus."""

    bootstrap_servers: str = Field(
        "127.0.0.1:9092", description="Brokers, comma separated; the embedded one listens on the first"
    )
    embedded: EmbeddedBusSection = Field(EmbeddedBusSection(), description="The broker that comes with Siaga")
    partitions: int = Field(
        6, ge=1, le=1000, description="Partitions of each topic when it is made; detectors share them"
    )
    replication: int = Field(1, ge=1, le=5, description="Copies of each partition; 3 on a city's Kafka cluster")
    frames_retention_s: Seconds = Field(600, description="How long sampled frames can be read back")
    frames_retention_mb: float = Field(1024, gt=0, description="Bound of the frames topic over all partitions, MB")
    observations_retention_s: Seconds = Field(259_200, description="How long observations can be replayed")
    observations_retention_mb: float = Field(1024, gt=0, description="Bound of the observations topic, MB")
    incidents_retention_s: Seconds = Field(
        2_592_000, description="How long incidents stay on the bus (the database keeps them)"
    )


def _default_floors() -> dict[Kind, float]:
    """Return the floor rates that differ: water rises in minutes, and its model looks every ten seconds."""
    return {"flood": 0.2}


class GrabSection(Section):
    """Cameras in, sampled frames out."""

    floor_fps: float = Field(1.0, gt=0, le=30, description="Rate that is never gated, frames a second")
    floors: dict[Kind, Annotated[float, Field(gt=0, le=30)]] = Field(
        default_factory=_default_floors,
        description="Floor rate by what a camera is watched for, instead of floor_fps; the highest of its kinds counts",
    )
    activity_fps: float = Field(2.0, gt=0, le=30, description="Rate while something moves")
    burst_fps: float = Field(8.0, gt=0, le=30, description="Rate within a burst")
    burst_s: Seconds = Field(2.0, description="Length of a burst")
    bursts_per_minute: float = Field(30, ge=0, description="Burst budget of one process, over all its cameras")
    longest_side: int = Field(640, ge=64, le=4096, description="Sampled frames are scaled to this longest side, px")
    jpeg_quality: int = Field(85, ge=30, le=100, description="Quality of the sampled JPEG")
    open_timeout_s: Seconds = Field(5, description="A camera that does not answer within this time is lost")
    read_timeout_s: Seconds = Field(4, description="A stream that stands still this long is lost (HLS: 20 s at least)")
    backoff_min_s: Seconds = Field(0.5, description="First wait before a lost camera is tried again")
    backoff_max_s: Seconds = Field(8, description="Longest wait between two tries, for ever")
    frozen_after_s: Seconds = Field(30, description="The same picture for this long is an outage")
    dark_after_s: Seconds = Field(20, description="A black picture for this long is an outage")
    covered_after_s: Seconds = Field(20, description="A picture without detail for this long is an outage")
    queue_frames: int = Field(
        4, ge=1, description="Sampled frames that may wait per camera; then the oldest is dropped"
    )
    in_flight_mb: float = Field(64, gt=0, description="Bytes handed to the bus and not yet acknowledged")
    ring_s: Seconds = Field(40, description="Seconds of encoded video kept per camera for clips")
    ring_mb: float = Field(24, gt=0, description="Bound of that memory per camera, MB")
    clip_before_s: Seconds = Field(10, description="Seconds of a clip before the incident opened")
    clip_after_s: Seconds = Field(20, description="Seconds of a clip after the incident opened")


class DetectSection(Section):
    """Frames in, observations out."""

    models: tuple[str, ...] = Field(
        ("models/fire_smoke", "models/flood"), description="Model folders, each with a manifest.yaml"
    )
    providers: tuple[str, ...] = Field((), description="onnxruntime providers in order; empty = best available")
    threads: int = Field(1, ge=1, le=64, description="Threads of one model session on CPU")
    batch: int = Field(0, ge=0, le=256, description="Frames a pass; 0 = 1 on CPU, 16 on GPU")
    workers: int = Field(1, ge=1, le=64, description="Detector processes started by `siaga run`")
    max_age_s: Seconds = Field(
        30, description="Activity and burst frames older than this are skipped and counted; floor frames never"
    )
    overload_after_s: Seconds = Field(
        3, description="A frame that waited longer means overload: activity frames go, at three times this bursts too"
    )
    min_score: Share = Field(0.05, description="Lower scores are not looked at")
    min_box_score: Share = Field(0.1, description="Boxes below this are not kept in observations; their score still is")
    max_boxes: int = Field(50, ge=1, le=1000, description="Boxes of one observation, best first")


class KindRule(Section):
    """When observations of one kind become an incident."""

    threshold: Share = Field(0.5, description="Score from which a frame speaks for the kind")
    close_threshold: Share = Field(0.25, description="Score below which a frame speaks against it (hysteresis)")
    window_s: Seconds = Field(8, description="Evidence older than this is forgotten")
    min_frames: int = Field(3, ge=1, description="Frames that must agree inside the window")
    min_span_s: float = Field(1.5, ge=0, description="Seconds that the agreeing frames must span")
    min_ratio: Share = Field(0.6, description="Share of the window's frames that must agree")
    min_evidence: float = Field(2.0, description="Sum of the agreeing frames' log-odds above the threshold's, in nats")
    min_iou: Share = Field(0.1, description="Boxes of agreeing frames must overlap at least this much, or be near")
    strong_frames: int = Field(2, ge=1, description="Frames that are enough when the evidence is overwhelming")
    strong_span_s: float = Field(0.9, ge=0, description="Seconds that overwhelming evidence must span")
    strong_evidence: float = Field(7.0, description="Evidence that counts as overwhelming, in nats")
    rigid_factor: float = Field(
        1.0, ge=1, description="What neither flickers, grows nor wanders needs this many times the evidence"
    )
    close_after_s: Seconds = Field(30, description="Nothing seen for this long closes the incident")
    cooldown_s: float = Field(
        120, ge=0, description="After closing, the same camera reopens the same incident within this time"
    )
    update_every_s: Seconds = Field(10, description="An open incident is updated at most this often")
    rise_per_minute: float = Field(
        0.02, gt=0, description="Water whose share of the street grows this much a minute is rising"
    )
    rise_factor: float = Field(
        1.0, gt=0, le=1, description="Rising water needs only this share of frames, time and evidence"
    )


class Schedule(Section):
    """Hours in which a kind is not raised, local time."""

    kind: Kind = Field(description="The kind that is not raised")
    cameras: tuple[str, ...] = Field((), description="Camera ids; empty = all")
    start: str = Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="From, HH:MM")
    end: str = Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="Until, HH:MM; may lie past midnight")
    reason: str = Field(description="Why, as the counters and logs name it")


class CameraRule(Section):
    """Thresholds of one camera that differ from the kind's."""

    kind: Kind = Field(description="The kind that these values are for")
    threshold: Share | None = Field(None, description="Instead of the kind's threshold")
    close_threshold: Share | None = Field(None, description="Instead of the kind's close_threshold")
    min_evidence: float | None = Field(None, description="Instead of the kind's min_evidence")


def _default_kinds() -> dict[Kind, KindRule]:
    """Return the kinds that the shipped model knows, with their default rules."""
    return {
        "fire": KindRule(threshold=0.4, close_threshold=0.2, min_evidence=2.5, rigid_factor=2),
        "smoke": KindRule(threshold=0.45, close_threshold=0.2, min_evidence=3),
        "flood": KindRule(
            threshold=0.85,
            close_threshold=0.5,
            window_s=180,
            min_frames=6,
            min_span_s=60,
            min_ratio=0.7,
            min_evidence=4,
            strong_frames=4,
            strong_span_s=30,
            strong_evidence=9,
            close_after_s=600,
            cooldown_s=1800,
            update_every_s=60,
            rise_factor=0.5,
        ),
    }


class ConfirmSection(Section):
    """Observations in, incidents out."""

    kinds: dict[Kind, KindRule] = Field(default_factory=_default_kinds, description="Rules by kind")
    cameras: dict[str, tuple[CameraRule, ...]] = Field(
        default_factory=dict, description="Thresholds by camera id: a list of rules each"
    )
    quiet: tuple[Schedule, ...] = Field((), description="Hours in which a kind is not raised")
    merge_window_s: Seconds = Field(
        120, description="Cameras of one place that see the same kind within this time make one incident"
    )
    min_quality: Share = Field(0.0, description="Frames of poorer picture quality are not evidence")
    silent_grace_s: Seconds = Field(
        20, description="A camera that went silent closes its incident this long after `close_after_s`"
    )
    burst_every_s: Seconds = Field(15, description="A candidate of one camera asks for a burst at most this often")
    bursts_per_minute: float = Field(60, ge=0, description="Bursts asked for in the whole city")
    memory_after_s: Seconds = Field(
        7200, description="What stands still at one place for this long in sum is always there (a lamp)"
    )
    memory_days: float = Field(7, gt=0, description="What was not seen again for this long is forgotten")


class StoreSection(Section):
    """What must not be lost."""

    url: str = Field(
        "sqlite:///siaga.db", description="SQLAlchemy URL; a relative SQLite path is under the data folder"
    )
    evidence: str = Field(
        "evidence", description="Folder (relative to the data folder) or s3://bucket/prefix for stills and clips"
    )
    evidence_quota_mb: float = Field(
        20_000, gt=0, description="Above it, evidence of closed and reviewed incidents goes, oldest first, MB"
    )


class AlertSection(Targets):
    """Incidents in, deliveries out."""

    retry_min_s: Seconds = Field(1, description="First wait before a failed delivery is tried again")
    retry_max_s: Seconds = Field(300, description="Longest wait between two tries")
    give_up_after_s: Seconds = Field(86_400, description="A notice undelivered this long is put aside and shown")
    lease_s: Seconds = Field(30, description="A delivery not reported back within this time is tried by another worker")
    update_every_s: float = Field(
        30, ge=0, description="After a notice was sent, updates of that incident wait this long; a closing never does"
    )
    storm: StormSection = Field(StormSection(), description="When many incidents become one digest")
    duty: DutySection = Field(DutySection(), description="Agencies that get copies")
    escalation: EscalationSection = Field(EscalationSection(), description="When an undecided incident is overdue")
    drill: DrillSection = Field(DrillSection(), description="The weekly drill (latihan), docs/alerts.md")
    keep: KeepSection = Field(KeepSection(), description="How long rows of incidents that are over are kept")


class DeskSection(DeskAccess):
    """What people see."""

    host: str = Field("127.0.0.1", description="Address that the desk listens on")
    port: int = Field(8080, ge=0, le=65535, description="Port of the desk")
    session_hours: float = Field(12, gt=0, description="A sign-in lasts this long")
    behind_tls: bool = Field(False, description="Mark session cookies Secure")
    language: Literal["id", "en"] = Field("id", description="Language of the desk before somebody chooses")
    shifts: tuple[Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")], ...] = Field(
        ("07:00", "15:00", "23:00"), min_length=1, description="When shifts change (HH:MM), for the handover page"
    )
    map: MapSection = Field(MapSection(), description="Maps on the desk and on the public page")


class OpsSection(Section):
    """Running it."""

    metrics_host: str = Field("127.0.0.1", description="Address that metrics are served on")
    metrics_port: int = Field(9464, ge=0, le=65535, description="Port of the metrics of all stages together")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged")
    log_json: bool = Field(True, description="JSON lines; false, or on a terminal, readable text")
    stale_after_s: Seconds = Field(
        15, description="A stage whose input waits and whose output stood still this long is not healthy"
    )
