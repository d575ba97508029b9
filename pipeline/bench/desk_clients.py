"""Clients of the desk's bench, a process of their own: `python -m pipeline.bench.desk_clients SPEC.json`.

Each open desk does what the page's script does: it listens to the stream, and once something changed it fetches the
list and the bottom line again, a burst of events at once. Readers ask for the public page at a steady rate.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SETTLE_S = 0.1
"""The page's script waits so long before it fetches, so that a burst costs one request (live.js)."""
PARTS = ("/isi", "/keadaan")
TIMEOUT_S = 120.0


@dataclass
class Taken:
    """What all clients saw: arrivals `(desk, event, id, what, epoch ms)`, answers by status, their times (ms)."""

    arrivals: list[tuple[int, str, str, str, float]] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    fetches: list[float] = field(default_factory=list)
    open: int = 0


class Line:
    """One kept-alive HTTP/1.1 connection, opened again when the desk has closed it."""

    def __init__(self, port: int, cookie: str = "") -> None:
        self._port, self._cookie = port, f"cookie: siaga_session={cookie}\r\n" if cookie else ""
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def send(self, path: str, more: str = "") -> tuple[int, dict[str, str], asyncio.StreamReader]:
        """Ask, and return status and headers; the body is still in the reader.

        Raises:
            OSError: The desk does not answer.
            asyncio.IncompleteReadError: It hung up while it answered.
        """
        if self._writer is None or self._reader is None or self._reader.at_eof():
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writer.write(f"GET {path} HTTP/1.1\r\nhost: siaga\r\n{self._cookie}{more}\r\n".encode())
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
        return int(head[0].split()[1]), headers, self._reader

    async def get(self, path: str, more: str = "") -> tuple[int, bytes]:
        """Ask, and return status and body."""
        status, headers, reader = await self.send(path, more)
        return status, await reader.readexactly(int(headers.get("content-length", 0)))

    def close(self) -> None:
        """Hang up."""
        if self._writer is not None:
            self._writer.close()


async def desk(number: int, port: int, token: str, fetch: bool, taken: Taken) -> None:
    """Sit at a desk until cancelled."""
    stream, parts, changed = Line(port, token), Line(port, token), asyncio.Event()
    renewing = asyncio.ensure_future(_renew(parts, changed, taken)) if fetch else None
    try:
        _, _, reader = await stream.send("/arus", "accept: text/event-stream\r\n")
        event = ""
        while line := await reader.readline():  # chunk sizes stand between the events, and match nothing
            text = line.decode().rstrip()
            if text.startswith("event: "):
                event = text[7:]
            elif text.startswith("data: ") and event in ("incident", "camera", "again"):
                told = json.loads(text[6:])
                taken.arrivals.append((number, event, told["id"], told["what"], time.time() * 1000))
                changed.set()
            elif text.startswith("data: ") and event == "tick":
                taken.open += 1
    finally:
        stream.close()
        parts.close()
        if renewing is not None:
            renewing.cancel()


async def _renew(line: Line, changed: asyncio.Event, taken: Taken) -> None:
    """Fetch the parts of the page again after each burst of changes."""
    while True:
        await changed.wait()
        await asyncio.sleep(SETTLE_S)
        changed.clear()
        for path in PARTS:
            began = time.perf_counter()
            status, _ = await asyncio.wait_for(line.get(path, "x-siaga: part\r\n"), TIMEOUT_S)
            taken.statuses[f"{path} {status}"] += 1
            taken.fetches.append((time.perf_counter() - began) * 1000)


async def read_publicly(port: int, rate: int, seconds: float, lines: int, taken: Taken) -> None:
    """Ask for the public page `rate` times a second over `lines` connections, each at its own steady times.

    Times are taken from when a request was due, so that a desk that falls behind cannot hide it.
    """
    began = time.perf_counter()

    async def one(offset: int) -> None:
        line = Line(port)
        for turn in range(int(rate * seconds) // lines):
            due = began + (turn * lines + offset) / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            status, _ = await line.get("/publik", "accept-encoding: gzip\r\n")
            taken.statuses[f"/publik {status}"] += 1
            taken.fetches.append((time.perf_counter() - due) * 1000)
        line.close()

    await asyncio.gather(*(one(offset) for offset in range(lines)))


async def work(spec: dict[str, Any]) -> Taken:
    """Do what the file says: sit at desks until standard input ends, or read publicly for a time."""
    taken = Taken()
    if "rate" in spec:
        await read_publicly(spec["port"], spec["rate"], spec["seconds"], spec["lines"], taken)
        return taken
    seats: Sequence[str] = spec["tokens"]
    desks = [
        asyncio.ensure_future(desk(number, spec["port"], token, spec["fetch"], taken))
        for number, token in enumerate(seats)
    ]
    while taken.open < len(seats):  # the first beat comes with the stream
        await asyncio.sleep(0.05)
        for one in desks:
            if one.done():
                one.result()
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for one in desks:
        one.cancel()
    await asyncio.gather(*desks, return_exceptions=True)
    return taken


if __name__ == "__main__":
    found = asyncio.run(work(json.loads(Path(sys.argv[1]).read_text())))
    result = {"arrivals": found.arrivals, "statuses": dict(found.statuses), "fetches": found.fetches}
    Path(sys.argv[2]).write_text(json.dumps(result))
