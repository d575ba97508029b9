"""CPU time of processes, and measurements that take turns: a shared machine makes wall time worthless."""

import os
import resource
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from statistics import median

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def own_cpu_s() -> float:
    """Return the CPU seconds (user and system, all threads) that this process has used."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def cpu_s(pid: int) -> float:
    """Return the CPU seconds that a process has used, to 10 ms; 0 when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def memory_mb(pid: int) -> float:
    """Return the resident memory of a process, MB; 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES / 1e6
    except OSError:
        return 0.0


def children(parent: int, variable: str) -> dict[str, int]:
    """Return the process ids of a process' children, by the value that an environment variable has in each."""
    found: dict[str, int] = {}
    for entry in _processes():
        try:
            if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) != parent:
                continue
            items = (entry / "environ").read_text().split("\0")
        except (OSError, ValueError):
            continue  # It ended meanwhile.
        environment = dict(item.split("=", 1) for item in items if "=" in item)
        if variable in environment:
            found[environment[variable]] = int(entry.name)
    return found


def _processes() -> Iterator[Path]:
    return (entry for entry in Path("/proc").iterdir() if entry.name.isdigit())


def in_turns(ways: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Measure every way once a round, A B A B, so that what disturbs the machine disturbs all of them alike.

    Returns:
        What each way returned, in order of the rounds.
    """
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            found[name].append(way())
    return found


def ratio(above: list[float], below: list[float]) -> float:
    """Return the median of the ratios within each round, 0 where nothing was measured."""
    pairs = [a / b for a, b in zip(above, below, strict=True) if b > 0]
    return round(median(pairs), 3) if pairs else 0.0


def middle(values: list[float], digits: int = 4) -> float:
    """Return the median, rounded."""
    return round(median(values), digits) if values else 0.0
