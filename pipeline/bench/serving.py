"""The cameras of the bench: `python -m pipeline.bench.serving SPEC.json` serves films over RTSP.

The file holds a list of `{"name", "film", "before"}`; `before` (may be null) is played once, from when the camera is
first watched. Plain cameras are started one after the other within a second: real ones do not send their keyframes
all at the same moment.
"""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline.demo.rtsp import RtspServer, Stream
from pipeline.ops.errors import SiagaError


class BenchError(SiagaError):
    """The bench cannot measure; the message says what failed."""


@dataclass(frozen=True)
class Served:
    """One camera: its name, the film it loops, and what it shows once before that."""

    name: str
    film: str
    before: str | None = None


async def _serve(cameras: Sequence[Served]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with RtspServer(host="127.0.0.1") as server:
        for camera in cameras:
            before = Path(camera.before) if camera.before else None
            await server.add(camera.name, Stream(Path(camera.film), before, start="watched" if before else "added"))
            await asyncio.sleep(1 / len(cameras))
        print(server.port, flush=True)
        await stop.wait()


@contextmanager
def serving(cameras: Sequence[Served], folder: Path) -> Iterator[str]:
    """Serve cameras in a process of its own; gives the address that their names are added to.

    Raises:
        BenchError: The server did not start.
    """
    spec = folder / "served.json"
    spec.write_text(json.dumps([asdict(camera) for camera in cameras]))
    process = subprocess.Popen([sys.executable, "-m", __name__, str(spec)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        port = process.stdout.readline().strip()
        if not port:
            raise BenchError("the server of the bench's cameras did not start")
        yield f"rtsp://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


if __name__ == "__main__":
    asyncio.run(_serve([Served(**item) for item in json.loads(Path(sys.argv[1]).read_text())]))
