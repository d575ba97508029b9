"""The server in a thread, for callers without an event loop (tests, the bench)."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.demo.rtsp.server import RtspServer
from pipeline.demo.rtsp.stream import Clock, Stream


class ServerThread:
    """A running server; every method waits until the server has done it."""

    def __init__(self, server: RtspServer) -> None:
        self.server = server
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="rtsp-server", daemon=True)

    @property
    def port(self) -> int:
        """The port listened on."""
        return self.server.port

    def url(self, name: str) -> str:
        """The address of a stream, without credentials."""
        return self.server.url(name)

    def start(self) -> None:
        """Start the thread and the server; raises what `RtspServer.start` raises."""
        self._thread.start()
        try:
            self._wait(self.server.start())
        except BaseException:
            self._end()
            raise

    def stop(self) -> None:
        """Stop the server and the thread."""
        self._wait(self.server.stop())
        self._end()

    def add(self, name: str, stream: Stream | Path) -> None:
        """See `RtspServer.add`."""
        self._wait(self.server.add(name, stream))

    def remove(self, name: str) -> None:
        """See `RtspServer.remove`."""
        self._wait(_call(self.server.remove, name))

    def kick(self, name: str | None = None) -> None:
        """See `RtspServer.kick`."""
        self._wait(_call(self.server.kick, name))

    def stall(self, name: str) -> None:
        """See `RtspServer.stall`."""
        self._wait(_call(self.server.stall, name))

    def resume(self, name: str) -> None:
        """See `RtspServer.resume`."""
        self._wait(_call(self.server.resume, name))

    def _wait(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=60)

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()


async def _call(function: Callable[[Any], None], argument: str | None) -> None:
    function(argument)


@contextmanager
def serve_in_thread(
    streams: Mapping[str, Path | Stream],
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    loop: bool = True,
    clock: Clock = "server",
) -> Iterator[ServerThread]:
    """Serve `streams` while the block runs; arguments as of `RtspServer`."""
    thread = ServerThread(RtspServer(streams, host, port, loop=loop, clock=clock))
    thread.start()
    try:
        yield thread
    finally:
        thread.stop()
