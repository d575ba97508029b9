"""Serving the desk: uvicorn in this process until it is told to stop."""

import asyncio
import contextlib
import socket
import sys
import threading
from collections.abc import Iterator

import structlog
import uvicorn
from fastapi import FastAPI

from pipeline.city.registry import Registry
from pipeline.desk.app import create_app
from pipeline.desk.people import FIRST_ADMIN, first_admin
from pipeline.ops.health import Report
from pipeline.ops.settings import Settings
from pipeline.store.database import open_database
from pipeline.store.evidence import EvidenceStore

log = structlog.get_logger(__name__)
GRACE_S = 3


class DeskServer(uvicorn.Server):
    """A uvicorn that leaves signals to whoever runs it, and ends open streams before it waits for their ends.

    `port` is known once `ready` is set (also when it could not start: then `port` is 0).
    """

    def __init__(self, app: FastAPI, host: str, port: int) -> None:
        self._desk_app = app
        self.ready = threading.Event()
        self.port = 0
        super().__init__(
            uvicorn.Config(
                app,
                host,
                port,
                log_config=None,
                access_log=False,
                server_header=False,
                lifespan="on",
                timeout_graceful_shutdown=GRACE_S,
                timeout_keep_alive=15,
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none: the process' own handlers set the stop event."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and learn the port."""
        await super().startup(sockets)
        if self.servers:
            self.port = int(self.servers[0].sockets[0].getsockname()[1])
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, then what else is open."""
        self._desk_app.state.desk.hub.close()
        await super().shutdown(sockets)

    def serve_until(self, stop: threading.Event) -> None:
        """Serve in this thread until `stop` is set.

        Raises:
            OSError: The address cannot be listened on.
        """
        watcher = threading.Thread(target=self._watch, args=(stop,), name="desk-stop", daemon=True)
        watcher.start()
        try:
            asyncio.run(self.serve())
        except SystemExit as error:
            raise OSError(f"{self.config.host}:{self.config.port} cannot be listened on") from error
        finally:
            self.ready.set()

    def _watch(self, stop: threading.Event) -> None:
        stop.wait()
        self.should_exit = True


def run(settings: Settings, registry: Registry, stop: threading.Event, report: Report | None = None) -> None:
    """Serve the desk until `stop` is set; at the first start, make an admin and print the one-time password.

    Raises:
        ConfigError: The database or the evidence store named in the settings cannot be opened.
        StoreError: The database cannot be migrated.
        OSError: The address cannot be listened on.
    """
    database = open_database(settings)
    try:
        database.migrate()
        password = first_admin(database)
        app = create_app(settings, registry, database, EvidenceStore(settings), report=report)
        where = f"http://{settings.desk.host}:{settings.desk.port}"
        if password is not None:
            # Standard output, never the log: logs are shipped and kept, this password must not be.
            print(
                f"\n  {where}\n  {FIRST_ADMIN} / {password}   (sekali pakai, one-time)\n", file=sys.stdout, flush=True
            )
        log.info("desk.serving", url=where)
        DeskServer(app, settings.desk.host, settings.desk.port).serve_until(stop)
    finally:
        database.close()
