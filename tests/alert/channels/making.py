"""Rows, a store with an incident in it, and a small HTTP server that remembers."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from pipeline.alert.notices import payload
from pipeline.alert.routing import Target
from pipeline.bus.records import Incident
from pipeline.ops.settings import Settings
from pipeline.store.database import Database, open_database
from pipeline.store.evidence import Evidence, EvidenceStore, keep_evidence
from pipeline.store.incidents import apply_incident
from pipeline.store.outbox import Order, complete, enqueue, of_incident
from pipeline.store.tables import OutboxRow
from tests.alert.making import T0, incident, registry, settings_at

JPEG = b"\xff\xd8\xff\xe0siaga-still\xff\xd9"


class Store:
    """A migrated SQLite store; `row` writes a notice of an incident as the intake would."""

    def __init__(self, folder: Path, **alert: Any) -> None:
        self.settings: Settings = settings_at(folder, alert=alert)
        self.database: Database = open_database(self.settings)
        self.database.migrate()

    def row(self, record: Incident, target: str, notice: Any = "opened", **more: Any) -> OutboxRow:
        """Write the incident and an outbox row; return the row."""
        channel = target.partition(":")[0]
        key = f"{record.id}:{notice if notice == 'opened' else f'{notice}-{record.revision}'}:{target}"
        content = {**payload(record, notice, key, registry(), Target(target, channel, "test")), **more}
        with self.database.session() as session:
            apply_incident(session, record, T0)
            enqueue(session, Order(record.id, record.revision, notice, target, channel, key, content), T0)
        with self.database.reading() as session:
            return next(row for row in of_incident(session, record.id) if row.idempotency_key == key)

    def sent(self, row: OutboxRow, receipt: dict[str, Any]) -> None:
        """Settle a row as sent."""
        with self.database.session() as session:
            complete(session, session.get_one(OutboxRow, row.id), T0, receipt)

    def still(self, record: Incident) -> None:
        """Keep a still."""
        taken = Evidence(record.id, record.camera, "still", "bus", T0, T0)
        keep_evidence(self.database, EvidenceStore(self.settings), taken, JPEG, T0)


def next_of(record: Incident, state: str = "updated") -> Incident:
    """The next revision of an incident."""
    end = {"closed_ms": record.updated_ms} if state == "closed" else {}
    return Incident.model_validate({**record.model_dump(), "revision": record.revision + 1, "state": state, **end})


@dataclass
class Request:
    """What came."""

    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


@dataclass
class Server:
    """A server that answers as told: `answer(request)` returns status and body."""

    answer: Callable[[Request], tuple[int, bytes]]
    url: str = ""
    requests: list[Request] = field(default_factory=list)


@contextmanager
def http_server(answer: Callable[[Request], tuple[int, bytes]]) -> Iterator[Server]:
    """A real HTTP server on a free port."""
    made = Server(answer)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            request = Request(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            made.requests.append(request)
            status, content = made.answer(request)
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


__all__ = ["JPEG", "T0", "Store", "http_server", "incident", "next_of"]
