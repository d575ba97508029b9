"""A whole line under load: `siaga run` in a process of its own on cameras of the bench, and what its stages use."""

import math
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa
import yaml

from pipeline.bench.measure import children, cpu_s, memory_mb
from pipeline.bench.serving import BenchError
from pipeline.ops.machine import free_port, siaga_command
from pipeline.ops.settings import load_settings
from pipeline.ops.supervisor import INSTANCE
from pipeline.store.database import open_database
from pipeline.store.tables import IncidentRow

KELURAHAN = "kode,nama,kecamatan,kota,lat,lng\n31.71.01.1001,Gambir,Gambir,Jakarta Pusat,-6.17,106.83\n"
COLUMNS = "id,name,url,kelurahan,lat,lng,categories,owner,kinds,masks,public\n"
STEP_DEG = 0.002
"""About 220 m: no two cameras see one place."""
BUCKET = re.compile(r'siaga_camera_to_alert_seconds_bucket\{[^}]*le="([^"]+)"[^}]*\} (\S+)')


@dataclass(frozen=True)
class Alert:
    """Seconds from the first frame of the evidence to the frame that tipped it, and from there to the notice.

    The first part is how long the rules wait to be sure; the second is what the line takes.
    """

    evidence_s: float
    line_s: float


@dataclass
class Site:
    """A running `siaga run`."""

    process: "subprocess.Popen[bytes]"
    ports: dict[str, int]
    config: Path
    data: Path
    log: Path

    def used(self) -> dict[str, float]:
        """Return the CPU seconds that each process of the line has used, the supervisor included."""
        return {name: cpu_s(pid) for name, pid in self._pids().items()}

    def memory(self) -> dict[str, int]:
        """Return the resident memory of each process, MB."""
        return {name: round(memory_mb(pid)) for name, pid in self._pids().items()}

    def _pids(self) -> dict[str, int]:
        return {"supervisor": self.process.pid, **children(self.process.pid, INSTANCE)}

    def metrics(self) -> str:
        """Return all stages' metrics together; empty while nobody answers."""
        try:
            return httpx.get(f"http://127.0.0.1:{self.ports['metrics']}/metrics", timeout=20).text
        except httpx.HTTPError:
            return ""

    def count(self, name: str, labels: str = "") -> float:
        """Return the sum of a metric over all its labels that hold `labels`."""
        return total(self.metrics(), name, labels)

    def wait(self, ready: Callable[[], bool], patience_s: float, what: str) -> None:
        """Wait for something to become true.

        Raises:
            BenchError: It did not in time, or the line ended.
        """
        deadline = time.monotonic() + patience_s
        while not ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise BenchError(f"the line: no {what} within {patience_s:g} s; its log ends:\n{tail(self.log)}")
            time.sleep(0.5)

    def alerts(self) -> dict[str, Alert]:
        """Return how long the first notice of each incident took, by camera."""
        database = open_database(load_settings(self.config, self.data))
        try:
            with database.reading() as session:
                rows = session.scalars(sa.select(IncidentRow).where(IncidentRow.alerted_ms.is_not(None))).all()
                return {row.camera: _alert(row) for row in rows}
        finally:
            database.close()


def _alert(row: IncidentRow) -> Alert:
    alerted_ms = row.alerted_ms or 0
    return Alert((row.opened_ms - row.first_seen_ms) / 1000, (alerted_ms - row.opened_ms) / 1000)


def tail(file: Path, characters: int = 1500) -> str:
    """Return the end of a text file."""
    return file.read_text(errors="replace")[-characters:] if file.exists() else ""


def total(metrics: str, name: str, labels: str = "") -> float:
    """Return the sum of a metric's samples whose labels hold `labels`."""
    found = re.findall(rf"^{name}(?:\{{([^}}]*)\}})? (\S+)$", metrics, re.MULTILINE)
    return sum(float(value) for given, value in found if labels in given)


def quantile(metrics: str, share: float) -> float | None:
    """Return a quantile of `siaga_camera_to_alert_seconds`, linear within its bucket; None where nothing was counted.

    What lies above the highest bound counts as that bound.
    """
    counts: dict[float, float] = {}
    for bound, count in BUCKET.findall(metrics):
        counts[float(bound)] = counts.get(float(bound), 0) + float(count)
    wanted = share * counts.get(math.inf, 0)
    if not wanted:
        return None
    low, below = 0.0, 0.0
    for bound, count in sorted(counts.items()):
        if count >= wanted:
            return round(low if math.isinf(bound) else low + (bound - low) * (wanted - below) / (count - below), 2)
        low, below = bound, count
    return low


def write_site(folder: Path, urls: Sequence[str], model: Path, changes: dict[str, dict[str, Any]]) -> dict[str, int]:
    """Write configuration and registry of a line on these cameras; return its ports."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        f"{url.rpartition('/')[2]},Bench,{url},31.71.01.1001,{-6.2 + n * STEP_DEG},106.8,jalan,Bench,fire;smoke,,\n"
        for n, url in enumerate(urls)
    ]
    (folder / "cameras.csv").write_text(COLUMNS + "".join(rows))
    (folder / "kelurahan.csv").write_text(KELURAHAN)
    ports = {name: free_port() for name in ("bus", "desk", "metrics")}
    values: dict[str, dict[str, Any]] = {
        "bus": {"bootstrap_servers": f"127.0.0.1:{ports['bus']}"},
        "desk": {"port": ports["desk"]},
        "ops": {"metrics_port": ports["metrics"]},
        "detect": {"models": [str(model)]},
    }
    for section, content in changes.items():
        values[section] = {**values.get(section, {}), **content}
    (folder / "siaga.yaml").write_text(yaml.safe_dump(values))
    return ports


@contextmanager
def running(folder: Path, urls: Sequence[str], model: Path, changes: dict[str, dict[str, Any]]) -> Iterator[Site]:
    """Run the whole line on these cameras, in `folder`."""
    ports = write_site(folder, urls, model, changes)
    config, data, log = folder / "siaga.yaml", folder / "data", folder / "siaga.log"
    command = siaga_command("run", "--config", str(config), "--data", str(data))
    assert command[0] == sys.executable
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        yield Site(process, ports, config, data, log)
    finally:
        process.terminate()
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
