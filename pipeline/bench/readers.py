"""Readers of cameras, each in a process of its own: Siaga's sampler and the loops that one would write without it.

`python -m pipeline.bench.readers KIND RATE SECONDS MODEL URL...` reads until every stream has given a picture and a
little longer, then measures its own CPU time for SECONDS and prints one JSON line. Live streams cannot be read faster
than they come, so seconds of wall time are seconds of stream.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from pipeline.bench.measure import memory_mb, own_cpu_s
from pipeline.bench.serving import BenchError

Kind = Literal["siaga", "opencv", "pyav", "loop"]
Seen = Callable[[], None]

WARM_S = 2.0
OPEN_S = 30.0
SIDE = 640
QUALITY = 85


@dataclass(frozen=True)
class Reading:
    """What a reader used: CPU seconds a second and stream, pictures a second and stream, resident MB of the process."""

    cpu_s: float
    pictures: float
    memory_mb: float
    streams: int


def read_cameras(
    kind: Kind, urls: Sequence[str], rate: float, seconds: float, model: Path | None = None, *, env: str = ""
) -> "subprocess.Popen[str]":
    """Start a reader; `finish` waits for what it measured."""
    # FFmpeg inside OpenCV is told what PyAV is told: TCP, and one thread a stream.
    options = {**os.environ, "OPENCV_FFMPEG_CAPTURE_OPTIONS": "rtsp_transport;tcp|threads;1", "SIAGA_INSTANCE": env}
    command = [sys.executable, "-m", __name__, kind, str(rate), str(seconds), str(model or ""), *urls]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=options)


def finish(process: "subprocess.Popen[str]") -> Reading:
    """Wait for a reader's measurement.

    Raises:
        BenchError: It could not read.
    """
    told, _ = process.communicate()
    if process.returncode or not told.strip():
        raise BenchError(f"a reader of the bench ended with code {process.returncode}: {process.args!r}")
    return Reading(**json.loads(told.strip().splitlines()[-1]))


def _siaga(url: str, rate: float, seen: Seen) -> None:
    from pipeline.grab.bursts import BurstBudget
    from pipeline.grab.sampler import Sampler
    from pipeline.grab.source import VideoSource
    from pipeline.ops.clock import now_ms
    from pipeline.ops.sections import GrabSection

    grab = GrabSection(floor_fps=rate, activity_fps=rate, longest_side=SIDE, jpeg_quality=QUALITY)
    source = VideoSource(url, grab)
    sampler = Sampler(source.info, grab, BurstBudget(0, now_ms))
    for unit in source.units():
        for sample in sampler.feed(unit):
            sample.jpeg()
            seen()


def _small(image: Any) -> Any:
    import cv2

    scale = SIDE / max(image.shape[:2])
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def _opencv(url: str, rate: float, seen: Seen) -> None:
    import cv2

    capture, due = cv2.VideoCapture(url, cv2.CAP_FFMPEG), 0.0
    while True:
        good, image = capture.read()
        if good and time.monotonic() >= due:
            due = max(due + 1 / rate, time.monotonic())
            cv2.imencode(".jpg", _small(image), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
            seen()


def _pyav(url: str, rate: float, seen: Seen) -> None:
    import av
    import cv2

    due = 0.0
    with av.open(url, options={"rtsp_transport": "tcp"}) as container:
        video = container.streams.video[0]
        video.codec_context.thread_count = 1
        for frame in container.decode(video):
            if time.monotonic() >= due:
                due = max(due + 1 / rate, time.monotonic())
                height = round(frame.height * SIDE / frame.width)
                image = frame.reformat(SIDE, height, "bgr24", interpolation="AREA").to_ndarray()
                cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
                seen()


def _loop(url: str, rate: float, seen: Seen, model: Path) -> None:
    """The loop that everybody writes: read every picture, look at one a second."""
    import cv2
    import numpy as np
    import onnxruntime

    from pipeline.detect.manifest import load_manifest

    manifest = load_manifest(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(model / manifest.file), options, providers=["CPUExecutionProvider"])
    name, spec = session.get_inputs()[0].name, manifest.input
    capture, due = cv2.VideoCapture(url, cv2.CAP_FFMPEG), 0.0
    while True:
        good, image = capture.read()
        if good and time.monotonic() >= due:
            due = max(due + 1 / rate, time.monotonic())
            tensor = cv2.resize(image, (spec.width, spec.height)).transpose(2, 0, 1)[None].astype(np.float32)
            rows = session.run(None, {name: np.ascontiguousarray(tensor)})[0][0]
            (rows[:, 4:5] * rows[:, 5:]).max()
            seen()


def _main(kind: str, rate: float, seconds: float, model: str, urls: Sequence[str]) -> None:
    import cv2

    cv2.setNumThreads(1)
    counts = [0] * len(urls)
    ways: dict[str, Callable[[str, float, Seen], None]] = {"siaga": _siaga, "opencv": _opencv, "pyav": _pyav}
    ways["loop"] = lambda url, rate, seen: _loop(url, rate, seen, Path(model))

    def reader(index: int) -> None:
        def seen() -> None:
            counts[index] += 1

        ways[kind](urls[index], rate, seen)

    for index in range(len(urls)):
        threading.Thread(target=reader, args=(index,), daemon=True).start()
        time.sleep(0.01)
    deadline = time.monotonic() + OPEN_S
    while not all(counts) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(min(WARM_S, seconds))
    before, used, began = sum(counts), own_cpu_s(), time.monotonic()
    time.sleep(seconds)
    took = (time.monotonic() - began) * len(urls)
    reading = Reading(
        (own_cpu_s() - used) / took, (sum(counts) - before) / took, memory_mb(os.getpid()), sum(map(bool, counts))
    )
    print(json.dumps(asdict(reading)), flush=True)
    os._exit(0 if all(counts) else 1)  # The readers' threads never end by themselves.


if __name__ == "__main__":
    _main(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]), sys.argv[4], sys.argv[5:])
