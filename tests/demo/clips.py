"""Small test clips, drawn and encoded on the spot."""

from pathlib import Path

import av
import numpy as np

WIDTH, HEIGHT, FPS, GOP = 320, 192, 30, 15
QUIET = {"libx265": {"x265-params": "log-level=none:keyint=15:bframes=0"}, "mpeg4": {}}


def make_clip(path: Path, frames: int = 45, codec: str = "libx264", level: int = 0, bf: int = 0) -> Path:
    """A bar that moves on a grey that brightens from `level`; a keyframe every `GOP` frames."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.gop_size = GOP
        stream.options = QUIET.get(codec, {"preset": "ultrafast", "bf": str(bf)})
        for index in range(frames):
            picture = np.full((HEIGHT, WIDTH, 3), (level + index) % 256, np.uint8)
            picture[:, index * 5 % 300 : index * 5 % 300 + 20] = 255
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "bgr24")))
        container.mux(stream.encode(None))
    return path
