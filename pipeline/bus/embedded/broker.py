"""The embedded broker: a small single-node server of the Kafka protocol, for one machine and for tests.

It is not Apache Kafka and does not replace it for a city: one node, no replication, no transactions, no authentication,
no fsync. See docs/decisions for what it guarantees.
"""

import asyncio
import logging
import socket
from collections.abc import Callable
from pathlib import Path

from pipeline.bus.embedded import (
    compaction,
    handlers_admin,
    handlers_data,
    handlers_group,
    handlers_offsets,
    metrics,
    storage,
)
from pipeline.bus.embedded.connection import Connection
from pipeline.bus.embedded.coordinator import Coordinator
from pipeline.bus.embedded.limits import MIB, Limits
from pipeline.bus.embedded.log import epoch_ms
from pipeline.bus.embedded.offsets import OffsetStore
from pipeline.bus.embedded.topics import TopicStore

logger = logging.getLogger(__name__)

APIS = {
    api.key: api for api in (*handlers_data.APIS, *handlers_admin.APIS, *handlers_group.APIS, *handlers_offsets.APIS)
}


class EmbeddedBroker:
    """One broker on one folder.

    Args:
        folder: everything it keeps; made when missing. Only one process may serve it.
        limits: bounds on clients, topics and groups.
        clock: epoch ms.
    """

    def __init__(self, folder: Path, limits: Limits | None = None, clock: Callable[[], int] = epoch_ms) -> None:
        self.folder = folder
        self.limits = limits or Limits()
        self.apis = APIS
        self.cluster_id = ""
        self.coordinator = Coordinator(folder / "groups.json", self.limits)
        self.topics = TopicStore(folder / "topics", self.limits, clock)
        self.offsets: OffsetStore
        self.producer_ids: storage.ProducerIds
        self._clock = clock
        self._lock: storage.FolderLock | None = None
        self._server: asyncio.Server | None = None
        self._connections: dict[Connection, asyncio.Task[None]] = {}
        self._chores: list[asyncio.Task[None]] = []

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Open the folder and listen; port 0 takes a free one.

        Returns:
            The port, also written to the file `port` in the folder.

        Raises:
            storage.LockedError: another process serves the folder.
            OSError: the address is in use, or the folder cannot be used.
        """
        self._lock = storage.FolderLock(self.folder)
        try:
            self._open()
            self._server = await asyncio.start_server(self._accept, host, port, limit=4 * MIB, backlog=512)
        except BaseException:
            await self.stop()
            raise
        bound = int(self._server.sockets[0].getsockname()[1])
        storage.write_atomically(self.folder / "port", str(bound))
        self._chores = [asyncio.create_task(self._tick_groups()), asyncio.create_task(self._tend_logs())]
        return bound

    def _open(self) -> None:
        self.cluster_id = storage.cluster_id(self.folder)
        self.producer_ids = storage.ProducerIds(self.folder)
        self.offsets = OffsetStore(self.folder / "offsets.jsonl", self._clock)
        self.coordinator.load()
        self.topics.load(verify=storage.machine_rebooted(self.folder))

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(self, self.apis, reader, writer)
        task = asyncio.current_task()
        if task is None or len(self._connections) >= self.limits.connections:
            connection.refuse("too_many")
            writer.close()
            return
        # A client machine that vanished without a word must not hold its connection for ever.
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        metrics.CONNECTIONS.inc()
        self._connections[connection] = task
        metrics.OPEN_CONNECTIONS.set(len(self._connections))
        try:
            await connection.serve()
        finally:
            del self._connections[connection]
            metrics.OPEN_CONNECTIONS.set(len(self._connections))

    async def _tick_groups(self) -> None:
        while True:
            await asyncio.sleep(self.limits.tick_ms / 1000)
            self.coordinator.tick()

    async def _tend_logs(self) -> None:
        while True:
            await asyncio.sleep(self.limits.retention_tick_ms / 1000)
            for topic in self.topics.topics.values():
                metrics.LOG_BYTES.labels(topic.name).set(sum(log.size for log in topic.partitions))
            for log in self.topics.logs():
                try:
                    metrics.SEGMENTS_DROPPED.labels("retention").inc(log.enforce_retention())
                    await compaction.compact(log, self._clock)
                    log.close_idle()
                except OSError as error:
                    logger.error("%s: retention failed, tried again later: %s", log.folder, error)

    async def stop(self) -> None:
        """Close connections, files and the lock. What was acknowledged is in the files already."""
        for chore in self._chores:
            chore.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)
        if self._server is not None:
            self._server.close()
        tasks = list(self._connections.values())
        for connection in list(self._connections):
            connection.abort()
        if tasks:
            await asyncio.wait(tasks, timeout=5)
        self.topics.close()
        if hasattr(self, "offsets"):
            self.offsets.close()
        if self._lock is not None:
            self._lock.release()
