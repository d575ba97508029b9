"""Decoding only what is asked for: packets wait since the last keyframe and are decoded when a picture is wanted."""

from typing import Any

import cv2
import numpy as np
from av.codec.context import CodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray
from prometheus_client import Counter

from pipeline.grab.faults import DECODE_ERRORS
from pipeline.grab.source import MAX_PIXELS, PICTURES, StreamInfo, Unit

Image = NDArray[np.uint8]
"""Height x width x 3, BGR."""
Decoded = tuple[Unit, VideoFrame]

UNDECODABLE = Counter("siaga_grab_undecodable_total", "Packets that gave no picture", ["reason"])
MAX_WAITING = 1500
"""Packets kept since the last keyframe; a longer group of pictures loses its beginning."""
_TURNS = {90: cv2.ROTATE_90_COUNTERCLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_CLOCKWISE}


def open_context(codec: str, extradata: bytes | None) -> Any:
    """Make a decoder without threads of its own (one camera, one thread) that refuses absurd sizes."""
    context = CodecContext.create(codec, "r")
    if extradata:
        context.extradata = extradata
    context.thread_count = 1
    context.options = {"max_pixels": str(MAX_PIXELS), "threads": "1"}
    return context


class GopDecoder:
    """Decodes a stream lazily and in order.

    Packets are added as they come; `advance` feeds those that wait. Frames are given back with the unit they were
    made of, found by their time stamps.
    """

    def __init__(self, info: StreamInfo) -> None:
        self._info = info
        self._context: Any = None
        self._codec = ""
        self._waiting: list[Unit] = []
        self._fed: list[Unit] = []
        self._last: Unit | None = None
        self._gap = True  # packets are missing: nothing decodes until the next keyframe
        self._skipped = False

    def add(self, unit: Unit) -> None:
        """Take a packet; nothing is decoded. What waited from before a keyframe is let go."""
        if unit.key:
            self._skipped = self._skipped or bool(self._waiting)
            self._waiting, self._gap = [unit], False
        elif not self._gap:
            self._waiting.append(unit)
            if len(self._waiting) > MAX_WAITING:
                self._waiting, self._gap = [], True

    def advance(self) -> list[Decoded]:
        """Decode what waits and return the pictures that came out; a codec may hold some back for reordering."""
        decoded: list[Decoded] = []
        for unit in self._waiting:
            decoded += self._decode(unit)
        self._waiting = []
        return decoded

    def drain(self) -> list[Decoded]:
        """Return the pictures that the codec holds back.

        It ends the group of pictures for this decoder, unless the last packet was a keyframe: that one waits again.
        """
        if self._context is None or not self._fed:
            return []
        try:
            frames = self._context.decode(None)
        except DECODE_ERRORS as error:
            UNDECODABLE.labels(type(error).__name__).inc()
            frames = []
        decoded = [self._paired(frame) for frame in frames if self._fed]
        self._flush()
        if self._last is not None and self._last.key:
            self._waiting.insert(0, self._last)
        else:
            self._gap = True
        return decoded

    def _flush(self) -> None:
        """Forget the reference pictures."""
        self._context.flush_buffers()
        self._fed, self._skipped = [], False

    def _ready(self, unit: Unit) -> Any:
        """Return the decoder for this unit's kind."""
        codec = str(unit.packet.opaque) if self._info.codec == PICTURES else self._info.codec
        if self._context is None or codec != self._codec:
            self._context = open_context(codec, self._info.extradata)
            self._codec, self._fed, self._skipped = codec, [], False
        elif self._skipped and unit.key:
            self._flush()
        return self._context

    def _decode(self, unit: Unit) -> list[Decoded]:
        try:
            context = self._ready(unit)
            self._fed.append(unit)
            self._last = unit
            frames = context.decode(unit.packet)
        except DECODE_ERRORS as error:
            UNDECODABLE.labels(type(error).__name__).inc()
            self._fed = [kept for kept in self._fed if kept is not unit]
            if self._info.codec == PICTURES:
                self._context = None
            return []
        return [self._paired(frame) for frame in frames if self._fed]

    def _paired(self, frame: VideoFrame) -> Decoded:
        """Find the unit of a frame; frames come out in order of showing, units went in in order of decoding."""
        match = next((u for u in self._fed if frame.pts is not None and u.packet.pts == frame.pts), None)
        unit = match or min(self._fed, key=lambda u: u.t_s)
        self._fed = [kept for kept in self._fed if kept.t_s > unit.t_s][-64:]
        return unit, frame


class Scaler:
    """Turns decoded frames into BGR pictures whose longest side is at most `longest` px; never enlarges."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._reformatter = VideoReformatter()

    def __call__(self, frame: VideoFrame) -> Image | None:
        """Return the picture, upright, or None where its pixel format cannot be converted (counted)."""
        scale = min(1.0, self._longest / max(frame.width, frame.height, 1))
        width, height = max(1, round(frame.width * scale)), max(1, round(frame.height * scale))
        try:
            small = self._reformatter.reformat(frame, width, height, "bgr24", interpolation="AREA")
            image: Any = small.to_ndarray()
        except DECODE_ERRORS as error:
            UNDECODABLE.labels(type(error).__name__).inc()
            return None
        turn = _TURNS.get(frame.rotation % 360)
        return np.ascontiguousarray(image if turn is None else cv2.rotate(image, turn))


def encode_jpeg(image: Image, quality: int) -> bytes:
    """Return a picture as JPEG.

    Raises:
        ValueError: OpenCV refused it.
    """
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError("the picture cannot be encoded")
    return data.tobytes()
