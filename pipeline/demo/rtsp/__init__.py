"""A small RTSP 1.0 server on asyncio: serves H.264 and H.265 files as cameras, over TCP and UDP, to many clients.

In a test without an event loop:

    from pipeline.demo.rtsp import Stream, serve_in_thread

    with serve_in_thread({"pasar": Path("clip.mp4")}) as server:
        av.open(server.url("pasar"), options={"rtsp_transport": "tcp"})
        server.stall("pasar")     # nothing more is sent, connections stay open (a camera that hangs)
        server.resume("pasar")    # goes on at the present moment
        server.kick("pasar")      # connections dropped; clients may come back
        server.remove("pasar")    # camera gone: 404 from now on
        server.add("lain", Stream(Path("x.mp4"), user="u", password="p"))

`Stream(path, intro=None, loop=True, clock="server", user=None, password=None,
start="added")`:

- `loop=False`: at the end RTCP BYE is sent and the connection closed (a clean end); with `clock="server"` it is
  404 from then on;
- `intro`: a programme played once before `path` (same size and codec);
- `start="watched"`: with the server's clock, second 0 is when the first client plays the stream;
- `clock="server"`: all clients see the same moment, second 0 is when the stream was added, a late client begins at the
  nearest keyframe; `clock="client"`: each client begins at the file's second 0 (tests that count frames want this).

On asyncio: `async with RtspServer(streams, host="127.0.0.1", port=0) as server: ...` with the same methods
(`await server.add(...)`). As a process of its own, to be killed or stopped (SIGSTOP) by tests:
`python -m pipeline.demo.rtsp --port 0 clip.mp4` prints `ready port=PORT streams=clip` when it serves.
"""

from pipeline.demo.rtsp.media import Media
from pipeline.demo.rtsp.nal import MediaError
from pipeline.demo.rtsp.server import RtspServer
from pipeline.demo.rtsp.stream import Clock, Start, Stream
from pipeline.demo.rtsp.thread import ServerThread, serve_in_thread

__all__ = ["Clock", "Media", "MediaError", "RtspServer", "ServerThread", "Start", "Stream", "serve_in_thread"]
