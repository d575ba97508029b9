"""The desk under load: a real desk process, open desks by SSE while cameras and decisions change, public readers."""

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx
import structlog

from pipeline.bench.desk_city import EVERYWHERE, City, Seat, build_city, lose_cameras, raise_incident
from pipeline.bench.machine import describe_machine
from pipeline.bench.measure import cpu_s, memory_mb, own_cpu_s
from pipeline.bench.serving import BenchError
from pipeline.desk.areas import sees
from pipeline.desk.identity import csrf_of

log = structlog.get_logger(__name__)
START_S = 60.0
SETTLE_S = 2.0
"""The last change is still on its way then; how late the others came is measured, not waited for."""
BATCH_S = 0.1
"""Camera states are written in batches, as the grabbers' reporter does."""


@dataclass(frozen=True)
class Load:
    """How much is measured.

    Attributes:
        desks: open desks, `everywhere` of them with the whole city, the others with a kelurahan each.
        cameras: each changes its state once within `seconds`.
        incidents: raised and accepted within the same time.
        fetch: desks fetch their parts again after news, as the page's script does.
        readers: public requests a second, for `reader_s` seconds over `lines` connections.
    """

    desks: int = 300
    everywhere: int = 10
    cameras: int = 1500
    incidents: int = 60
    seconds: float = 60
    fetch: bool = True
    readers: int = 1000
    reader_s: float = 10
    lines: int = 100


@dataclass(frozen=True)
class Change:
    """Something that was written: the event's kind, whom it is of, what it says, where, and when (epoch ms)."""

    event: str
    subject: str
    what: str
    kelurahan: str
    at_ms: float


def measure_desk(load: Load) -> dict[str, Any]:
    """Measure, and return the figures of both parts.

    Raises:
        BenchError: The desk or a client did not start.
    """
    result: dict[str, Any] = {"machine": describe_machine(), "load": asdict(load)}
    with tempfile.TemporaryDirectory(prefix="siaga-bench-") as name:
        city = build_city(Path(name), load.cameras, load.desks, load.everywhere)
        try:
            with serving_desk(city) as desk:
                result["live"] = measure_live(city, desk, load, Path(name))
                if load.readers:
                    result["public"] = measure_public(city, desk, load, Path(name))
        finally:
            city.database.close()
    return result


@contextmanager
def serving_desk(city: City) -> Iterator[int]:
    """Run `siaga desk` as a process of its own; gives its process id once it answers.

    Raises:
        BenchError: It did not answer.
    """
    folder = city.config.parent
    command = [sys.executable, "-m", "pipeline.cli", "desk", "--config", str(city.config), "--data",
               str(city.settings.data_dir), "--cameras", str(folder / "cameras.csv")]  # fmt: skip
    with (folder / "desk.log").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + START_S
        while not _answers(city.port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise BenchError(f"the desk did not start: {(folder / 'desk.log').read_text()[-2000:]}")
            time.sleep(0.1)
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=5).status_code in (200, 503)
    except httpx.HTTPError:
        return False


@contextmanager
def clients(spec: Mapping[str, Any], folder: Path, name: str) -> Iterator["subprocess.Popen[str]"]:
    """Run clients as a process of their own; they end when the block does, and leave `name`.json."""
    given, out = folder / f"{name}-spec.json", folder / f"{name}.json"
    given.write_text(json.dumps(spec))
    command = [sys.executable, "-m", "pipeline.bench.desk_clients", str(given), str(out)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()
        if process.wait():
            raise BenchError("the clients of the desk's bench failed")


def measure_live(city: City, desk: int, load: Load, folder: Path) -> dict[str, Any]:
    """Open the desks, change everything, and compare what was written with what arrived."""
    tokens = [seat.token for seat in city.seats]
    with clients({"port": city.port, "tokens": tokens, "fetch": load.fetch}, folder, "live") as process:
        assert process.stdout is not None
        if process.stdout.readline().strip() != "ready":
            raise BenchError("the open desks did not come up")
        cpu, began = cpu_s(desk), time.monotonic()
        own = own_cpu_s()
        changes = write_changes(city, load)
        took, used, wrote = time.monotonic() - began, cpu_s(desk) - cpu, own_cpu_s() - own
        time.sleep(SETTLE_S)
        memory = memory_mb(desk)
    taken = json.loads((folder / "live.json").read_text())
    return {
        **compare(changes, city.seats, taken["arrivals"]),
        "changes_a_second": round(len(changes) / took, 1),
        "desk_cpu_cores": round(used / took, 3),
        "desk_memory_mb": round(memory),
        "writer_cpu_cores": round(wrote / took, 3),
        "answers": taken["statuses"],
        "parts_ms": quantiles(taken["fetches"]),
    }


def write_changes(city: City, load: Load) -> list[Change]:
    """Change every camera once and raise and accept the incidents, evenly over the time; returns what was written."""
    cameras, made, raised = list(city.cameras), list[Change](), 0
    watched = [seat for seat in city.seats if seat.area != EVERYWHERE] or list(city.seats)
    began = time.monotonic()
    with httpx.Client(base_url=f"http://127.0.0.1:{city.port}", timeout=120) as client:
        while cameras or raised < load.incidents:
            share = (time.monotonic() - began) / load.seconds
            due = max(0, len(cameras) - round(load.cameras * (1 - share)))
            if due:
                now, lost, cameras = time.time() * 1000, cameras[:due], cameras[due:]
                made += [Change("camera", camera, "lost", city.cameras[camera], now) for camera in lost]
                lose_cameras(city, lost)
            if raised < min(load.incidents, share * load.incidents):
                made += _incident(city, client, watched[raised % len(watched)], raised)
                raised += 1
            time.sleep(BATCH_S)
    return made


def _incident(city: City, client: httpx.Client, seat: Seat, number: int) -> list[Change]:
    """Raise an incident before a desk, and let its officer accept it by the form."""
    home = [camera for camera, code in city.cameras.items() if sees([seat.area], code)]
    if not home:
        return []
    code = city.cameras[home[0]]
    raised = Change("incident", f"uji-{number}", "opened", code, time.time() * 1000)
    subject = raise_incident(city, number, home[0])
    accepted = Change("incident", subject, "decided", code, time.time() * 1000)
    answer = client.post(
        f"/kejadian/{subject}/putusan",
        data={"csrf": csrf_of(seat.token), "decision": "accepted", "expected": "waiting"},
        headers={"x-siaga": "part", "cookie": f"siaga_session={seat.token}"},
    )
    if answer.status_code != 200:
        raise BenchError(f"a decision was answered with {answer.status_code}")
    return [raised, accepted]


def compare(changes: Sequence[Change], seats: Sequence[Seat], arrivals: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """Return how many arrivals each desk should have had and had, and how late they came (ms, from before the write).

    `again` counts desks that were told to fetch everything, which they then have without an event for each change.
    """
    came: dict[tuple[int, str, str, str], list[float]] = {}
    for desk, event, subject, what, at_ms in arrivals:
        came.setdefault((desk, event, subject, what), []).append(at_ms)
    late: dict[str, list[float]] = {"camera": [], "incident": []}
    counts = Counter[str](wanted=0, missing=0, repeated=0, foreign=0)
    for desk, seat in enumerate(seats):
        for change in changes:
            found = came.pop((desk, change.event, change.subject, change.what), [])
            if not sees([seat.area], change.kelurahan):
                counts["foreign"] += len(found)
                continue
            counts["wanted"] += 1
            counts["missing"] += not found
            counts["repeated"] += max(0, len(found) - 1)
            late[change.event] += [found[0] - change.at_ms] if found else []
    counts["again"] = sum(len(found) for key, found in came.items() if key[1] == "again")
    return {
        **dict(counts),
        "camera_ms": quantiles(late["camera"]),
        "incident_ms": quantiles(late["incident"]),
        "all_ms": quantiles(late["camera"] + late["incident"]),
    }


def quantiles(values: Sequence[float]) -> dict[str, float]:
    """Return p50, p95, p99 and the most of values, rounded; empty for none."""
    ordered = sorted(values)
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "most": 1.0}
    return {name: round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1) for name, share in shares.items()
            if ordered}  # fmt: skip


def measure_public(city: City, desk: int, load: Load, folder: Path) -> dict[str, Any]:
    """Let citizens read the page at a steady rate; say what it cost and how often the page was made meanwhile."""
    spec = {"port": city.port, "rate": load.readers, "seconds": load.reader_s, "lines": load.lines}
    before, cpu, began = renders(city), cpu_s(desk), time.monotonic()
    with clients(spec, folder, "public") as process:
        process.wait()
        took, used = time.monotonic() - began, cpu_s(desk) - cpu
    taken = json.loads((folder / "public.json").read_text())
    return {
        "answers": taken["statuses"],
        "asked": sum(taken["statuses"].values()),
        "wall_s": round(took, 1),
        "ms": quantiles(taken["fetches"]),
        "desk_cpu_cores": round(used / load.reader_s, 3),
        "desk_memory_mb": round(memory_mb(desk)),
        "renders": renders(city) - before,
        "every_s": city.settings.public.every_s,
    }


def renders(city: City) -> int:
    """Return how often the desk has made the public page, by its own count."""
    text = httpx.get(f"http://127.0.0.1:{city.settings.ops.metrics_port}/metrics", timeout=60).text
    lines = [line for line in text.splitlines() if line.startswith('siaga_public_renders_total{outcome="made"}')]
    return int(float(lines[0].split()[1])) if lines else 0
