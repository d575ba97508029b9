"""`python -m pipeline.demo.rtsp [--port P] [--once] [--clock client] (--dir DIR | FILE...)`.

Prints one line `ready port=PORT streams=NAME,NAME` when it serves, then goes on until SIGTERM or SIGINT.
"""

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path

from pipeline.demo.rtsp.nal import MediaError
from pipeline.demo.rtsp.server import RtspServer
from pipeline.demo.rtsp.stream import Stream


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pipeline.demo.rtsp", description="Serve files as RTSP cameras.")
    parser.add_argument("files", nargs="*", type=Path, help="H.264 or H.265 files; each is served under its stem")
    parser.add_argument("--dir", type=Path, help="serve every file of this folder")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any free one, see the line printed")
    parser.add_argument("--once", action="store_true", help="play once and end instead of looping")
    parser.add_argument("--clock", choices=["server", "client"], default="server")
    parser.add_argument("--user", help="ask for this user ...")
    parser.add_argument("--password", help="... and password (Basic)")
    return parser


async def _serve(options: argparse.Namespace) -> None:
    """Serve until a signal asks to stop."""
    files = [*options.files, *(sorted(p for p in options.dir.iterdir() if p.is_file()) if options.dir else [])]
    streams = {
        path.stem: Stream(path, None, not options.once, options.clock, options.user, options.password) for path in files
    }
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with RtspServer(streams, options.host, options.port) as server:
        print(f"ready port={server.port} streams={','.join(server.names)}", flush=True)
        await stop.wait()


def main() -> int:
    """Entry of the process; 2 with one line of explanation when a file or the port cannot be served."""
    logging.basicConfig(level=logging.WARNING)
    options = _parser().parse_args()
    if not options.files and not options.dir:
        _parser().error("give --dir or files")
    try:
        asyncio.run(_serve(options))
    except (MediaError, OSError) as error:
        print(f"rtsp server: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
