"""How large a city's installation must be: formulas over the measured costs of a profile. Pure."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipeline.bench.page import table
from pipeline.bench.profile import Profile

PARTITIONS_STEP = 6
MB_PER_GB = 1000
DAY_S = 86_400


@dataclass(frozen=True)
class Sizing:
    """What a number of cameras needs. Rates are a second, memory and disk GB, money a month in the profile's currency.

    `areas` is the number of installations that the city must be split into: confirm is one worker each. `gpus` is None
    where no GPU was named; then the network runs on `detect_cores`.
    """

    cameras: int
    frames_per_s: float
    frames_mb_per_s: float
    observations_mb_per_s: float
    stream_mbit_per_s: float
    grab_cores: float
    detect_cores: float
    confirm_cores: float
    bus_cores: float
    other_cores: float
    cores: int
    servers: int
    gpus: int | None
    grab_processes: int
    detect_workers: int
    areas: int
    partitions: int
    brokers: int
    memory_gb: float
    disk_gb: float
    money: float

    @property
    def busy_cores(self) -> float:
        """Cores' worth of work, before any reserve."""
        return self.grab_cores + self.detect_cores + self.confirm_cores + self.bus_cores + self.other_cores

    @property
    def cameras_per_core(self) -> float:
        """Cameras a core of work."""
        return self.cameras / self.busy_cores


def size(profile: Profile, cameras: int, gpu_frames_per_s: float | None = None) -> Sizing:
    """Return what `cameras` need.

    Args:
        profile: Measured costs and choices.
        cameras: Number of cameras.
        gpu_frames_per_s: Frames a second that one GPU looks at, as `siaga bench` measures it; None plans CPUs alone.
    """
    cost, choice = profile.cost, profile.choice
    reserve = choice("utilisation")
    frames = cameras * choice("frames_per_camera_s")
    frames_mb, observations_mb = frames * cost("frame_bytes") / 1e6, frames * cost("observation_bytes") / 1e6
    each = cost("detect_frame") - (cost("detect_network") if gpu_frames_per_s else 0)
    detect = frames * each
    grab, confirm = cameras * cost("grab_camera"), frames * cost("confirm_observation")
    bus = (frames_mb + observations_mb) * cost("bus_mb") * choice("replication")
    areas = max(1, math.ceil(confirm / reserve))
    other = areas * (cost("alert") + cost("desk") + choice("database_cores"))
    brokers = _brokers(profile, frames_mb + observations_mb)
    workers, processes = math.ceil(detect / reserve), math.ceil(grab / reserve)
    cores = math.ceil((grab + detect + confirm + bus + other) / reserve)
    gpus = math.ceil(frames / (gpu_frames_per_s * reserve)) if gpu_frames_per_s else None
    memory = _memory_gb(profile, cameras, processes, workers, areas, brokers)
    disk = _disk_gb(profile, cameras, frames_mb, observations_mb)
    money = (
        cores * choice("price_core_month")
        + memory * choice("price_memory_gb_month")
        + disk * choice("price_disk_gb_month")
        + (gpus or 0) * choice("price_gpu_month")
    )
    return Sizing(
        cameras=cameras,
        frames_per_s=frames,
        frames_mb_per_s=frames_mb,
        observations_mb_per_s=observations_mb,
        stream_mbit_per_s=cameras * cost("stream_mbit"),
        grab_cores=grab,
        detect_cores=detect,
        confirm_cores=confirm,
        bus_cores=bus,
        other_cores=other,
        cores=cores,
        servers=math.ceil(cores / choice("server_cores")),
        gpus=gpus,
        grab_processes=processes,
        detect_workers=workers,
        areas=areas,
        partitions=max(1, math.ceil(workers / PARTITIONS_STEP)) * PARTITIONS_STEP,
        brokers=brokers,
        memory_gb=memory,
        disk_gb=disk,
        money=money,
    )


def _brokers(profile: Profile, mb_per_s: float) -> int:
    """Return the brokers: each copy of a MB is written once, and read once by a stage."""
    copies = profile.choice("replication") + 1
    speed = profile.cost("broker_mb_per_s") * profile.choice("utilisation")
    return max(round(profile.choice("least_brokers")), math.ceil(mb_per_s * copies / speed))


def _memory_gb(profile: Profile, cameras: int, grabs: int, workers: int, areas: int, brokers: int) -> float:
    cost, choice = profile.cost, profile.choice
    stages = grabs * cost("grab_mb") + cameras * cost("grab_camera_mb") + workers * cost("detect_mb")
    each_area = cost("confirm_mb") + cost("alert_mb") + cost("desk_mb") + choice("database_mb")
    return (stages + areas * each_area + brokers * choice("broker_mb")) / MB_PER_GB


def _disk_gb(profile: Profile, cameras: int, frames_mb: float, observations_mb: float) -> float:
    choice = profile.choice
    kept = frames_mb * choice("frames_retention_s")
    kept += observations_mb * choice("observations_retention_days") * DAY_S
    evidence = cameras * choice("evidence_mb_per_camera_day") * choice("evidence_days")
    return (kept * choice("replication") + evidence) / MB_PER_GB


ROWS: tuple[tuple[str, Callable[[Sizing], object]], ...] = (
    ("Frames a second", lambda s: f"{s.frames_per_s:,.0f}"),
    ("Streams in, Gbit/s", lambda s: f"{s.stream_mbit_per_s / 1000:,.1f}"),
    ("Frames onto the bus, MB/s", lambda s: f"{s.frames_mb_per_s:,.0f}"),
    ("Observations onto the bus, MB/s", lambda s: f"{s.observations_mb_per_s:,.1f}"),
    ("Partitions", lambda s: s.partitions),
    ("Brokers", lambda s: s.brokers),
    ("Cores of work: grab", lambda s: f"{s.grab_cores:,.1f}"),
    ("Cores of work: detect", lambda s: f"{s.detect_cores:,.1f}"),
    ("Cores of work: confirm", lambda s: f"{s.confirm_cores:,.2f}"),
    ("Cores of work: bus", lambda s: f"{s.bus_cores:,.1f}"),
    ("Cores of work: alert, desk, database", lambda s: f"{s.other_cores:,.1f}"),
    ("Cameras a core of work", lambda s: f"{s.cameras_per_core:,.1f}"),
    ("Cores with reserve", lambda s: f"{s.cores:,}"),
    ("Servers", lambda s: f"{s.servers:,}"),
    ("GPUs", lambda s: "none" if s.gpus is None else s.gpus),
    ("Grab processes", lambda s: f"{s.grab_processes:,}"),
    ("Detect workers", lambda s: f"{s.detect_workers:,}"),
    ("Installations (areas, one confirm each)", lambda s: s.areas),
    ("Memory, GB", lambda s: f"{s.memory_gb:,.0f}"),
    ("Disk, GB", lambda s: f"{s.disk_gb:,.0f}"),
    ("Money a month", lambda s: f"{s.money:,.0f}"),
    ("Money a camera and month", lambda s: f"{s.money / s.cameras:,.2f}"),
)
"""What the table says, in its order."""


def as_table(sizes: Sequence[Sizing]) -> str:
    """Return sizings side by side as a Markdown table."""
    header = ("Cameras", *(f"{one.cameras:,}" for one in sizes))
    return table(header, [(what, *(tell(one) for one in sizes)) for what, tell in ROWS])
