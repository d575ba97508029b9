"""A small HTTP server: files of a folder (HLS), MJPEG without end, refusals."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np

from tests.grab.video import moving


class Handler(SimpleHTTPRequestHandler):
    """`/mjpeg` never ends, `/once` ends after 5 pictures, `/silent` never answers, `/401` refuses, else a file."""

    stop: threading.Event

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        with suppress(ConnectionError):
            name = self.path.split("?")[0]
            if name in ("/mjpeg", "/once"):
                self._mjpeg(5 if name == "/once" else 100_000)
            elif name == "/silent":
                self.stop.wait(60)
            elif name == "/401":
                self.send_error(401)
            else:
                super().do_GET()

    def _mjpeg(self, pictures: int) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=siaga")
        self.end_headers()
        draw = moving()
        for index in range(pictures):
            data = cv2.imencode(".jpg", np.asarray(draw(index)))[1].tobytes()
            head = f"--siaga\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n".encode()
            self.wfile.write(head + data + b"\r\n")
            if self.stop.wait(0.05):
                return


@contextmanager
def http_server(folder: Path) -> Iterator[str]:
    """Serve while the block runs; gives `host:port`."""
    stop = threading.Event()
    handler = type("Serving", (Handler,), {"stop": stop})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        stop.set()
        server.shutdown()
        server.server_close()
