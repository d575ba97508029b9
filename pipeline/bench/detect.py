"""What the detect worker adds to the network itself."""

from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from pipeline.bench.films import Image, burning, street
from pipeline.bench.measure import in_turns, middle, own_cpu_s, ratio
from pipeline.bench.networks import measure_networks
from pipeline.bench.plan import Plan
from pipeline.bus.records import Frame, FrameRef
from pipeline.detect.jpeg import decode_jpeg
from pipeline.detect.letterbox import letterbox, to_tensor
from pipeline.detect.manifest import read_weights
from pipeline.detect.observe import observe
from pipeline.detect.quality import picture_quality
from pipeline.detect.runtime import Detector
from pipeline.detect.session import open_session
from pipeline.ops.sections import DetectSection

SIZE = (640, 360)
QUALITY = 85
REF = FrameRef(partition=0, offset=0)


def frames(count: int) -> list[Frame]:
    """Return sampled frames of a street and of a fire, half and half, as they lie on the bus."""
    half = (count + 1) // 2
    pictures = chain(street(half / 5, fps=5), burning(half / 12))
    return [_frame(number, picture) for number, picture in zip(range(count), pictures, strict=False)]


def _frame(number: int, picture: Image) -> Frame:
    small = cv2.resize(picture, SIZE, interpolation=cv2.INTER_AREA)
    jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
    return Frame(
        camera="bench",
        trace=f"t{number}",
        seq=number,
        captured_ms=number * 1000,
        width=SIZE[0],
        height=SIZE[1],
        cause="floor",
        jpeg=jpeg,
    )


def _timed(work: Callable[[], object], count: int) -> Callable[[], float]:
    """Return a way to measure the CPU seconds of `work` for each of its `count` pictures."""

    def way() -> float:
        used = own_cpu_s()
        work()
        return (own_cpu_s() - used) / count

    return way


def measure_detect(plan: Plan, model: Path, folder: Path) -> dict[str, Any]:
    """Return frames a CPU second of bare onnxruntime and of the worker's path, one thread, and their ratio.

    `ratio_vs_bare`: pictures already decoded, through letterbox, network, suppression and observation, against the
    network alone on tensors that are ready. With JPEG decoding and picture quality: `ratio_with_jpeg`. The full plan
    also measures the network in batches, in int8 (made in `folder`) and on a GPU.
    """
    cv2.setNumThreads(1)
    section = DetectSection(threads=1, providers=("CPUExecutionProvider",))
    detector = Detector(model, section)
    given = frames(plan.detect_pictures)
    steps = _steps(detector, section, given, model)
    costs = in_turns({name: _timed(work, len(given)) for name, work in steps.items()}, plan.detect_rounds)
    ms = {name: middle([1000 * cost for cost in found], 3) for name, found in costs.items()}
    ms["postprocess_and_observe"] = round(max(0.0, ms["worker"] - ms["bare"] - ms["preprocess"]), 3)
    return {
        "ratio_vs_bare": ratio(costs["bare"], costs["worker"]),
        "ratio_with_jpeg": ratio(costs["bare"], costs["worker_with_jpeg"]),
        "frames_per_cpu_s": {name: round(1000 / ms[name], 1) for name in ("bare", "worker", "worker_with_jpeg")},
        "cpu_ms_per_frame": ms,
        "jpeg_bytes": round(sum(len(frame.jpeg) for frame in given) / len(given)),
        "networks": _networks(plan, given, detector, model, folder),
        "model": f"{detector.manifest.name} {detector.manifest.version}",
        "input": f"{detector.manifest.input.width}x{detector.manifest.input.height}",
    }


def _networks(plan: Plan, given: Sequence[Frame], detector: Detector, model: Path, folder: Path) -> dict[str, Any]:
    """Return the network's other ways; none in the quick plan."""
    if plan.quick:
        return {}
    spec, weights = detector.manifest.input, read_weights(model, detector.manifest)
    images = [decode_jpeg(frame.jpeg, frame.width, frame.height) for frame in given]
    tensors = [to_tensor(letterbox(image, spec)[0], spec)[None] for image in images]
    return measure_networks(tensors, weights, plan.network_rounds, folder / "int8")


def _steps(
    detector: Detector, section: DetectSection, given: Sequence[Frame], model: Path
) -> dict[str, Callable[[], object]]:
    """Return the work to measure, by name; each goes over all pictures one by one."""
    spec = detector.manifest.input
    images = [decode_jpeg(frame.jpeg, frame.width, frame.height) for frame in given]
    tensors = [to_tensor(letterbox(image, spec)[0], spec)[None] for image in images]
    session = open_session("bare", read_weights(model, detector.manifest), section)
    name = session.get_inputs()[0].name

    def seen(frame: Frame, image: Image, quality: float) -> object:
        return observe(frame, REF, ("fire", "smoke"), detector.manifest, detector.detect([image])[0], quality, section)

    def whole(frame: Frame) -> object:
        image = decode_jpeg(frame.jpeg, frame.width, frame.height)
        return seen(frame, image, picture_quality(image))

    return {
        "bare": lambda: [session.run(None, {name: tensor}) for tensor in tensors],
        "worker": lambda: [seen(frame, image, 1.0) for frame, image in zip(given, images, strict=True)],
        "worker_with_jpeg": lambda: [whole(frame) for frame in given],
        "decode_jpeg": lambda: [decode_jpeg(frame.jpeg, frame.width, frame.height) for frame in given],
        "quality": lambda: [picture_quality(image) for image in images],
        "preprocess": lambda: [np.stack([to_tensor(letterbox(image, spec)[0], spec)]) for image in images],
    }
