"""All stages on one machine: each a process of its own, started in order, restarted when it ends, stopped together."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from prometheus_client import Counter, Gauge

from pipeline.ops.clock import Clock, now_ms
from pipeline.ops.metrics import MULTIPROC, forget_process

log = structlog.get_logger(__name__)

RESTARTS = Counter("siaga_supervisor_restarts_total", "Stages started again after they ended", ["stage", "cause"])
UP = Gauge("siaga_supervisor_up", "Stages whose process runs", ["stage"], multiprocess_mode="livesum")
INSTANCE = "SIAGA_INSTANCE"
PARENT = "SIAGA_PARENT"
STEADY_MS = 30_000
"""A process that ran this long and then ended starts again at once; one that ended sooner waits longer each time."""


@dataclass(frozen=True)
class Program:
    """One process to keep running: its name (also the instance name) and its command."""

    name: str
    command: Sequence[str]
    stage: str = ""
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass
class _Child:
    program: Program
    process: "subprocess.Popen[bytes]"
    started_ms: int
    failures: int = 0
    due_ms: int | None = None


class Supervisor:
    """Keeps programs running until told to stop.

    Args:
        metrics_dir: Where the programs write their metrics.
        clock: Time now, epoch ms.
        stalled: Asked now and then for programs whose process lives but no longer works, with the reason.
    """

    def __init__(
        self,
        metrics_dir: Path,
        clock: Clock = now_ms,
        stalled: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self._metrics_dir, self._clock, self._stalled = metrics_dir, clock, stalled
        self._children: dict[str, _Child] = {}
        self._checked_ms = clock()

    def start(self, program: Program) -> None:
        """Start a program and keep it running from now on."""
        self._children[program.name] = _Child(program, self._spawn(program), self._clock())

    def _spawn(self, program: Program) -> "subprocess.Popen[bytes]":
        env = {
            **os.environ,
            **program.env,
            MULTIPROC: str(self._metrics_dir),
            INSTANCE: program.name,
            PARENT: str(os.getpid()),
        }
        process = subprocess.Popen(program.command, env=env, stdin=subprocess.DEVNULL)
        UP.labels(program.stage or program.name).set(1)
        log.info("supervisor.started", program=program.name, pid=process.pid)
        return process

    def pids(self) -> dict[str, int]:
        """Return the process ids of what runs now, by program name."""
        return {name: child.process.pid for name, child in self._children.items() if child.process.poll() is None}

    def running(self) -> list[tuple[str, str, int]]:
        """Return stage, program name and process id of what runs now."""
        return [(self._children[name].program.stage or name, name, pid) for name, pid in self.pids().items()]

    def tick(self) -> None:
        """Look once at every program: note what ended, start what is due."""
        now = self._clock()
        self._end_stalled(now)
        for child in self._children.values():
            code = child.process.poll()
            if code is not None and child.due_ms is None:
                self._ended(child, code, now)
            if child.due_ms is not None and now >= child.due_ms:
                child.process, child.started_ms, child.due_ms = self._spawn(child.program), now, None

    def _ended(self, child: _Child, code: int, now: int) -> None:
        stage = child.program.stage or child.program.name
        forget_process(child.process.pid, self._metrics_dir)
        child.failures = 0 if now - child.started_ms >= STEADY_MS else child.failures + 1
        wait_ms = 0 if child.failures <= 1 else min(30_000, 250 * 2**child.failures)
        child.due_ms = now + wait_ms
        cause = f"signal {-code}" if code < 0 else f"exit {code}"
        RESTARTS.labels(stage, "signal" if code < 0 else "exit").inc()
        UP.labels(stage).set(0)
        log.warning("supervisor.ended", program=child.program.name, cause=cause, restart_in_ms=wait_ms)

    def _end_stalled(self, now: int) -> None:
        """Kill programs that live but do not work any more; the next tick starts them again."""
        if now - self._checked_ms < 10_000:
            return
        self._checked_ms = now
        for name, reason in self._stalled().items():
            child = self._children.get(name)
            if child and child.due_ms is None and child.process.poll() is None and now - child.started_ms > STEADY_MS:
                log.error("supervisor.stalled", program=name, reason=reason)
                RESTARTS.labels(child.program.stage or name, "stalled").inc()
                child.process.kill()

    def run(self, stop: threading.Event, every_s: float = 0.2) -> None:
        """Keep everything running until `stop` is set, then stop it all."""
        try:
            while not stop.wait(every_s):
                self.tick()
        finally:
            self.stop()

    def stop(self, patience_s: float = 10) -> None:
        """End all programs, last started first: ask, then kill those that do not end within `patience_s`."""
        running = [child for child in reversed(self._children.values()) if child.process.poll() is None]
        for child in running:
            child.process.send_signal(signal.SIGTERM)
        deadline = self._clock() + int(patience_s * 1000)
        for child in running:
            try:
                child.process.wait(max(0.1, (deadline - self._clock()) / 1000))
            except subprocess.TimeoutExpired:
                log.error("supervisor.killed", program=child.program.name)
                child.process.kill()
                child.process.wait()


def end_with_parent(stop: threading.Event, every_s: float = 1) -> None:
    """Stop when the supervisor that started this process is gone (killed), so that no stage is orphaned."""
    parent = os.environ.get(PARENT)
    if parent is None:
        return

    def watch() -> None:
        while not stop.wait(every_s):
            if os.getppid() != int(parent):
                log.error("stage.orphaned", parent=parent)
                stop.set()

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
