"""Videos drawn and encoded on the spot."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Draw = Callable[[int], Image]
X265 = "log-level=none:bframes=0:keyint={gop}:min-keyint={gop}:scenecut=0"


def street(width: int = 320, height: int = 192, seed: int = 1) -> Image:
    """A picture with edges everywhere, the same for the same seed."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(20, 235, (height // 16 + 1, width // 16 + 1, 3), dtype=np.uint8)
    return np.kron(coarse, np.ones((16, 16, 1), np.uint8))[:height, :width].copy()


def moving(width: int = 320, height: int = 192) -> Draw:
    """A white bar that crosses a street."""
    still = street(width, height)

    def draw(index: int) -> Image:
        picture = still.copy()
        left = index * 5 % (width - 20)
        picture[height // 4 : height // 2, left : left + 20] = 255
        return picture

    return draw


def write_video(
    path: Path,
    frames: int = 50,
    *,
    fps: int | Fraction = 25,
    gop: int = 25,
    codec: str = "libx264",
    draw: Draw | None = None,
    options: dict[str, str] | None = None,
    format: str | None = None,
    pix_fmt: str = "yuv420p",
    first_pts: int = 0,
    times: list[float] | None = None,
) -> Path:
    """Encode a video; `times` gives each frame's second, else they come at `fps`."""
    draw = draw or moving()
    settings = {"libx265": {"x265-params": X265.format(gop=gop), "preset": "ultrafast"}}
    x264 = {"preset": "ultrafast", "bf": "0", "sc_threshold": "0"}
    first = draw(0)
    with av.open(str(path), "w", format=format) as out:
        stream = out.add_stream(codec, rate=fps)
        stream.width, stream.height, stream.pix_fmt = first.shape[1], first.shape[0], pix_fmt
        stream.gop_size = gop
        stream.options = settings.get(codec, x264 if codec == "libx264" else {}) | (options or {})
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        for index in range(frames):
            frame = av.VideoFrame.from_ndarray(draw(index), "bgr24")
            if times is not None:
                frame.pts, frame.time_base = round(times[index] * 1000), Fraction(1, 1000)
            elif first_pts:
                frame.pts, frame.time_base = first_pts + index, Fraction(1) / Fraction(fps)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path
