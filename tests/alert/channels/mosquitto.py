"""A real mosquitto on a free port."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.brokers import free_port, listens
from tests.shared import skip_or_fail
from tests.waiting import wait_for


class Mosquitto:
    """The process; its memory is gone with it."""

    def __init__(self, folder: Path, program: str) -> None:
        self.port, self._program, self._folder = free_port(), program, folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it listens."""
        file = self._folder / "mosquitto.conf"
        file.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\n")
        with (self._folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen([self._program, "-c", str(file)], stdout=log, stderr=log)
        wait_for(lambda: listens(self.port), 20, what="mosquitto")

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None


@contextmanager
def mosquitto(folder: Path) -> Iterator[Mosquitto]:
    """A running broker, killed at the end."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if program is None:
        skip_or_fail("no mosquitto (Debian: apt-get install mosquitto)")
    assert program is not None
    broker = Mosquitto(folder, program)
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()
