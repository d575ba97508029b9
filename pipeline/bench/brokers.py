"""Brokers to measure: the embedded one, and Apache Kafka where the repository's script can run it."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.bench.serving import BenchError
from pipeline.ops.machine import free_port

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "kafka" / "kafka.sh"
START_S = 60.0


@contextmanager
def embedded(folder: Path) -> Iterator[str]:
    """Run the embedded broker in a process of its own; gives "host:port".

    Raises:
        BenchError: It did not start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    told = folder / "port"
    command = [sys.executable, "-m", "pipeline.bus.embedded", "--port", "0", "--dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + START_S
        while not (told.exists() and told.read_text().strip()):
            if process.poll() is not None or time.monotonic() > deadline:
                raise BenchError("the embedded broker did not start")
            time.sleep(0.05)
        yield f"127.0.0.1:{told.read_text().strip()}"
    finally:
        process.terminate()
        process.wait()


def apache_missing() -> str:
    """Return why Apache Kafka cannot be run here; empty when it can."""
    if not SCRIPT.exists():
        return "scripts/kafka is not here"
    missing = [tool for tool in ("java", "mvn") if shutil.which(tool) is None]
    return f"{' and '.join(missing)} not installed" if missing else ""


@contextmanager
def apache(folder: Path) -> Iterator[str]:
    """Run one node of Apache Kafka; gives "host:port".

    Raises:
        BenchError: It did not start.
    """
    port = free_port()
    ports = {"KAFKA_PORT": str(port), "KAFKA_CONTROLLER_PORT": str(free_port())}
    env = {**os.environ, "KAFKA_DATA": str(folder), **ports}
    started = subprocess.run([SCRIPT, "start"], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if started.returncode:
        raise BenchError(f"Apache Kafka did not start (code {started.returncode})")
    try:
        yield f"127.0.0.1:{port}"
    finally:
        subprocess.run([SCRIPT, "stop"], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
