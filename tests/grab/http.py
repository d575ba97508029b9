"""A small HTTP server: files of a folder (HLS), MJPEG without end, refusals."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np

from tests.grab.video import moving


class Handler(SimpleHTTPRequestHandler):
    """MJPEG: `/mjpeg` never ends, `/once` ends after 5 pictures, `/stall` hangs after 5. HLS under way: `/live.m3u8`,
    `/kamera`. `/silent` never answers, `/401` refuses; anything else is a file."""

    stop: threading.Event
    began: float

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        with suppress(ConnectionError):
            name = self.path.split("?")[0]
            if name in ("/mjpeg", "/once", "/stall"):
                self._mjpeg(100_000 if name == "/mjpeg" else 5)
                self.stop.wait(60 if name == "/stall" else 0)
            elif name in ("/live.m3u8", "/kamera"):
                self._live_playlist()
            elif name == "/silent":
                self.stop.wait(60)
            elif name == "/401":
                self.send_error(401)
            else:
                super().do_GET()

    def _live_playlist(self) -> None:
        """The segments of `/hls` one after the other, each when its time has come."""
        segments = sorted((Path(self.directory) / "hls").glob("*.ts"), key=lambda path: int(path.stem[4:]))
        number = 1 + int((time.monotonic() - self.began) / 2)
        lines = ["#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-TARGETDURATION:2", "#EXT-X-MEDIA-SEQUENCE:0"]
        for segment in segments[:number]:
            lines += ["#EXTINF:2.0,", f"/hls/{segment.name}"]
        body = "\n".join([*lines, ""]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/vnd.apple.mpegurl")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

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
    handler = type("Serving", (Handler,), {"stop": stop, "began": time.monotonic()})
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
