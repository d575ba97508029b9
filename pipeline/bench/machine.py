"""What it was measured on."""

import os
import platform
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGES = ("av", "opencv-python-headless", "onnxruntime", "numpy", "kafka-python")


def describe_machine() -> dict[str, Any]:
    """Return processor, cores, memory, system, versions and the load of the last minute."""
    return {
        "cpu": _word("/proc/cpuinfo", r"model name\s*:\s*(.+)") or platform.processor() or platform.machine(),
        "cores": os.cpu_count() or 1,
        "memory_gb": round(int(_word("/proc/meminfo", r"MemTotal:\s*(\d+)") or 0) / 1e6, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "load_before": round(os.getloadavg()[0], 2),
    }


def _word(file: str, pattern: str) -> str:
    try:
        found = re.search(pattern, Path(file).read_text())
    except OSError:
        return ""
    return found[1].strip() if found else ""
