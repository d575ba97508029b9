"""One client's connection: frames in, handled one after the other, answers out in the same order."""

import asyncio
import logging
import struct
from typing import TYPE_CHECKING, Any, TypeVar

from pipeline.bus.embedded import metrics, wire
from pipeline.bus.embedded.errors import Code, Disconnected, ProtocolError
from pipeline.bus.embedded.wire import Api, Request

if TYPE_CHECKING:
    from pipeline.bus.embedded.broker import EmbeddedBroker

logger = logging.getLogger(__name__)

T = TypeVar("T")
# What a frame counts at least: many tiny ones take memory too.
SMALLEST_COUNTED = 4096


class Connection:
    """Reads ahead a few requests while one is handled, which also shows when the client goes away while that one waits.

    Args:
        broker: whose topics and groups the requests are about.
        apis: the requests that are understood, by key.
        reader, writer: the accepted connection.
    """

    def __init__(
        self,
        broker: "EmbeddedBroker",
        apis: dict[int, Api],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.broker = broker
        self.client_id = ""
        self._apis = apis
        self._reader = reader
        self._writer = writer
        self._frames: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._waiting_bytes = 0
        self._room = asyncio.Event()
        self._room.set()
        self._gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def local(self) -> tuple[str, int]:
        """Host and port under which this client reached the broker, and can reach it again."""
        name = self._writer.get_extra_info("sockname") or ("127.0.0.1", 0)
        return str(name[0]), int(name[1])

    @property
    def peer(self) -> str:
        """The client's address."""
        name = self._writer.get_extra_info("peername") or ("?",)
        return str(name[0])

    async def serve(self) -> None:
        """Answer requests until the client goes or sends something that is no request."""
        reading = asyncio.create_task(self._read_frames())
        reading.add_done_callback(self._ended)
        try:
            while (frame := await self._frames.get()) is not None:
                await self._answer(frame)
                self._count(-max(len(frame), SMALLEST_COUNTED))
        except ProtocolError as error:
            self.refuse(error.reason)
        except (ConnectionError, TimeoutError, Disconnected):
            logger.debug("%s went away", self.peer)
        finally:
            reading.cancel()
            self._writer.close()

    def refuse(self, reason: str) -> None:
        """Count why this connection is closed."""
        metrics.CLOSED.labels(reason).inc()
        logger.warning("connection of %s closed: %s", self.peer, reason)

    async def _read_frames(self) -> None:
        try:
            while await self._room.wait():
                (size,) = struct.unpack(">i", await self._reader.readexactly(4))
                if not 0 <= size <= self.broker.limits.request_bytes:
                    self.refuse("frame_size")
                    break
                frame = await self._reader.readexactly(size)
                metrics.BYTES_IN.inc(size + 4)
                self._count(max(size, SMALLEST_COUNTED))
                self._frames.put_nowait(frame)
        except asyncio.IncompleteReadError as error:
            if error.partial:
                self.refuse("torn_frame")
        except (ConnectionError, TimeoutError) as error:
            logger.debug("%s: %s", self.peer, error)

    def _count(self, change: int) -> None:
        """Keep count of the bytes read ahead, so that no more are read than there is room for."""
        self._waiting_bytes += change
        if self._waiting_bytes < self.broker.limits.read_ahead_bytes:
            self._room.set()
        else:
            self._room.clear()

    def _ended(self, reading: asyncio.Task[None]) -> None:
        """No more frames will come: the one that is handled may stop waiting, those read before are still handled."""
        if not reading.cancelled() and (error := reading.exception()) is not None:
            logger.error("reading from %s failed", self.peer, exc_info=error)
        self._gone.set_result(None)
        self._frames.put_nowait(None)

    async def _answer(self, frame: bytes) -> None:
        try:
            request = wire.decode(frame, self._apis)
        except wire.UnsupportedVersionError as error:
            await self._send(wire.unsupported_version(error.correlation, self._apis, Code.UNSUPPORTED_VERSION))
            return
        self.client_id = request.client_id
        response = await self._handle(request)
        metrics.REQUESTS.labels(request.api.name).inc()
        if response is not None:
            await self._send(response)

    async def _handle(self, request: Request) -> list[bytes] | None:
        try:
            response = await request.api.handler(self, request.body, request.version)
            if response is None:
                return None
            return wire.encode(request.api, request.version, request.correlation, response)
        except (Disconnected, ConnectionError):
            raise
        except Exception as error:
            # A request that decodes can still hold what no handler foresaw; it must cost its own connection only.
            logger.exception("%s v%d of %s failed", request.api.name, request.version, self.peer)
            raise ProtocolError("handler_error") from error

    async def _send(self, buffers: list[bytes]) -> None:
        self._writer.writelines(buffers)
        metrics.BYTES_OUT.inc(sum(len(buffer) for buffer in buffers))
        await self._writer.drain()

    async def wait(self, waited: "asyncio.Future[T]", timeout_s: float | None = None) -> T | None:
        """Wait for `waited`; None when the time is over first.

        Raises:
            Disconnected: the client closed the connection meanwhile.
        """
        either: set[asyncio.Future[Any]] = {waited, self._gone}
        await asyncio.wait(either, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        if waited.done():
            return waited.result()
        if self._gone.done():
            raise Disconnected
        return None

    def abort(self) -> None:
        """Close the connection now (the broker stops)."""
        self._writer.transport.abort()


def refused(api: str, code: Code) -> int:
    """Count a refusal inside an answer and return the code as the protocol's number."""
    if code is not Code.NONE:
        metrics.REQUEST_ERRORS.labels(api, code.name.lower()).inc()
    return int(code)
