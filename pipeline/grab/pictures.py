"""A folder of pictures as a source: in order of their names, one a second."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from av.packet import Packet

from pipeline.grab.faults import DECODE_ERRORS, SourceFaultError
from pipeline.grab.source import PICTURES, Source, StreamInfo, Unit, VideoSource, is_network, local_path
from pipeline.ops.clock import Clock, now_ms
from pipeline.ops.sections import GrabSection

PICTURES_PER_S = 1.0
CODECS = {".jpg": "mjpeg", ".jpeg": "mjpeg", ".png": "png", ".bmp": "bmp", ".webp": "webp"}
MAX_BYTES = 64 << 20
"""A file larger than this is no picture of a camera."""


def _natural(path: Path) -> list[tuple[int, str]]:
    """Sort key in which `2.jpg` comes before `10.jpg`."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", path.name.lower())]


def pictures_in(folder: Path) -> list[Path]:
    """Return the pictures of a folder (JPEG, PNG, BMP, WebP), ordered by name, numbers by value."""
    return sorted((p for p in folder.iterdir() if p.suffix.lower() in CODECS and p.is_file()), key=_natural)


class PictureFolder:
    """A folder of pictures; each is a keyframe. Those that cannot be read are passed over by the decoder.

    Args:
        folder: Where they lie.
        clock: Stamps arrivals.
        start_s: Skip the pictures before this second.

    Raises:
        SourceFaultError: There is no picture in it, or the folder cannot be read.
    """

    def __init__(self, folder: Path, clock: Clock = now_ms, start_s: float = 0.0) -> None:
        self._clock = clock
        try:
            self._files = pictures_in(folder)
        except OSError:
            raise SourceFaultError("broken", "the folder cannot be read") from None
        if not self._files:
            raise SourceFaultError("no_video", "no picture in the folder")
        self._first = max(0, int(start_s * PICTURES_PER_S))
        self.info = StreamInfo(PICTURES, 0, 0, PICTURES_PER_S, live=False)

    def units(self) -> Iterator[Unit]:
        """See `Source.units`. The packet's `opaque` names the decoder of its kind of picture."""
        for index, file in enumerate(self._files[self._first :], self._first):
            try:
                data = file.read_bytes() if 0 < file.stat().st_size <= MAX_BYTES else b""
                if not data:
                    continue
                packet: Packet[Any] = Packet(data)
            except (OSError, *DECODE_ERRORS):
                continue
            packet.pts = index
            packet.opaque = CODECS[file.suffix.lower()]
            now = self._clock()
            yield Unit(packet, index / PICTURES_PER_S, True, len(data), now, now)

    def close(self) -> None:
        """See `Source.close`; nothing is held open."""


def open_source(url: str, grab: GrabSection, clock: Clock = now_ms, start_s: float = 0.0) -> Source:
    """Open a camera, a file or a folder.

    Args:
        url: `rtsp(s)://`, `http(s)://` (MJPEG, HLS), `file://` or a path of a video file or a folder of pictures.
        grab: Timeouts.
        clock: Stamps arrivals, UTC epoch ms.
        start_s: Begin at the last keyframe at or before this second of a file or folder.

    Raises:
        SourceFaultError: It cannot be opened; the message holds no password.
    """
    if not is_network(url):
        path = local_path(url)
        if path.is_dir():
            return PictureFolder(path, clock, start_s)
    return VideoSource(url, grab, clock, start_s)
