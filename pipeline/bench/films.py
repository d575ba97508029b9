"""The films of the bench: simulated streets, encoded as cameras encode (constant rate, no B-frames, fixed GOP)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import cv2
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

from pipeline.demo.scenes import places
from pipeline.demo.scenes.catalog import OUTBREAK
from pipeline.demo.scenes.scene import FPS as FIRE_FPS

Codec = Literal["h264", "h265"]
Image = NDArray[np.uint8]

FPS = 25
SIZES = {"480p": (854, 480), "720p": (1280, 720), "1080p": (1920, 1080)}
"""Width and height, px."""
KBITS = {"480p": 800, "720p": 2000, "1080p": 4000}
"""Bits a second as city cameras are set to, in thousands."""
LENGTH_S = 8.0
FIRE_S = 24.0
LIT_S = 2.0
"""Second of the fire film at which it begins to burn."""


@dataclass(frozen=True)
class Film:
    """One stream to encode: size by name, seconds between keyframes, codec, length."""

    size: str = "720p"
    gop_s: float = 1.0
    codec: Codec = "h264"
    seconds: float = LENGTH_S

    @property
    def name(self) -> str:
        """Its name, also that of its stream."""
        return f"{self.codec}-{self.size}-gop{self.gop_s:g}"


def street(seconds: float, size: tuple[int, int] = SIZES["720p"], fps: int = FPS) -> Iterator[Image]:
    """Pictures of a street by day with traffic and people, BGR, `size` px."""
    scene = places.day_street(None)
    effects = scene.make_effects()
    for index in range(round(seconds * fps)):
        yield _fit(scene.frame(index / fps, effects), size)


def burning(seconds: float = FIRE_S) -> Iterator[Image]:
    """Pictures of an alley in which a fire breaks out at `LIT_S`, BGR, 720p, `FIRE_FPS` a second."""
    scene = places.alley(replace(OUTBREAK, start_s=LIT_S, end_s=seconds + 8, grow_s=6))
    effects = scene.make_effects()
    for index in range(round(seconds * FIRE_FPS)):
        yield scene.frame(index / FIRE_FPS, effects)


def _fit(picture: Image, size: tuple[int, int]) -> Image:
    if picture.shape[1::-1] == size:
        return picture
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC), np.uint8)


def film(what: Film, folder: Path) -> Path:
    """Draw and encode a film into `folder`; an existing one is taken as it is."""
    path = folder / f"{what.name}.mp4"
    if not path.exists():
        pictures = street(what.seconds, SIZES[what.size])
        encode(pictures, path, FPS, round(what.gop_s * FPS), what.codec, KBITS[what.size])
    return path


def fire_film(folder: Path, seconds: float = FIRE_S) -> Path:
    """Draw and encode the film of the fire: 720p, a keyframe a second."""
    path = folder / "fire.mp4"
    if not path.exists():
        encode(burning(seconds), path, FIRE_FPS, FIRE_FPS, "h264", KBITS["720p"])
    return path


def quiet_film(folder: Path, seconds: int) -> Path:
    """Return what the fire's camera shows before: two seconds of the alley, again and again without encoding again."""
    once, path = folder / "alley.mp4", folder / f"before-{seconds}.mp4"
    if not once.exists():
        encode(burning(LIT_S), once, FIRE_FPS, FIRE_FPS, "h264", KBITS["720p"])
    with av.open(str(path), "w", format="mp4") as target:
        stream = None
        for turn in range(max(1, round(seconds / LIT_S))):
            with av.open(str(once)) as source:
                video = source.streams.video[0]
                stream = stream or target.add_stream_from_template(video)
                base = video.time_base or Fraction(1, FIRE_FPS)
                for packet in source.demux(video):
                    if packet.size and packet.pts is not None and packet.dts is not None:
                        packet.pts += round(turn * LIT_S / base)
                        packet.dts += round(turn * LIT_S / base)
                        packet.stream = stream
                        target.mux(packet)
    return path


def encode(pictures: Iterator[Image], path: Path, fps: int, gop: int, codec: Codec, kbit: int) -> None:
    """Encode BGR pictures to `path` (mp4) with a keyframe every `gop` pictures."""
    common = {"preset": "veryfast", "maxrate": f"{kbit}k", "bufsize": f"{2 * kbit}k", "bf": "0"}
    options = common | {"sc_threshold": "0"}
    if codec == "h265":
        keys = f"keyint={gop}:min-keyint={gop}:scenecut=0:bframes=0:log-level=none"
        options = {"preset": "superfast", "x265-params": f"{keys}:vbv-maxrate={kbit}:vbv-bufsize={2 * kbit}"}
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".part.mp4")
    with av.open(str(draft), "w", format="mp4") as container:
        stream = container.add_stream({"h264": "libx264", "h265": "libx265"}[codec], rate=fps, options=options)
        assert isinstance(stream, VideoStream)
        stream.pix_fmt, stream.gop_size, stream.bit_rate = "yuv420p", gop, kbit * 1000
        stream.time_base = Fraction(1, fps)
        for index, picture in enumerate(pictures):
            if not index:
                stream.width, stream.height = picture.shape[1], picture.shape[0]
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    draft.replace(path)
