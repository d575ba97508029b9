"""The cameras of `siaga run --demo` and `siaga run --videos DIR`: films made, served over RTSP, and registered.

`serve(folder, videos, stop)` is the whole process: it writes `folder/cameras.csv` as soon as its port is known, then
brings the cameras up one by one as their films become ready (at once when they are in the cache).
"""

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import structlog

from pipeline.demo.clips import SERVED, codec_of, find_clips, ready_path
from pipeline.demo.errors import DemoError
from pipeline.demo.registry import clip_rows, registered_port, simulated_rows, write_registry
from pipeline.demo.rtsp import MediaError, RtspServer, Stream
from pipeline.demo.scenes.catalog import CAMERAS, FIRE_CAMERA
from pipeline.demo.scenes.film import Programme, make, programmes

log = structlog.get_logger(__name__)

HOST = "127.0.0.1"
REGISTRY = "cameras.csv"


def cache_folder() -> Path:
    """Where films are kept between runs: `SIAGA_CACHE`, else the user's cache folder."""
    given = os.environ.get("SIAGA_CACHE") or os.environ.get("XDG_CACHE_HOME")
    return (Path(given) if given else Path.home() / ".cache") / "siaga"


def build_demo(folder: Path, port: int, cache: Path | None = None) -> dict[str, Stream]:
    """Make all films here and now and write `folder/cameras.csv` for a server at `port`.

    Returns:
        The streams to serve, by camera id.
    """
    kept = cache or cache_folder()
    for programme in programmes():
        make(programme, kept)
    write_registry(folder / REGISTRY, simulated_rows(), HOST, port)
    return {camera.name: _simulated_stream(camera.name, kept) for camera in CAMERAS}


def _simulated_stream(name: str, cache: Path) -> Stream:
    """A simulated camera's stream: the fire camera shows its event once, counted from when it is first watched."""
    quiet = make(Programme(name, False), cache)
    if name != FIRE_CAMERA:
        return Stream(quiet)
    return Stream(quiet, intro=make(Programme(name, True), cache), start="watched")


def free_or_any(port: int) -> int:
    """`port` when it can be listened on, else 0 (any)."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return 0
    return port


class CameraServer:
    """Serves the simulated cameras, or a folder of clips, and fills the cache on the way."""

    def __init__(self, folder: Path, cache: Path | None = None, port: int = 0) -> None:
        self._folder = folder
        self._cache = cache or cache_folder()
        self._server = RtspServer(host=HOST, port=port or free_or_any(registered_port(folder / REGISTRY)))
        self._turns = asyncio.Semaphore(max(1, min(4, os.cpu_count() or 1)))

    @property
    def server(self) -> RtspServer:
        """The RTSP server."""
        return self._server

    async def run(self, stop: asyncio.Event, videos: Path | None = None) -> None:
        """Serve until `stop`; raises `DemoError` when `videos` has no clip."""
        clips = find_clips(videos) if videos else []
        async with self._server:
            rows = clip_rows(clips) if videos else simulated_rows()
            write_registry(self._folder / REGISTRY, rows, HOST, self._server.port)
            log.info("demo.serving", port=self._server.port, cameras=len(rows))
            named = [row.id for row in rows]
            work = self._clips(named, clips) if videos else self._simulated()
            making = asyncio.create_task(work)
            await stop.wait()
            making.cancel()
            await asyncio.wait([making])

    async def _simulated(self) -> None:
        """Make the films, the longest first, and serve each camera as soon as its films are there."""
        waiting = {camera.name: [p for p in programmes() if p.camera == camera.name] for camera in CAMERAS}
        async with asyncio.TaskGroup() as group:
            for name, parts in waiting.items():
                group.create_task(self._simulated_camera(name, parts))

    async def _simulated_camera(self, name: str, parts: list[Programme]) -> None:
        arguments = [[str(self._cache), part.camera, *(["event"] if part.event else [])] for part in parts]
        made = await asyncio.gather(*(self._process("pipeline.demo.scenes", each) for each in arguments))
        if all(made):
            await self._serve(name, await asyncio.to_thread(_simulated_stream, name, self._cache))

    async def _clips(self, names: Sequence[str], clips: Sequence[Path]) -> None:
        """Serve clips; what cannot be served is named once and costs the others nothing."""
        async with asyncio.TaskGroup() as group:
            for name, clip in zip(names, clips, strict=True):
                group.create_task(self._clip(name, clip))

    async def _clip(self, name: str, clip: Path) -> None:
        try:
            codec = await asyncio.to_thread(codec_of, clip)
        except DemoError as error:
            log.warning("demo.clip_refused", camera=name, reason=str(error))
            return
        ready = clip
        if codec not in SERVED:
            ready = ready_path(clip, self._cache)
            if not ready.exists() and not await self._process("pipeline.demo.clips", [str(clip), str(ready)]):
                return
        await self._serve(name, Stream(ready, start="watched"))

    async def _serve(self, name: str, stream: Stream) -> None:
        try:
            await self._server.add(name, stream)
        except MediaError as error:
            log.warning("demo.clip_refused", camera=name, reason=str(error))
            return
        log.info("demo.camera_ready", camera=name)

    async def _process(self, module: str, arguments: list[str]) -> bool:
        """Run a module in a process of its own; false when it failed, which is logged."""
        async with self._turns:
            with tempfile.TemporaryFile() as told:
                code = await _finish(_start(module, arguments, told))
                told.seek(0)
                lines = told.read().decode(errors="replace").strip().splitlines()
        if code:
            log.warning("demo.film_failed", part=arguments[-1], reason=lines[-1] if lines else code)
        return code == 0


def _start(module: str, arguments: list[str], told: IO[bytes]) -> "subprocess.Popen[bytes]":
    """Start a module as a process that writes its complaints to `told`."""
    return subprocess.Popen([sys.executable, "-m", module, *arguments], stdout=subprocess.DEVNULL, stderr=told)


async def _finish(child: "subprocess.Popen[bytes]") -> int:
    """Wait for a process; when the wait is cancelled, the process ends with it."""
    try:
        return await asyncio.to_thread(child.wait)
    except asyncio.CancelledError:
        child.kill()
        child.wait()
        raise


def serve(folder: Path, videos: Path | None, stop: threading.Event, cache: Path | None = None, port: int = 0) -> None:
    """Serve the simulated cameras (or the clips of `videos`) until `stop` is set; the body of `siaga demo`.

    Raises `DemoError` when there is nothing to serve.
    """
    asyncio.run(_until(folder, videos, stop, cache, port))


async def _until(folder: Path, videos: Path | None, stop: threading.Event, cache: Path | None, port: int) -> None:
    ended = asyncio.Event()
    running = asyncio.create_task(CameraServer(folder, cache, port).run(ended, videos))
    while not stop.is_set() and not running.done():
        await asyncio.wait([running], timeout=0.2)
    ended.set()
    await running


def serve_folder(folder: Path, videos: Path, stop: threading.Event, cache: Path | None = None, port: int = 0) -> None:
    """Serve every clip of `videos` as a camera until `stop` is set, see `serve`."""
    serve(folder, videos, stop, cache, port)
