"""A city at bus level on this machine: its load through broker, confirm, alert, database and desk, as long as asked.

Cameras and networks are left out: they are measured by themselves, and scale by process. What is one for the whole
city (confirm, alert, database, desk) is measured under the whole city's load: lag, delays, memory and its growth.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import sqlalchemy as sa
import structlog

from pipeline.bench.brokers import apache, apache_missing, embedded
from pipeline.bench.city_load import Spec
from pipeline.bench.machine import describe_machine
from pipeline.bench.measure import cpu_s, memory_mb
from pipeline.bench.postgres import binaries, served
from pipeline.bench.serving import BenchError
from pipeline.bench.site import tail, total, write_site
from pipeline.bus.admin import ensure_topics
from pipeline.ops.machine import siaga_command
from pipeline.ops.settings import load_settings
from pipeline.store.database import open_database
from pipeline.store.tables import IncidentRow

log = structlog.get_logger(__name__)

STAGES = ("confirm", "alert", "desk")
FIRE_EVERY_S = 12.0
FIRE_S = 15.0
START_S = 90.0
DRAIN_S = 20.0
WARM_SHARE = 0.25
"""Growth is fitted after this share of the run: until then caches fill."""
PARTITIONS = 24


@dataclass(frozen=True)
class City:
    """The load: cameras, minutes, frames and observations a second and camera; which broker and database."""

    cameras: int = 1500
    minutes: float = 60
    frames: float = 0.2
    observations: float = 1.0
    embedded: bool = False
    sqlite: bool = False


@dataclass
class _Stage:
    process: "subprocess.Popen[bytes]"
    metrics_port: int
    log: Path
    desk_port: int

    def metrics(self) -> str:
        """Return its metrics; empty while it does not answer."""
        try:
            return httpx.get(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=10).text
        except httpx.HTTPError:
            return ""


@dataclass
class _Run:
    """What was seen while the load lasted: times in s since it began."""

    at_s: list[float] = field(default_factory=list)
    memory: dict[str, list[float]] = field(default_factory=dict)
    lag: dict[str, list[float]] = field(default_factory=dict)
    desk_ms: list[float] = field(default_factory=list)


def growth_mb_per_h(at_s: list[float], values: list[float]) -> float:
    """Return the slope of memory over time after the warm-up, MB an hour, by least squares; 0 with too few points."""
    first = int(len(at_s) * WARM_SHARE)
    if len(at_s) - first < 3:
        return 0.0
    return round(float(np.polyfit(np.asarray(at_s[first:]) / 3600, values[first:], 1)[0]), 2)


def measure_city(city: City) -> dict[str, Any]:
    """Run the load and return what it did.

    Raises:
        BenchError: Broker, database or a stage did not start, or a stage ended under the load.
    """
    result: dict[str, Any] = {"machine": describe_machine(), "city": asdict(city)}
    with tempfile.TemporaryDirectory(prefix="siaga-city-") as name, ExitStack() as stack:
        folder = Path(name)
        broker, address, broker_pid = stack.enter_context(_broker(city, folder / "bus"))
        store, url = stack.enter_context(_store(city))
        result |= {"broker": broker, "store": store}
        stages = stack.enter_context(_stages(city, folder, address, url))
        pids = {"broker": broker_pid, **{stage: item.process.pid for stage, item in stages.items()}}
        load, told = _load(city, folder, address)
        stack.callback(_end, load)
        _until(told.with_suffix(".began").exists, load, "the load did not start")
        before, began = {who: cpu_s(pid) for who, pid in pids.items()}, time.monotonic()
        run = _watch(city, pids, stages, began)
        took = time.monotonic() - began
        used = {who: round((cpu_s(pid) - before[who]) / took, 4) for who, pid in pids.items()}
        _end(load)
        sent = json.loads(told.read_text())
        drained_s = _drain(stages)
        result |= _summary(run, used, sent) | {"drained_s": drained_s}
        result["camera_to_alert_s"] = _alerts(folder / "confirm" / "siaga.yaml", folder / "data")
    return result


@contextmanager
def _broker(city: City, folder: Path) -> Iterator[tuple[str, str, int]]:
    """Run a broker; gives its name, address and process id."""
    if not city.embedded and not apache_missing():
        with apache(folder) as address:
            yield "apache kafka", address, int((folder / "kafka.pid").read_text())
    else:
        with embedded(folder) as address:
            yield "embedded", address, _listener(address)


def _listener(address: str) -> int:
    """Return the process id of the embedded broker: the one whose command names its module."""
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
            mine = int((entry / "stat").read_text().rpartition(")")[2].split()[1]) if words else 0
        except OSError:
            continue
        if b"pipeline.bus.embedded" in words and mine == os.getpid():
            return int(entry.name)
    raise BenchError(f"no embedded broker runs at {address}")


@contextmanager
def _store(city: City) -> Iterator[tuple[str, str]]:
    """Run a database; gives its name and URL."""
    programs = None if city.sqlite else binaries()
    if programs is None:
        yield "sqlite", "sqlite:///siaga.db"
    else:
        with served(programs) as server:
            yield "postgresql", server.url()


@contextmanager
def _stages(city: City, folder: Path, address: str, url: str) -> Iterator[dict[str, _Stage]]:
    """Run confirm, alert and desk as processes of their own, each with its own metrics."""
    urls = [f"file:///c{number:04}" for number in range(city.cameras)]
    bus = {"bootstrap_servers": address, "embedded": {"enabled": False}, "partitions": PARTITIONS}
    changes: dict[str, dict[str, Any]] = {"bus": bus | {"frames_retention_mb": 2048}, "store": {"url": url}}
    stages: dict[str, _Stage] = {}
    try:
        for name in STAGES:
            ports = write_site(folder / name, urls, Path("models/fire_smoke"), changes)
            config, text = folder / name / "siaga.yaml", folder / f"{name}.log"
            if name == STAGES[0]:
                ensure_topics(load_settings(config, folder / "data").bus)
            command = siaga_command(name, "--config", str(config), "--data", str(folder / "data"))
            with text.open("wb") as output:
                process = subprocess.Popen(command, stdout=output, stderr=output)
            stages[name] = _Stage(process, ports["metrics"], text, ports["desk"])
            _until(partial(_spoke, stages[name]), process, f"{name} did not start", text)
        yield stages
    finally:
        for stage in stages.values():
            _end(stage.process)


def _spoke(stage: _Stage) -> bool:
    """Whether a stage has told its health."""
    return total(stage.metrics(), "siaga_stage_ok") > 0


def _until(ready: Callable[[], object], process: "subprocess.Popen[bytes]", why: str, said: Path | None = None) -> None:
    """Wait until something is so; `said` is the log whose end is shown where it is not.

    Raises:
        BenchError: It was not in time, or the process ended.
    """
    deadline = time.monotonic() + START_S
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise BenchError(f"{why}; its log ends:\n{tail(said)}" if said else why)
        time.sleep(0.2)


def _load(city: City, folder: Path, address: str) -> tuple["subprocess.Popen[bytes]", Path]:
    """Start the load; returns its process and the file in which it says what it sent."""
    told, spec = folder / "sent.json", folder / "load.json"
    what = Spec(address, city.cameras, city.frames, city.observations, FIRE_EVERY_S, FIRE_S, str(told))
    spec.write_text(json.dumps(asdict(what)))
    return subprocess.Popen([sys.executable, "-m", "pipeline.bench.city_load", str(spec)]), told


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _watch(city: City, pids: dict[str, int], stages: dict[str, _Stage], began: float) -> _Run:
    """Look at everything now and then for as long as the load lasts.

    Raises:
        BenchError: A stage ended.
    """
    run, length = _Run(), city.minutes * 60
    every = min(5.0, max(0.5, length / 20))
    while (elapsed := time.monotonic() - began) < length:
        for name, stage in stages.items():
            if stage.process.poll() is not None:
                raise BenchError(f"{name} ended under the load; its log ends:\n{tail(stage.log)}")
        run.at_s.append(elapsed)
        for who, pid in pids.items():
            run.memory.setdefault(who, []).append(memory_mb(pid))
        for name, lag in _lags(stages).items():
            run.lag.setdefault(name, []).append(lag)
        run.desk_ms.append(_desk_ms(stages["desk"]))
        time.sleep(max(0.0, min(every, began + length - time.monotonic())))
    return run


def _lags(stages: dict[str, _Stage]) -> dict[str, float]:
    """Return the records that wait for confirm and for alert."""
    return {name: total(stages[name].metrics(), "siaga_stage_waiting_records") for name in ("confirm", "alert")}


def _desk_ms(desk: _Stage) -> float:
    """Return how long the desk takes to say how the system is, ms."""
    started = time.monotonic()
    httpx.get(f"http://127.0.0.1:{desk.desk_port}/healthz", timeout=30)
    return (time.monotonic() - started) * 1000


def _drain(stages: dict[str, _Stage]) -> float | None:
    """Return the seconds until nothing waits any more once the load is over; None when it did not come to that."""
    began = time.monotonic()
    while time.monotonic() - began < DRAIN_S:
        if not any(_lags(stages).values()):
            return round(time.monotonic() - began, 1)
        time.sleep(0.5)
    return None


def _summary(run: _Run, used: dict[str, float], sent: dict[str, Any]) -> dict[str, Any]:
    """Return rates, lag, memory with its growth, CPU and the desk's answers."""
    seconds = sent["seconds"]
    mb = (sent["frame_bytes"] + sent["observations"] * sent["observation_bytes"]) / 1e6
    return {
        "rates": {
            "frames_per_s": round(sent["frames"] / seconds, 1),
            "observations_per_s": round(sent["observations"] / seconds, 1),
            "mb_per_s": round(mb / seconds, 3),
            "frame_bytes": round(sent["frame_bytes"] / max(1, sent["frames"])),
            "observation_bytes": sent["observation_bytes"],
            "load_fell_behind_s": sent["behind_s"],
            "refused": sent["refused"],
        },
        "lag_records": {
            name: {"max": max(lags), "p95": _share(lags, 0.95), "end": lags[-1]} for name, lags in run.lag.items()
        },
        "memory_mb": {
            who: {
                "start": round(values[0], 1),
                "end": round(values[-1], 1),
                "max": round(max(values), 1),
                "growth_mb_per_h": growth_mb_per_h(run.at_s, values),
            }
            for who, values in run.memory.items()
        },
        "cpu_s_per_s": used,
        "desk_healthz_ms": {"p50": _share(run.desk_ms, 0.5), "p95": _share(run.desk_ms, 0.95)},
        "samples": len(run.at_s),
    }


def _share(values: list[float], share: float) -> float:
    """Return the value that `share` of them do not exceed."""
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2) if ordered else 0.0


def _alerts(config: Path, data: Path) -> dict[str, Any]:
    """Return seconds from the first evidence to the first notice of all incidents, and from the deciding frame on."""
    database = open_database(load_settings(config, data))
    try:
        with database.reading() as session:
            rows = session.scalars(sa.select(IncidentRow)).all()
            told = [row for row in rows if row.alerted_ms is not None]
            whole = [((row.alerted_ms or 0) - row.first_seen_ms) / 1000 for row in told]
            line = [((row.alerted_ms or 0) - row.opened_ms) / 1000 for row in told]
            count = len(rows)
    finally:
        database.close()
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
    return {
        "incidents": count,
        "alerted": len(whole),
        **{name: _share(whole, share) for name, share in shares.items()},
        "from_deciding_frame": {name: _share(line, share) for name, share in shares.items()},
    }
