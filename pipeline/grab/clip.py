"""Clips as mp4 that every browser plays: remuxed from the ring without re-encoding, or made of sampled frames.

H.264 in 4:2:0 is remuxed; anything else (H.265, MJPEG) is encoded once. `moov` comes first, so playing begins before
the whole file is there.
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av
import cv2
import numpy as np
from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import VideoFrame

from pipeline.bus.records import Frame
from pipeline.grab.decode import GopDecoder
from pipeline.grab.faults import DECODE_ERRORS
from pipeline.grab.ring import Cut
from pipeline.grab.source import StreamInfo, Unit
from pipeline.ops.errors import SourceError

TICKS = 90_000
LAST_FRAME_S = 0.5
PLAYABLE = ("yuv420p", "yuvj420p")
MAX_STEP_S, MAX_DRIFT_S = 2.0, 1.0
MAX_SIDE = 1920
"""What has to be encoded is encoded no larger than this, px."""


@dataclass(frozen=True, slots=True)
class Clip:
    """An mp4 file and the wall time it covers, UTC epoch ms."""

    data: bytes
    start_ms: int
    end_ms: int
    made_from: Literal["ring", "frames"]


def can_remux(info: StreamInfo) -> bool:
    """Tell whether browsers play this stream as it is."""
    return info.codec == "h264" and info.template is not None and info.pix_fmt in (*PLAYABLE, None)


def clip_from_ring(cut: Cut, around_ms: int) -> Clip:
    """Make a clip of a piece of the ring.

    Args:
        cut: Packets.
        around_ms: The moment that must be in it; where the camera's format changed, its format there is used.

    Raises:
        SourceError: The packets cannot be put into a clip.
    """
    units, info = _one_format(cut, around_ms)
    try:
        data = _remux(info, units) if can_remux(info) else _encode(_decoded(info, units))
    except DECODE_ERRORS as error:
        raise SourceError(f"no clip could be made of the ring: {type(error).__name__}") from error
    return Clip(data, units[0].captured_ms, max(unit.captured_ms for unit in units), "ring")


def clip_from_frames(frames: list[Frame]) -> Clip:
    """Make a clip of sampled frames, each shown until the next one's time.

    Raises:
        SourceError: There are none, or none can be decoded.
    """
    if not frames:
        raise SourceError("no frames")
    ordered = sorted({frame.captured_ms: frame for frame in frames}.values(), key=lambda frame: frame.captured_ms)
    try:
        data = _encode(_pictures(ordered))
    except DECODE_ERRORS as error:
        raise SourceError(f"no clip could be made of frames: {type(error).__name__}") from error
    return Clip(data, ordered[0].captured_ms, ordered[-1].captured_ms, "frames")


def _one_format(cut: Cut, around_ms: int) -> tuple[list[Unit], StreamInfo]:
    """Return the packets around a moment that share one format, over reconnections."""
    at = max((i for i, (_, units) in enumerate(cut.parts) if units[0].captured_ms <= around_ms), default=0)
    info = cut.parts[at][0]
    first = last = at
    while first > 0 and _same(cut.parts[first - 1][0], info):
        first -= 1
    while last + 1 < len(cut.parts) and _same(cut.parts[last + 1][0], info):
        last += 1
    return [unit for _, units in cut.parts[first : last + 1] for unit in units], info


def _same(a: StreamInfo, b: StreamInfo) -> bool:
    return (a.codec, a.width, a.height, a.extradata) == (b.codec, b.width, b.height, b.extradata)


def _remux(info: StreamInfo, units: list[Unit]) -> bytes:
    """Copy packets into an mp4."""
    template = info.template
    if template is None:
        raise ValueError("no template")

    def write(out: OutputContainer) -> None:
        stream = out.add_stream_from_template(template.stream, opaque=True)
        stream.time_base = Fraction(1, TICKS)
        dts = -1 << 40
        for unit, shown in zip(units, _smooth(units), strict=True):
            packet = _copy(unit)
            dts = max(dts + 1, shown - _lead(unit))
            packet.dts, packet.pts = dts, max(dts, shown)
            packet.time_base = Fraction(1, TICKS)
            packet.stream = stream
            out.mux_one(packet)

    return _written(write)


def _smooth(units: list[Unit]) -> Iterator[int]:
    """Yield times of showing: the stream's own spacing while it agrees with the wall, the wall's after a break."""
    offset = 0.0
    last: Unit | None = None
    base_ms, base_s = units[0].captured_ms, units[0].t_s
    for unit in units:
        wall_s = (unit.captured_ms - base_ms) / 1000
        jumps = last is not None and abs(unit.t_s - last.t_s) > MAX_STEP_S
        if jumps or abs(wall_s - (unit.t_s - base_s + offset)) > MAX_DRIFT_S:
            offset = wall_s - (unit.t_s - base_s)
        last = unit
        yield round((unit.t_s - base_s + offset) * TICKS)


def _lead(unit: Unit) -> int:
    """Return how much earlier than shown a packet is decoded, in ticks (B-frames)."""
    pts, dts, base = unit.packet.pts, unit.packet.dts, unit.packet.time_base
    if pts is None or dts is None or not base:
        return 0
    return max(0, min(2 * TICKS, round((pts - dts) * base * TICKS)))


def _copy(unit: Unit) -> "Packet[Any]":
    """Copy a packet, so that the ring's own stays as it is."""
    packet: Packet[Any] = Packet(bytes(unit.packet))
    packet.is_keyframe = unit.key
    return packet


def _decoded(info: StreamInfo, units: list[Unit]) -> Iterator[tuple[int, VideoFrame]]:
    """Decode packets; yields (ticks, frame) in order of showing."""
    decoder = GopDecoder(info)
    shown = {id(unit): ticks for unit, ticks in zip(units, _smooth(units), strict=True)}
    for unit in units:
        decoder.add(unit)
        for made_of, frame in decoder.advance():
            yield shown[id(made_of)], frame
    for made_of, frame in decoder.drain():
        yield shown[id(made_of)], frame


def _pictures(frames: list[Frame]) -> Iterator[tuple[int, VideoFrame]]:
    """Decode sampled frames; those that are no JPEG are passed over, the last is shown for a moment."""
    start_ms, ticks, picture = frames[0].captured_ms, 0, None
    for frame in frames:
        image = cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_COLOR)
        if image is None:
            continue
        picture = VideoFrame.from_ndarray(np.asarray(image, np.uint8), "bgr24")
        ticks = round((frame.captured_ms - start_ms) * TICKS / 1000)
        yield ticks, picture
    if picture is not None:
        yield ticks + round(LAST_FRAME_S * TICKS), picture


def _encode(frames: Iterable[tuple[int, VideoFrame]]) -> bytes:
    """Encode pictures at their times as H.264 4:2:0; sizes follow the first one."""

    def write(out: OutputContainer) -> None:
        stream: Any = None
        last = -1
        for ticks, frame in frames:
            if stream is None:
                stream = _encoder(out, frame)
            if ticks <= last:
                continue
            last = ticks
            picture = frame.reformat(stream.width, stream.height, "yuv420p")
            picture.pts, picture.time_base = ticks, Fraction(1, TICKS)
            picture.pict_type = 0
            out.mux(stream.encode(picture))
        if stream is None:
            raise ValueError("nothing to encode")
        out.mux(stream.encode(None))

    return _written(write)


def _encoder(out: OutputContainer, frame: VideoFrame) -> Any:
    """Add an H.264 stream of the frame's size, even and at most 1920 px."""
    scale = min(1.0, MAX_SIDE / max(frame.width, frame.height))
    stream = out.add_stream("libx264", rate=Fraction(25))
    stream.width = max(2, round(frame.width * scale / 2) * 2)
    stream.height = max(2, round(frame.height * scale / 2) * 2)
    stream.pix_fmt = "yuv420p"
    stream.codec_context.time_base = Fraction(1, TICKS)
    stream.options = {"preset": "veryfast", "crf": "23", "threads": "1"}
    return stream


def _written(write: Callable[[OutputContainer], None]) -> bytes:
    """Write an mp4 with its index first and return its bytes; FFmpeg has to read the file again for that."""
    with tempfile.TemporaryDirectory(prefix="siaga-clip-") as folder:
        path = Path(folder) / "clip.mp4"
        with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as out:
            write(out)
        return path.read_bytes()
