"""Real clips made fit to be served as cameras: H.264 with a keyframe a second, at the rate that the clip was filmed."""

from fractions import Fraction
from pathlib import Path

import av


def as_camera(source: Path, target: Path, *, side: int = 640, repeat: int = 1, start_s: float = 0) -> Path:
    """Encode `source` to `target` with keyframes every second; `repeat` plays it several times in one file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(target), "w") as output:
        stream, number = None, 0
        for _ in range(repeat):
            with av.open(str(source)) as clip:
                video = clip.streams.video[0]
                rate = Fraction(video.average_rate or 12)
                for frame in clip.decode(video):
                    if frame.time is not None and frame.time < start_s:
                        continue
                    if stream is None:
                        scale = side / max(frame.width, frame.height)
                        stream = output.add_stream("libx264", rate=rate)
                        stream.width = round(frame.width * scale) // 2 * 2
                        stream.height = round(frame.height * scale) // 2 * 2
                        stream.pix_fmt = "yuv420p"
                        stream.options = {
                            "preset": "veryfast",
                            "g": str(max(1, round(float(rate)))),
                            "bf": "0",
                            "x264-params": "scenecut=0",
                        }
                    picture = frame.reformat(stream.width, stream.height, "yuv420p")
                    picture.pts, picture.time_base = number, Fraction(1) / rate
                    number += 1
                    output.mux(stream.encode(picture))
        assert stream is not None
        output.mux(stream.encode(None))
    return target
