"""The RTSP server itself, on asyncio or in a thread of its own."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from pipeline.demo.rtsp.session import READ_LIMIT, Session
from pipeline.demo.rtsp.stream import Clock, LiveStream, Stream


class RtspServer:
    """Serves files as RTSP cameras at `rtsp://host:port/NAME`; `async with` starts and stops it.

    Raises `MediaError` on entering when a file cannot be served, `OSError` when the port is taken.
    """

    def __init__(
        self,
        streams: Mapping[str, Path | Stream] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        loop: bool = True,
        clock: Clock = "server",
    ) -> None:
        """`loop` and `clock` are for the streams given as a plain path."""
        self._wanted = {
            name: what if isinstance(what, Stream) else Stream(what, loop=loop, clock=clock)
            for name, what in (streams or {}).items()
        }
        self.host = host
        self.port = port
        self._streams: dict[str, LiveStream] = {}
        self._sessions: set[Session] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    def url(self, name: str) -> str:
        """The address of a stream, without credentials."""
        return f"rtsp://{self.host}:{self.port}/{name}"

    @property
    def names(self) -> list[str]:
        """Names being served."""
        return list(self._streams)

    @property
    def clients(self) -> int:
        """Connections open now."""
        return len(self._sessions)

    async def start(self) -> None:
        """Load the files and listen; `port` is then the real one."""
        for name, stream in self._wanted.items():
            await self.add(name, stream)
        self._server = await asyncio.start_server(self._connected, self.host, self.port, limit=READ_LIMIT)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def add(self, name: str, stream: Stream | Path) -> None:
        """Serve one more stream from now on (its second 0), or replace the one of that name for new clients."""
        config = stream if isinstance(stream, Stream) else Stream(stream)
        self._streams[name] = await asyncio.to_thread(LiveStream, config)

    def remove(self, name: str) -> None:
        """Stop serving a name and drop its clients: the camera is gone."""
        if self._streams.pop(name, None):
            self.kick(name)

    def kick(self, name: str | None = None) -> None:
        """Drop the connections of a stream's clients (of all streams without a name); they may come back."""
        gone = None if name is None else self._streams.get(name)
        for session in list(self._sessions):
            if name is None or session.stream is gone or session.stream not in self._streams.values():
                session.kick()

    def stall(self, name: str) -> None:
        """Send nothing more on a stream while its connections stay open: the camera hangs."""
        self._streams[name].flowing.clear()

    def resume(self, name: str) -> None:
        """End a stall."""
        self._streams[name].flowing.set()

    async def stop(self) -> None:
        """Stop listening and drop all connections."""
        if self._server:
            self._server.close()
        self.kick()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _find(self, name: str) -> LiveStream | None:
        stream = self._streams.get(name)
        return None if stream is None or stream.ended else stream

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = Session(reader, writer, self._find, self.host)
        task = asyncio.current_task()
        assert task is not None
        self._sessions.add(session)
        self._tasks.add(task)
        try:
            await session.run()
        finally:
            self._sessions.discard(session)
            self._tasks.discard(task)
