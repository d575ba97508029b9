"""Metrics over HTTP: one stage's own, or those of all stages of this machine together.

Stages that run under the supervisor write their values to files in one folder (the multi-process mode of
prometheus-client); the supervisor serves their sum. Counters therefore keep what a killed stage had counted.
"""

import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from wsgiref.simple_server import WSGIServer

import structlog
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

log = structlog.get_logger(__name__)

MULTIPROC = "PROMETHEUS_MULTIPROC_DIR"


def clear_metrics_dir(folder: Path) -> None:
    """Empty the folder that the stages write their values to; what an earlier run counted is gone."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)


def serve_metrics(host: str, port: int, folder: Path | None = None) -> tuple[int, Callable[[], None]]:
    """Serve metrics at `http://host:port/metrics`.

    Args:
        host: Address to listen on.
        port: Port; 0 takes a free one.
        folder: Serve what all processes wrote to this folder; None serves this process' own.

    Returns:
        The port, and a function that stops serving.

    Raises:
        OSError: The port is taken.
    """
    server: WSGIServer
    thread: threading.Thread
    if folder is None:
        server, thread = start_http_server(port, host)
    else:
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=str(folder))  # type: ignore[no-untyped-call]
        server, thread = start_http_server(port, host, registry=registry)

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join(5)

    return server.server_port, stop


def forget_process(pid: int, folder: Path) -> None:
    """Drop the live gauges of a process that has ended; its counters stay."""
    try:
        mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]
    except OSError as error:
        log.warning("metrics.forget_failed", pid=pid, error=str(error))


def supervised() -> bool:
    """Say whether this process' metrics are gathered by a supervisor."""
    return MULTIPROC in os.environ
