"""Metrics over HTTP: one stage's own, or those of all stages of this machine together; and the stage's health.

Stages that run under the supervisor write their values to files in one folder (the multi-process mode of
prometheus-client); the supervisor serves their sum. Counters therefore keep what a killed stage had counted.
"""

import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import structlog
from prometheus_client import REGISTRY, CollectorRegistry, Metric, make_wsgi_app
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from pipeline.ops.vitals import Vitals

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

log = structlog.get_logger(__name__)

MULTIPROC = "PROMETHEUS_MULTIPROC_DIR"


class WholeFiles(Collector):
    """What all processes wrote to a folder, summed; a file whose process was killed before it wrote is left out.

    The library fails on such an empty file, and with it every scrape until the next start.

    Args:
        folder: The files (`*.db`) of the multi-process mode.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics of all whole files."""
        whole = [str(file) for file in sorted(self._folder.glob("*.db")) if file.stat().st_size > 0]
        yield from MultiProcessCollector.merge(whole, accumulate=True)  # type: ignore[no-untyped-call]


def clear_metrics_dir(folder: Path) -> None:
    """Empty the folder that the stages write their values to; what an earlier run counted is gone."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Handler(WSGIRequestHandler):
    def log_message(self, format: str, *_arguments: object) -> None:
        """Keep scrapes and probes out of the log."""


def _with_health(metrics: "WSGIApplication", vitals: Vitals) -> "WSGIApplication":
    """Answer `/healthz` (does its work) and `/livez` (leave it alone) beside the metrics: 200, or 503 and why."""
    probes = {"/healthz": vitals.well, "/livez": vitals.alive}

    def answer(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        probe = probes.get(environ.get("PATH_INFO", ""))
        if probe is None:
            return metrics(environ, start)
        good, reason = probe()
        start("200 OK" if good else "503 Service Unavailable", [("Content-Type", "text/plain; charset=utf-8")])
        return [f"{reason}\n".encode()]

    return answer


def serve_metrics(
    host: str,
    port: int,
    folder: Path | None = None,
    *,
    vitals: Vitals | None = None,
    collectors: Sequence[Collector] = (),
) -> tuple[int, Callable[[], None]]:
    """Serve metrics at `http://host:port/metrics`.

    Args:
        host: Address to listen on.
        port: Port; 0 takes a free one.
        folder: Serve what all processes wrote to this folder; None serves this process' own.
        vitals: Serve this stage's health too, at `/healthz` and `/livez`.
        collectors: What is read at each scrape, besides.

    Returns:
        The port, and a function that stops serving.

    Raises:
        OSError: The port is taken.
    """
    registry = CollectorRegistry()
    if folder is None:
        registry.register(REGISTRY)
    else:
        registry.register(WholeFiles(folder))
    for collector in collectors:
        registry.register(collector)
    app = make_wsgi_app(registry)
    app = app if vitals is None else _with_health(app, vitals)
    kind: type[_Server] = type("_Server6", (_Server,), {"address_family": socket.AF_INET6}) if ":" in host else _Server
    server = make_server(host, port, app, kind, handler_class=_Handler)
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()

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
