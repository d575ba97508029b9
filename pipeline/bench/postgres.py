"""A PostgreSQL server of one's own in a temporary folder, for measurements and tests: one schema a user."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.bench.serving import BenchError
from pipeline.ops.machine import free_port


def binaries() -> Path | None:
    """Return the folder of PostgreSQL's server programs, the newest version first; None when it is not installed."""
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "initdb").is_file():
            return folder
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


@dataclass
class Cluster:
    """A running server; it trusts everybody, as only this machine reaches it."""

    bin: Path
    folder: Path
    port: int
    made: int = 0

    def run(self, *command: str) -> str:
        """Run one of its programs as the user it belongs to: the server refuses to be root.

        Raises:
            BenchError: It failed.
        """
        user: dict[str, Any] = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
        done: subprocess.CompletedProcess[str] = subprocess.run(
            [str(self.bin / command[0]), *command[1:]],
            capture_output=True, text=True, timeout=120, check=False, cwd=self.folder, **user,
        )  # fmt: skip
        if done.returncode:
            raise BenchError(f"{command[0]}: {done.stdout[-1000:]}{done.stderr[-2000:]}")
        return done.stdout

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=60"
        self._pg_ctl("-w", "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop it; `immediate` drops everything as a crash does."""
        self._pg_ctl("-m", mode, "-w", "stop")

    def _pg_ctl(self, *arguments: str) -> None:
        # Its output must be a file: the server inherits a pipe and would keep it open.
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-l", str(self.folder / "log"), *arguments)

    def url(self) -> str:
        """Make an empty place for tables and return its URL: a schema, as a whole database is 300 files each time."""
        self.made += 1
        name = f"siaga_{self.made}"
        self.psql(f"CREATE SCHEMA {name}")
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres?options=-csearch_path%3D{name}"

    def psql(self, sql: str) -> str:
        """Run a statement as the superuser."""
        return self.run("psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-Atc", sql, "postgres")


@contextmanager
def served(programs: Path) -> Iterator[Cluster]:
    """Run a fresh server with the programs of a folder, removed at the end.

    Raises:
        BenchError: It did not start.
    """
    folder = Path(tempfile.mkdtemp(prefix="siaga-pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    server = Cluster(programs, folder, free_port())
    try:
        server.run("initdb", "-D", str(folder / "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        server.start()
        try:
            yield server
        finally:
            server.stop("immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
