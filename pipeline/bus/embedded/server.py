"""Running the embedded broker as a process: `siaga bus` and `python -m pipeline.bus.embedded`."""

import asyncio
import logging
import signal
from pathlib import Path

from pipeline.bus.embedded import storage
from pipeline.bus.embedded.broker import EmbeddedBroker
from pipeline.bus.embedded.limits import Limits

logger = logging.getLogger(__name__)


def serve(host: str, port: int, data_dir: Path, limits: Limits | None = None) -> None:
    """Serve until SIGTERM or SIGINT; one line is logged when clients can connect.

    Args:
        host: address to listen on; clients must be able to reach it, there is no authentication.
        port: 0 takes a free one; the port in use is written to `data_dir/port`.
        data_dir: made when missing.
        limits: bounds, the defaults when None.

    Raises:
        storage.LockedError: another process serves `data_dir`.
        OSError: the address is in use, or the folder cannot be used.
    """
    storage.raise_file_limit()
    asyncio.run(_serve(host, port, data_dir, limits))


async def _serve(host: str, port: int, data_dir: Path, limits: Limits | None) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopped.set)
    broker = EmbeddedBroker(data_dir, limits)
    bound = await broker.start(host, port)
    logger.info("embedded broker ready on %s:%d, data in %s", host, bound, data_dir)
    await stopped.wait()
    await broker.stop()
    logger.info("embedded broker stopped")
