"""The sum of all processes' metrics, also when one was killed before it had written anything."""

import subprocess
import sys
from pathlib import Path

import httpx

from pipeline.ops.metrics import serve_metrics

COUNT = "from prometheus_client import Counter; Counter('things', 'Things').inc(2)"


def test_an_empty_file_of_a_killed_process_costs_no_scrape(tmp_path: Path) -> None:
    for _ in range(2):
        subprocess.run([sys.executable, "-c", COUNT], env={"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}, check=True)
    (tmp_path / "counter_1.db").touch()
    port, stop = serve_metrics("127.0.0.1", 0, tmp_path)
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}/metrics")
    finally:
        stop()
    assert answer.status_code == 200
    assert "things_total 4.0" in answer.text
