"""`siaga bench replay`: how fast and in how much memory recorded observations go through the rules again."""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from pipeline.bench.confirm import T0_MS, observations, registry
from pipeline.bus.frames import partition_of
from pipeline.bus.records import encode
from pipeline.ops.settings import Settings
from pipeline.tune.archive.layout import HOUR_MS
from pipeline.tune.archive.reader import read
from pipeline.tune.archive.writer import HourWriter
from pipeline.tune.replay import replay

PARTITIONS = 6
BATCH_ROWS = 20_000


def write_archive(folder: Path, cameras: int, seconds: int) -> int:
    """Write an archive of cameras at one observation a second; return how many observations it holds."""
    writers = [HourWriter(folder, number, BATCH_ROWS) for number in range(PARTITIONS)]
    count = cameras * seconds
    for number, one in enumerate(observations(count, cameras)):
        row = (one.captured_ms, one.camera, number, encode(one))
        writers[partition_of(one.camera, PARTITIONS)].add(row)
    for writer in writers:
        writer.finish()
    return count


def measure_here(folder: Path, cameras: int) -> dict[str, Any]:
    """Replay an archive in this process; return observations a CPU second and the highest memory, MB."""
    began, used = time.perf_counter(), time.process_time()
    values = (value for _, value in read(folder, 0, T0_MS + 10_000 * HOUR_MS))
    said = replay(Settings(), registry(cameras), values)
    cpu_s, wall_s = time.process_time() - used, time.perf_counter() - began
    return {
        "observations_per_s_per_core": round(said.observations / cpu_s),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "observations": said.observations,
        "incidents": len(said.incidents),
        "wall_s": round(wall_s, 2),
    }


def measure_replay(cameras: int, seconds: int) -> dict[str, Any]:
    """Write an archive and replay it in a process of its own, whose memory is then its alone.

    Args:
        cameras: How many.
        seconds: Of one observation a second and camera.

    Returns:
        `observations_per_s_per_core`, `peak_mb`, and what was replayed.
    """
    with tempfile.TemporaryDirectory(prefix="siaga-replay-") as name:
        folder = Path(name)
        write_archive(folder, cameras, seconds)
        size = sum(file.stat().st_size for file in folder.rglob("*.parquet"))
        done = subprocess.run(
            [sys.executable, "-m", "pipeline.bench.replay", str(folder), str(cameras)],
            capture_output=True,
            text=True,
            check=True,
        )
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return {**found, "archive_bytes_per_observation": round(size / max(1, found["observations"]), 1)}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure_here(Path(sys.argv[1]), int(sys.argv[2]))) + "\n")
