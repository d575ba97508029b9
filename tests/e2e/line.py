"""The whole line as its users run it: `siaga run` in a process of its own, cameras over real RTSP."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml

from pipeline.ops.settings import load_settings
from pipeline.store.database import Database, open_database
from tests.shared import REPO
from tests.waiting import wait_for

PLACES = [
    ("31.74.01.1007", -6.2135, 106.8511),
    ("31.71.01.1001", -6.1754, 106.8272),
    ("31.73.05.1002", -6.1900, 106.7700),
    ("31.75.02.1001", -6.2300, 106.9000),
]
"""Kelurahan far from one another, so that no two cameras of a test see one place unless it says so."""


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RtspCameras:
    """Clips served as cameras by a process that can be killed, stopped (SIGSTOP) and started again on its port."""

    def __init__(self, clips: list[Path]) -> None:
        self.clips, self.port = clips, free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Serve, and return when clients can connect."""
        command = [sys.executable, "-m", "pipeline.demo.rtsp", "--port", str(self.port), *map(str, self.clips)]
        self.process = subprocess.Popen(command, cwd=REPO, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        assert self.process.stdout.readline().startswith(b"ready")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the serving process."""
        assert self.process is not None
        self.process.send_signal(number)
        if number == signal.SIGKILL:
            self.process.wait()

    def url(self, clip: Path) -> str:
        """Address of a clip's camera."""
        return f"rtsp://127.0.0.1:{self.port}/{clip.stem}"

    def stop(self) -> None:
        """End the serving process."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def write_registry(file: Path, urls: dict[str, str]) -> None:
    """Write cameras.csv: one camera per url, each in a kelurahan of its own."""
    rows = ["id,name,url,kelurahan,lat,lng,categories,owner,kinds,masks,public"]
    for number, (camera, url) in enumerate(urls.items()):
        code, lat, lng = PLACES[number % len(PLACES)]
        rows.append(f"{camera},Jl. Uji {camera},{url},{code},{lat + number * 0.02},{lng},jalan,Uji,fire;smoke,,")
    file.write_text("\n".join(rows) + "\n")


@dataclass
class Line:
    """A running `siaga run`."""

    folder: Path
    config: Path
    process: "subprocess.Popen[bytes]"
    database: Database
    ports: dict[str, int]
    log: Path = field(default_factory=Path)

    def children(self) -> dict[str, int]:
        """Process ids of the stages that live, by instance name."""
        found = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                if parent != self.process.pid:
                    continue
                environment = dict(
                    item.split("=", 1) for item in (entry / "environ").read_text().split("\0") if "=" in item
                )
            except (OSError, ValueError):
                continue
            if "SIAGA_INSTANCE" in environment:
                found[environment["SIAGA_INSTANCE"]] = int(entry.name)
        return found

    def kill(self, instance: str) -> None:
        """SIGKILL a stage and wait until the supervisor has started it again."""
        pid = self.children()[instance]
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: self.children().get(instance, pid) != pid, 60, what=f"{instance} to be started again")

    def healthz(self) -> tuple[int, dict[str, Any]]:
        """Status and body of the desk's /healthz; 0 while nobody answers."""
        try:
            answer = httpx.get(f"http://127.0.0.1:{self.ports['desk']}/healthz", timeout=10)
        except httpx.HTTPError:
            return 0, {}
        return answer.status_code, answer.json()

    def metrics(self) -> str:
        """All stages' metrics together."""
        return httpx.get(f"http://127.0.0.1:{self.ports['metrics']}/metrics", timeout=20).text


@contextmanager
def running_line(folder: Path, urls: dict[str, str], changes: dict[str, Any]) -> Iterator[Line]:
    """Run the whole line on these cameras; `changes` are merged into the configuration by section."""
    folder.mkdir(parents=True, exist_ok=True)
    write_registry(folder / "cameras.csv", urls)
    (folder / "kelurahan.csv").write_bytes((REPO / "configs" / "kelurahan.csv").read_bytes())
    ports = {name: free_port() for name in ("bus", "desk", "metrics")}
    values: dict[str, Any] = {
        "bus": {"bootstrap_servers": f"127.0.0.1:{ports['bus']}", "partitions": 3},
        "desk": {"port": ports["desk"]},
        "ops": {"metrics_port": ports["metrics"]},
    }
    for section, content in changes.items():
        values[section] = {**values.get(section, {}), **content}
    config = folder / "siaga.yaml"
    config.write_text(yaml.safe_dump(values))
    log = folder / "siaga.log"
    command = [sys.executable, "-m", "pipeline.cli", "run", "--config", str(config), "--data", str(folder / "data")]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=REPO, stdout=output, stderr=output)
    database = open_database(load_settings(config, folder / "data"))
    line = Line(folder, config, process, database, ports, log)
    try:
        wait_for(lambda: process.poll() is not None or line.healthz()[0] != 0, 120, what=f"the desk ({log})")
        assert process.poll() is None, log.read_text()[-3000:]
        yield line
    finally:
        database.close()
        process.terminate()
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
