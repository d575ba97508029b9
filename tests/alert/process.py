"""The alert stage as a process of its own, to be killed: `python -m tests.alert.process SETTINGS.json`."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from pipeline.ops.settings import Settings
from tests.shared import REPO


class StageProcess:
    """One alert stage after the other, under one instance name, as the supervisor starts them."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.file = folder / "settings.json"
        self.file.write_text(settings.model_dump_json())
        self.log = folder / "alert.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.kills = 0

    def start(self) -> None:
        """Start it."""
        environment = {**os.environ, "SIAGA_INSTANCE": "alert-0"}
        command = [sys.executable, "-m", "tests.alert.process", str(self.file)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=REPO, env=environment, stdout=log, stderr=log)

    def alive(self) -> bool:
        """Whether it runs."""
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """SIGKILL, if it still runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.kills += 1

    def gone(self) -> None:
        """Wait until it has ended."""
        if self.process is not None:
            self.process.wait(30)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL when that does not help."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)


def main() -> None:
    """Run the stage until SIGTERM."""
    from pipeline.alert.worker import run
    from pipeline.ops.logs import configure_logs
    from tests.alert.making import registry

    settings = Settings.model_validate_json(Path(sys.argv[1]).read_text())
    configure_logs(settings.ops, "alert")
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    run(settings, registry(), stop)


if __name__ == "__main__":
    main()
