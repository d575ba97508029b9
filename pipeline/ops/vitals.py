"""What a process says of itself to whoever watches it: its stage's last word, its CPU and memory, its disk."""

import os
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from prometheus_client import Gauge
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from pipeline.ops.clock import Clock, now_ms
from pipeline.ops.health import Report, StageHealth

OK = Gauge(
    "siaga_stage_ok",
    "1 while the stage's input moves and its output follows",
    ["stage", "instance"],
    multiprocess_mode="livemostrecent",
)
WAITING = Gauge(
    "siaga_stage_waiting_records",
    "Records that wait for the stage",
    ["stage", "instance"],
    multiprocess_mode="livemostrecent",
)
REPORTED = Gauge(
    "siaga_stage_report_timestamp_seconds",
    "When the stage last spoke, s since 1970",
    ["stage", "instance"],
    multiprocess_mode="livemostrecent",
)
SILENT_AFTER_MS = 60_000
"""A stage that spoke once and then not for this long is to be started again, as the supervisor does."""


class Vitals:
    """Keeps the last word of this process' stage: for its metrics, and for the probes of an orchestrator.

    Args:
        clock: Time now, epoch ms.
    """

    def __init__(self, clock: Clock = now_ms) -> None:
        self._clock = clock
        self._last: StageHealth | None = None
        self._lock = threading.Lock()

    def listening(self, onward: Report) -> Report:
        """Return a report that is kept here and handed onward."""

        def take(health: StageHealth) -> None:
            self.take(health)
            onward(health)

        return take

    def take(self, health: StageHealth) -> None:
        """Keep a report, and count it into the metrics."""
        with self._lock:
            self._last = health
        OK.labels(health.stage, health.instance).set(health.ok)
        REPORTED.labels(health.stage, health.instance).set(health.at_ms / 1000)
        waiting = health.detail.get("waiting")
        if isinstance(waiting, int | float):
            WAITING.labels(health.stage, health.instance).set(waiting)

    def alive(self) -> tuple[bool, str]:
        """Say whether the process should be left alone, and why.

        One that has not spoken yet waits for its bus or database: starting it again would not help.
        """
        silent_ms = self._silent_ms()
        if silent_ms is None:
            return True, "has not reported yet"
        return silent_ms <= SILENT_AFTER_MS, f"reported {silent_ms // 1000} s ago"

    def well(self) -> tuple[bool, str]:
        """Say whether the stage does its work, and why: its own word, while that is fresh."""
        alive, reason = self.alive()
        with self._lock:
            last = self._last
        if last is None or not alive:
            return False, reason
        return last.ok, last.reason

    def _silent_ms(self) -> int | None:
        with self._lock:
            return None if self._last is None else max(0, self._clock() - self._last.at_ms)


class DiskCollector(Collector):
    """Room on the disk that holds a folder, read when asked: `siaga_disk_free_bytes` and `siaga_disk_bytes`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges; none while the folder cannot be read."""
        free = GaugeMetricFamily("siaga_disk_free_bytes", "Bytes free on the disk of the data folder")
        size = GaugeMetricFamily("siaga_disk_bytes", "Bytes of the disk of the data folder")
        try:
            usage = shutil.disk_usage(self._folder)
        except OSError:
            return
        free.add_metric([], usage.free)
        size.add_metric([], usage.total)
        yield from (free, size)


class ProcessCollector(Collector):
    """CPU and memory of processes by stage and instance, read from /proc when asked.

    Args:
        processes: Returns (stage, instance, process id) of what runs now.
        proc: Where the kernel shows processes.
    """

    def __init__(self, processes: Callable[[], Iterable[tuple[str, str, int]]], proc: Path = Path("/proc")) -> None:
        self._processes, self._proc = processes, proc

    def collect(self) -> Iterator[Metric]:
        """Yield both families; a process that ended meanwhile is left out."""
        labels = ["stage", "instance"]
        cpu = CounterMetricFamily("siaga_process_cpu_seconds", "CPU time used, s", labels=labels)
        memory = GaugeMetricFamily("siaga_process_resident_bytes", "Resident memory, bytes", labels=labels)
        for stage, instance, pid in self._processes():
            try:
                # The second field, the command's name in brackets, may hold spaces.
                fields = (self._proc / str(pid) / "stat").read_text().rpartition(")")[2].split()
                seconds = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
                resident = int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
            except (OSError, IndexError, ValueError):
                continue
            cpu.add_metric([stage, instance], seconds)
            memory.add_metric([stage, instance], resident)
        yield from (cpu, memory)
