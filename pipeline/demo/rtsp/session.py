"""One client's connection: requests in, answers out, and the task that sends the stream."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping

from pipeline.demo.rtsp.request import MAX_HEADER_BYTES, BadRequestError, Request, authorised, parse_request, response
from pipeline.demo.rtsp.stream import LiveStream
from pipeline.demo.rtsp.transport import TcpTransport, UdpTransport, choose

LOG = logging.getLogger(__name__)
METHODS = ("OPTIONS", "DESCRIBE", "SETUP", "PLAY", "GET_PARAMETER", "SET_PARAMETER", "TEARDOWN")
FIRST_REQUEST_S = 30.0
"""A connection that says nothing for this long before PLAY is closed."""

Answer = tuple[int, Mapping[str, str], str]


class Session:
    """Serves one connection; what is wrong with it ends it alone."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        find: Callable[[str], LiveStream | None],
        host: str,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._find = find
        self._host = host
        self._id = secrets.token_hex(4)
        self._transport: TcpTransport | UdpTransport | None = None
        self._sending: asyncio.Task[None] | None = None
        self.stream: LiveStream | None = None

    async def run(self) -> None:
        """Answer requests until the client leaves, the stream ends or nonsense arrives."""
        try:
            while (request := await self._next_request()) is not None:
                code, headers, body = self._answer(request)
                self._writer.write(response(code, request, headers, body))
                await self._writer.drain()
                if request.method == "TEARDOWN":
                    break
                if request.method == "PLAY" and code == 200 and self._sending is None:
                    self._sending = asyncio.create_task(self._send())
        except (BadRequestError, asyncio.LimitOverrunError) as error:
            LOG.info("rtsp: connection closed: %s", error)
            self._writer.write(response(400, None, {}))
        except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            pass  # The client is gone: nothing to tell anybody.
        finally:
            await self._close()

    async def _next_request(self) -> Request | None:
        """The next request, RTCP of the client left out; None at the end of the connection."""
        limit_s = None if self._sending else FIRST_REQUEST_S
        while True:
            async with asyncio.timeout(limit_s):
                first = await self._reader.read(1)
                if not first:
                    return None
                if first == b"$":
                    frame = await self._reader.readexactly(3)
                    await self._reader.readexactly(int.from_bytes(frame[1:], "big"))
                    continue
                if first in b"\r\n":
                    continue
                request = parse_request(first + await self._reader.readuntil(b"\r\n\r\n"))
                await self._reader.readexactly(request.body_bytes)
                return request

    def _answer(self, request: Request) -> Answer:
        """Status, headers and body for one request."""
        if request.method == "OPTIONS":
            return 200, {"Public": ", ".join(METHODS)}, ""
        if request.method not in METHODS:
            return 405, {"Allow": ", ".join(METHODS)}, ""
        session = {"Session": f"{self._id};timeout=60"}
        if request.method == "DESCRIBE" or request.method == "SETUP":
            stream = self._find(request.name)
            if stream is None:
                return 404, {}, ""
            if not authorised(request, stream.config.user, stream.config.password):
                return 401, {"WWW-Authenticate": 'Basic realm="siaga"'}, ""
            return self._describe(request, stream) if request.method == "DESCRIBE" else self._setup(request, stream)
        if request.method == "PLAY":
            return (200, session | {"Range": "npt=now-"}, "") if self._transport else (455, {}, "")
        return 200, session, ""

    def _describe(self, request: Request, stream: LiveStream) -> Answer:
        base = request.url.rstrip("/") + "/"
        return 200, {"Content-Base": base, "Content-Type": "application/sdp"}, stream.media.sdp(self._host)

    def _setup(self, request: Request, stream: LiveStream) -> Answer:
        if self._sending:
            return 455, {}, ""
        if self._transport:
            self._transport.close()
        self._transport = choose(request.headers.get("transport", ""), self._writer, self._host)
        if self._transport is None:
            return 461, {}, ""
        self.stream = stream
        return 200, {"Transport": self._transport.answer, "Session": f"{self._id};timeout=60"}, ""

    async def _send(self) -> None:
        """Send until the stream ends, then close the connection: a clean end."""
        if self.stream is None or self._transport is None:
            return
        try:
            await self.stream.send(self._transport)
        except ConnectionError:
            pass  # The client is gone; reading its connection tells the session.
        finally:
            self._writer.close()

    def kick(self) -> None:
        """Drop the connection without a word, as a camera that loses power does."""
        self._writer.transport.abort()

    async def _close(self) -> None:
        if self._sending:
            self._sending.cancel()
            await asyncio.wait([self._sending])
        if self._transport:
            self._transport.close()
        self._writer.close()


READ_LIMIT = MAX_HEADER_BYTES
"""Bytes a request may have: the limit of the connection's reader."""
