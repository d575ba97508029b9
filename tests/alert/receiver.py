"""A real HTTP receiver of webhooks that checks signatures and misbehaves as told."""

import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "rahasia-penerima-0123456789"

Behaviour = Callable[[int], str]
"""Given the number of the request (from 0): ok, hang, drop, drip, after (dropped once taken), or a status as 500."""


@dataclass
class Received:
    """A request that was signed correctly, and whether it was answered with 200."""

    key: str
    body: dict[str, Any]
    raw: bytes
    taken: bool


@dataclass
class Receiver:
    """What came, and how to behave next."""

    behave: Behaviour = lambda _: "ok"
    url: str = ""
    requests: list[Received] = field(default_factory=list)
    forged: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    retry_after: str | None = None
    release: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    count: int = 0

    def taken(self) -> dict[str, list[Received]]:
        """The accepted requests by idempotency key."""
        found: dict[str, list[Received]] = {}
        with self.lock:
            for request in self.requests:
                if request.taken:
                    found.setdefault(request.key, []).append(request)
        return found


def verify(secret: bytes, headers: Any, body: bytes) -> bool:
    """Check the signature as docs/webhook.md says."""
    signed = headers.get("X-Siaga-Timestamp", "").encode() + b"." + body
    wanted = "sha256=" + hmac.new(secret, signed, hashlib.sha256).hexdigest()
    return hmac.compare_digest(wanted, headers.get("X-Siaga-Signature", ""))


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length)
            if len(body) < length:  # the sender died in the middle
                self.close_connection = True
                return
            with receiver.lock:
                number, receiver.count = receiver.count, receiver.count + 1
            receiver.headers.append(dict(self.headers))
            how = receiver.behave(number)
            key = self.headers["Idempotency-Key"]
            if not verify(SECRET.encode(), self.headers, body):
                receiver.forged.append(key)
                how = "401"
            with receiver.lock:
                taken = how in ("ok", "after")
                receiver.requests.append(Received(key, json.loads(body), body, taken))
            self._answer(how)

        def _answer(self, how: str) -> None:
            if how in ("drop", "after"):
                self.close_connection = True
                self.connection.close()
                return
            if how == "hang":
                receiver.release.wait(20)
                self.close_connection = True
                return
            if how == "drip":
                self._drip()
                return
            status = 200 if how == "ok" else int(how)
            self.send_response(status)
            if receiver.retry_after is not None and status != 200:
                self.send_header("Retry-After", receiver.retry_after)
            if 300 <= status < 400:
                self.send_header("Location", receiver.url)
            content = b"diterima" if status == 200 else b"maaf"
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _drip(self) -> None:
            self.close_connection = True
            try:
                for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 1000:
                    if receiver.release.wait(0.05):
                        return
                    self.wfile.write(bytes([byte]))
            except OSError:
                return

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is what these tests are about."""


@contextmanager
def receiver(behave: Behaviour = lambda _: "ok") -> Iterator[Receiver]:
    """A receiver on a free port."""
    made = Receiver(behave)
    server = _Server(("127.0.0.1", 0), _handler(made))
    made.url = f"http://127.0.0.1:{server.server_port}/siaga"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.release.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
