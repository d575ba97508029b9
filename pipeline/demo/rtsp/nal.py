"""Read a video file as NAL units, whatever its container (mp4, mkv, avi, ts, raw Annex B).

The bitstream filters of FFmpeg turn every container's form into Annex B, so one splitter serves all of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import av
from av.bitstream import BitStreamFilterContext
from av.video.stream import VideoStream

Codec = Literal["h264", "hevc"]
FILTERS: dict[Codec, str] = {"h264": "h264_mp4toannexb", "hevc": "hevc_mp4toannexb"}
BROKEN = (av.error.FFmpegError, OSError, ValueError)
"""What reading a broken file raises."""
H264_PARAMETER_SETS = (7, 8)
HEVC_PARAMETER_SETS = (32, 33, 34)


class MediaError(ValueError):
    """A file cannot be served; the message names the file and says why."""


@dataclass(frozen=True, slots=True)
class RawUnit:
    """One coded picture: times in seconds from the file's first picture, `nals` without start codes."""

    dts_s: float
    pts_s: float
    key: bool
    nals: list[bytes]


def nal_type(codec: Codec, nal: bytes) -> int:
    """Type number of a NAL unit (H.264 table 7-1, H.265 table 7-1)."""
    return nal[0] & 0x1F if codec == "h264" else (nal[0] >> 1) & 0x3F


def is_parameter_set(codec: Codec, nal: bytes) -> bool:
    """True for VPS, SPS and PPS: what a decoder needs before the first picture."""
    return nal_type(codec, nal) in (H264_PARAMETER_SETS if codec == "h264" else HEVC_PARAMETER_SETS)


def split_annex_b(data: bytes) -> list[bytes]:
    """Split start-code delimited bytes into NAL units; a NAL never ends with a zero byte, so padding is cut."""
    return [nal for part in data.split(b"\x00\x00\x01")[1:] if len(nal := part.rstrip(b"\x00")) > 1]


def _codec(stream: VideoStream, path: Path) -> Codec:
    """The stream's codec, or `MediaError` where it has no RTP payload format here."""
    # A damaged header leaves a stream without a decoder, whatever the type stubs promise.
    name = getattr(stream.codec_context, "name", "unknown")
    if name == "h264":
        return "h264"
    if name == "hevc":
        return "hevc"
    raise MediaError(f"{path}: codec {name} cannot be served as it is, only h264 and hevc")


def open_units(path: Path) -> tuple[Codec, float, Iterator[RawUnit]]:
    """Open `path`: its codec, the length of one frame in seconds, and its pictures in decoding order.

    Raises `MediaError` when the file cannot be opened or has no H.264/H.265 video.
    """
    try:
        container = av.open(str(path))
    except BROKEN as error:
        raise MediaError(f"{path}: cannot be opened: {error}") from error
    if not container.streams.video:
        container.close()
        raise MediaError(f"{path}: no video in it")
    stream = container.streams.video[0]
    try:
        codec = _codec(stream, path)
    except MediaError:
        container.close()
        raise
    rate = stream.average_rate or stream.guessed_rate
    return codec, float(1 / rate) if rate else 1 / 25, _units(container, stream, codec, path)


def _units(
    container: "av.container.InputContainer", stream: VideoStream, codec: Codec, path: Path
) -> Iterator[RawUnit]:
    """Demux to the end, through the Annex B filter; what precedes the first keyframe is left out."""
    first: int | None = None
    base = stream.time_base or 0
    try:
        annex_b = BitStreamFilterContext(FILTERS[codec], stream)
        for source in container.demux(stream):
            if source.size == 0 or source.dts is None:
                continue
            for packet in annex_b.filter(source):
                if packet.dts is None or (first is None and not packet.is_keyframe):
                    continue
                first = packet.dts if first is None else first
                pts = packet.dts if packet.pts is None else packet.pts
                yield RawUnit(
                    float((packet.dts - first) * base),
                    float((pts - first) * base),
                    bool(packet.is_keyframe),
                    split_annex_b(bytes(packet)),
                )
    except BROKEN as error:
        raise MediaError(f"{path}: broken inside: {error}") from error
    finally:
        container.close()
