"""A small S3 server: enough of the protocol to put, read, list sizes of and delete objects over real HTTP."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit


def _handler(objects: dict[str, bytes]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def key(self) -> str:
            return unquote(urlsplit(self.path).path)

        def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
            self.send_response(status)
            self.send_header("Last-Modified", "Tue, 24 Nov 2026 00:00:00 GMT")
            self.send_header("ETag", '"1"')
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", headers.get("length", str(len(body))))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def do_PUT(self) -> None:
            objects[self.key()] = self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(200)

        def do_GET(self) -> None:
            body = objects.get(self.key())
            if body is None:
                self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
                return
            wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
            if wanted is None:
                self.answer(200, body)
                return
            start, end = int(wanted[1]), min(int(wanted[2]), len(body) - 1)
            self.answer(206, body[start : end + 1], Content_Range=f"bytes {start}-{end}/{len(body)}")

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_DELETE(self) -> None:
            objects.pop(self.key(), None)
            self.answer(204)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            keys = re.findall(r"<Key>(.*?)</Key>", body)
            for key in keys:
                objects.pop(f"{self.key().rstrip('/')}/{key}", None)
            gone = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in keys)
            self.answer(200, f"<DeleteResult>{gone}</DeleteResult>".encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler


@contextmanager
def bucket_server() -> Iterator[tuple[str, dict[str, bytes]]]:
    """The server's URL and its objects by `/bucket/key`."""
    objects: dict[str, bytes] = {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(objects))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", objects
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
