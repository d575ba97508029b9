"""A source of encoded pictures: RTSP, HTTP MJPEG, HLS, a video file or a folder of pictures, all by PyAV."""

import io
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from pipeline.grab.faults import DECODE_ERRORS, SourceFaultError, fault_of
from pipeline.grab.times import StreamClock
from pipeline.ops.clock import Clock, now_ms
from pipeline.ops.sections import GrabSection

NETWORK = ("rtsp", "rtsps", "http", "https")
MAX_PIXELS = 8192 * 4608
"""A picture larger than this is a damaged header, not a camera."""
PICTURES = "pictures"
"""The codec that a folder of pictures gives: each packet names its own."""
HLS_READ_S = 20.0
"""HLS segments are up to ten seconds long and come one at a time."""
INVENTED_STAMPS = ("mpjpeg", "mjpeg", "image2", "jpeg_pipe")


@dataclass(slots=True)
class Unit:
    """One encoded picture: stream second `t_s` of its showing, arrival in UTC epoch ms, whether it stands alone.

    `captured_ms` is set by the live camera loop (wall time without network jitter); until then it is the arrival.
    """

    packet: "Packet[Any]"
    t_s: float
    key: bool
    size: int
    arrived_ms: int
    captured_ms: int


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """What a source says of itself; width and height in px (0 where unknown), `fps` None where unknown.

    `template` is a stream to remux by, kept alive apart from the source (see `Template`).
    """

    codec: str
    width: int
    height: int
    fps: float | None
    live: bool
    extradata: bytes | None = None
    pix_fmt: str | None = None
    template: "Template | None" = None


class Template:
    """The codec parameters of a stream, usable for remuxing after the source is closed.

    PyAV copies them only from stream to stream, and a stream dies with its container: so they are parked in a
    container of our own that is never written.
    """

    def __init__(self, stream: VideoStream) -> None:
        self._container = av.open(io.BytesIO(), "w", format="mp4")
        self.stream = self._container.add_stream_from_template(stream, opaque=True)


class Source(Protocol):
    """An open source."""

    info: StreamInfo

    def units(self) -> Iterator[Unit]:
        """Yield encoded pictures in decoding order until the stream ends.

        Raises:
            SourceFaultError: The stream broke off or nothing came within the read timeout.
        """

    def close(self) -> None:
        """Release it; may be called twice."""


def _options(url: str) -> dict[str, str]:
    """Return FFmpeg's options for a network source."""
    if url.startswith("rtsp"):
        return {"rtsp_transport": "tcp", "allowed_media_types": "video", "analyzeduration": "2000000"}
    return {"user_agent": "Siaga", "live_start_index": "-1", "analyzeduration": "2000000"}


def is_network(url: str) -> bool:
    """Tell whether `url` is read over the network."""
    return urlsplit(url).scheme.lower() in NETWORK


def local_path(url: str) -> Path:
    """Return the path of a file or folder given as a path or a `file:` URL.

    Raises:
        SourceFaultError: Neither a known scheme nor something that exists.
    """
    path = Path(urlsplit(url).path) if url.startswith("file://") else Path(url)
    with suppress(OSError, ValueError):
        if path.is_file() or path.is_dir():
            return path
        if path.exists():
            raise SourceFaultError("unsupported", "neither a file nor a folder")
    if "://" in url:
        raise SourceFaultError("unsupported", f"scheme {url.partition('://')[0][:20]!r}")
    raise SourceFaultError("not_found", "no such file or folder")


class VideoSource:
    """A container opened by PyAV.

    Args:
        url: RTSP or HTTP URL, or the path of an existing file.
        grab: Timeouts.
        clock: Stamps arrivals.
        start_s: Skip to the last keyframe at or before this second (files).

    Raises:
        SourceFaultError: It cannot be opened.
    """

    def __init__(self, url: str, grab: GrabSection, clock: Clock = now_ms, start_s: float = 0.0) -> None:
        self._clock = clock
        self._container, self._read_s = _open_patiently(url, grab)
        try:
            self._stream = self._pick()
            self.info = self._describe(is_network(url))
            if start_s > 0:
                self._container.seek(int(start_s * av.time_base) + (self._container.start_time or 0))
        except (*DECODE_ERRORS, SourceFaultError) as error:
            self.close()
            raise error if isinstance(error, SourceFaultError) else fault_of(error, 0, grab.open_timeout_s) from None
        self._times = self._stream_clock(start_s)

    def _pick(self) -> VideoStream:
        """Return the first video stream that is not a cover picture."""
        streams = [s for s in self._container.streams.video if s.codec_context is not None]
        if not streams:
            raise SourceFaultError("no_video")
        return streams[0]

    def _describe(self, network: bool) -> StreamInfo:
        context = self._stream.codec_context
        width, height = context.width, context.height
        if width * height > MAX_PIXELS:
            raise SourceFaultError("too_large", f"{width}x{height}")
        rate = self._stream.average_rate or self._stream.guessed_rate
        fps = float(rate) if rate and 0 < rate <= 1000 else None
        return StreamInfo(
            codec=context.name,
            width=width,
            height=height,
            fps=fps,
            live=network and not self._container.duration,
            extradata=context.extradata,
            pix_fmt=context.pix_fmt,
            template=self._template(),
        )

    def _template(self) -> Template | None:
        """Park the codec parameters where mp4 can carry the codec."""
        try:
            return Template(self._stream)
        except DECODE_ERRORS:
            return None

    def _stream_clock(self, start_s: float) -> StreamClock:
        base, start = self._stream.time_base, self._stream.start_time
        first = float(start * base) if start is not None and base else (0.0 if start_s > 0 else None)
        guessed = self._stream.guessed_rate
        return StreamClock(
            live=self.info.live,
            trust=not (is_stampless(self._container.format.name) and self.info.live),
            step_s=1 / float(guessed) if guessed and guessed > 0 else 0.04,
            start_s=first,
        )

    def units(self) -> Iterator[Unit]:
        """See `Source.units`."""
        started = time.monotonic()
        try:
            for packet in self._container.demux(self._stream):
                if packet.size:
                    yield self._unit(packet)
                started = time.monotonic()
        except DECODE_ERRORS as error:
            fault = fault_of(error, time.monotonic() - started, self._read_s)
            raise SourceFaultError("ended", "connection lost") if fault.reason == "unreachable" else fault from None
        if self.info.live and time.monotonic() - started >= 0.9 * self._read_s:
            raise SourceFaultError("timeout", f"within {self._read_s:g} s")  # HLS ends quietly when its patience ends

    def _unit(self, packet: "Packet[Any]") -> Unit:
        stamp = packet.pts if packet.pts is not None else packet.dts
        arrived = self._clock()
        base: Fraction | None = packet.time_base
        t = self._times.at(float(stamp * base) if stamp is not None and base else None, arrived)
        return Unit(packet, t, packet.is_keyframe, packet.size, arrived, arrived)

    def close(self) -> None:
        """See `Source.close`."""
        with suppress(*DECODE_ERRORS):
            self._container.close()


def is_stampless(format_name: str) -> bool:
    """Tell whether the container of this name makes its time stamps up."""
    return any(name in INVENTED_STAMPS for name in format_name.split(","))


def _open_patiently(url: str, grab: GrabSection) -> tuple[InputContainer, float]:
    """Open a container; return it with the seconds that a read may take.

    HLS gives nothing between two segments of some seconds: it gets more patience, and where the URL does not tell, it
    is opened a second time for that.
    """
    slow_s = max(grab.read_timeout_s, HLS_READ_S)
    read_s = slow_s if urlsplit(url).path.endswith(".m3u8") else grab.read_timeout_s
    container = _open(url, grab, read_s)
    if is_network(url) and container.format.name == "hls" and read_s < slow_s:
        container.close()
        return _open(url, grab, slow_s), slow_s
    return container, read_s


def _open(url: str, grab: GrabSection, read_s: float) -> InputContainer:
    """Open a container. A stalled read of RTSP ends after about twice the value that FFmpeg is given (measured)."""
    network = is_network(url)
    started = time.monotonic()
    try:
        return av.open(
            url if network else f"file:{local_path(url)}",
            "r",
            options=_options(url) if network else {},
            metadata_errors="ignore",
            timeout=(grab.open_timeout_s, read_s / 2 if url.startswith("rtsp") else read_s),
        )
    except DECODE_ERRORS as error:
        raise fault_of(error, time.monotonic() - started, grab.open_timeout_s) from None
