"""Brokers for tests, as processes of their own: the embedded broker, and Apache Kafka where Java and Maven are there.

Both are context managers that give an object with `bootstrap` ("host:port"), `kill()` (SIGKILL) and `restart()` on the
same port and data:

    with embedded_broker(tmp_path) as broker:
        producer = KafkaProducer(bootstrap_servers=broker.bootstrap)
        broker.kill()
        broker.restart()
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from tests.shared import REPO, skip_or_fail
from tests.waiting import wait_for


class Broker(Protocol):
    """What a test may do with a broker, whichever it is."""

    name: str
    port: int

    @property
    def bootstrap(self) -> str: ...
    def kill(self) -> None: ...
    def restart(self) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def stop(self) -> None: ...


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """Whether somebody accepts connections on the port."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


class EmbeddedBrokerProcess:
    """The embedded broker as `python -m pipeline.bus.embedded`."""

    name = "embedded"

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.folder = folder
        self.port = port
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """What the process wrote to stderr, over all its lives."""
        return self.folder / "broker.log"

    def start(self) -> None:
        """Start it and wait until it accepts connections."""
        self.folder.mkdir(parents=True, exist_ok=True)
        port_file = self.folder / "port"
        port_file.unlink(missing_ok=True)
        command = [sys.executable, "-m", "pipeline.bus.embedded", "--port", str(self.port), "--dir", str(self.folder)]
        with self.log.open("ab") as log:
            process = subprocess.Popen(command, cwd=REPO, stdout=log, stderr=log)
        self.process = process
        wait_for(lambda: port_file.exists() or process.poll() is not None, 60, what="the embedded broker")
        if process.poll() is not None:
            raise AssertionError(f"the embedded broker did not start:\n{self.log.read_text()[-2000:]}")
        self.port = int(port_file.read_text())

    def pause(self) -> None:
        """SIGSTOP: it hangs, its connections stay open."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL, as an out-of-memory killer would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM and wait."""
        self._end(signal.SIGTERM)

    def _end(self, number: int) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(timeout=30)
            self.process = None

    def restart(self) -> None:
        """Start it again on the same folder and port (after `kill` or `stop`, or stopping it first)."""
        self.stop()
        self.start()


class ApacheBrokerProcess:
    """One Apache Kafka node (KRaft) by `scripts/kafka/kafka.sh`."""

    name = "apache"

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.controller_port = free_port()

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    def _script(self, action: str) -> None:
        environment = {
            **os.environ,
            "KAFKA_DATA": str(self.folder),
            "KAFKA_PORT": str(self.port),
            "KAFKA_CONTROLLER_PORT": str(self.controller_port),
        }
        done = subprocess.run(
            [str(REPO / "scripts" / "kafka" / "kafka.sh"), action],
            env=environment, capture_output=True, text=True, timeout=280, check=False,
        )  # fmt: skip
        if done.returncode:
            raise AssertionError(f"kafka.sh {action}: {done.stdout[-1000:]}{done.stderr[-2000:]}")

    def fetch(self) -> None:
        """Get the jars if they are not here yet."""
        self._script("fetch")

    def start(self) -> None:
        """Fetch the jars if need be, format the folder, start, and wait until it answers."""
        self._script("start")

    def kill(self) -> None:
        """SIGKILL."""
        self._script("kill")

    def stop(self) -> None:
        """Stop it in good order."""
        self._script("stop")

    def pause(self) -> None:
        """SIGSTOP: it hangs, its connections stay open."""
        os.kill(int((self.folder / "kafka.pid").read_text()), signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        os.kill(int((self.folder / "kafka.pid").read_text()), signal.SIGCONT)

    def restart(self) -> None:
        """Start it again on the same folder and port."""
        self._script("stop")
        self._script("start")


@contextmanager
def embedded_broker(folder: Path, port: int = 0) -> Iterator[EmbeddedBrokerProcess]:
    """The embedded broker on a folder of its own below `folder` (such as `tmp_path`), stopped at the end."""
    broker = EmbeddedBrokerProcess(folder / "embedded-broker", port)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


@contextmanager
def apache_broker(folder: Path, port: int = 0) -> Iterator[ApacheBrokerProcess]:
    """Apache Kafka on a folder below `folder`, stopped at the end; skips (or fails under CI) without Java or Maven."""
    missing = [tool for tool in ("java", "mvn") if shutil.which(tool) is None]
    if missing:
        skip_or_fail(f"Apache Kafka needs {' and '.join(missing)}")
    broker = ApacheBrokerProcess(folder / "apache-kafka", port)
    try:
        broker.fetch()
    except AssertionError as error:
        skip_or_fail(f"Apache Kafka's jars cannot be had: {error}")
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()
