"""`siaga cameras check`: open each camera, read a picture, say in one line what is wrong."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.city.registry import Camera, Registry
from pipeline.grab.decode import GopDecoder, Scaler
from pipeline.grab.faults import SourceFaultError
from pipeline.grab.look import Look, look_at
from pipeline.grab.pictures import open_source
from pipeline.grab.sight import BLANK_DETAIL, DARK_BRIGHT, DARK_MEAN
from pipeline.grab.source import Source
from pipeline.ops.sections import GrabSection

AT_ONCE = 8
LOOK_S = 4.0
"""How long keyframes are waited for after the first one, to tell how often they come."""


Keep = Callable[[NDArray[np.uint8]], None]


def _keep_none(_image: NDArray[np.uint8]) -> None:
    """Where nobody wants the picture."""


@dataclass(frozen=True, slots=True)
class CameraReport:
    """What was found: `message` is one line without credentials."""

    camera: str
    ok: bool
    message: str


def check_camera(camera: Camera, grab: GrabSection, keep: Keep = _keep_none) -> CameraReport:
    """Open a camera and look at a picture; takes some seconds, at most the timeouts and about 4 s.

    `keep` is handed the picture, BGR, scaled as pictures are sampled.
    """
    try:
        source = open_source(camera.url, grab)
    except SourceFaultError as fault:
        return CameraReport(camera.id, False, str(fault))
    try:
        return _examine(camera.id, source, grab, keep)
    except SourceFaultError as fault:
        return CameraReport(camera.id, False, str(fault))
    finally:
        source.close()


def check_cameras(registry: Registry, grab: GrabSection) -> Iterator[CameraReport]:
    """Check all cameras, several at once; reports come in the order of the registry."""
    with ThreadPoolExecutor(AT_ONCE, "check") as pool:
        yield from pool.map(lambda camera: check_camera(camera, grab), registry.cameras.values())


def _examine(camera: str, source: Source, grab: GrabSection, keep: Keep) -> CameraReport:
    """Read until a picture was seen and two keyframes told their distance."""
    decoder, scale = GopDecoder(source.info), Scaler(grab.longest_side)
    look: Look | None = None
    keys: list[float] = []
    started = time.monotonic()
    for packets, unit in enumerate(source.units(), 1):
        decoder.add(unit)
        if unit.key:
            keys.append(unit.t_s)
            if look is None:
                look = _first_look(decoder, scale, keep)
        enough = len(keys) > 1 and look is not None
        if enough or time.monotonic() - started > LOOK_S + grab.read_timeout_s or packets > 10_000:
            break
    return _report(camera, source, look, keys, grab)


def _first_look(decoder: GopDecoder, scale: Scaler, keep: Keep) -> Look | None:
    decoded = decoder.advance() or decoder.drain()
    image = scale(decoded[0][1]) if decoded else None
    if image is None:
        return None
    keep(image)
    return look_at(image)


def _report(camera: str, source: Source, look: Look | None, keys: list[float], grab: GrabSection) -> CameraReport:
    info = source.info
    parts = [info.codec]
    if info.width:
        parts.append(f"{info.width}x{info.height}")
    if info.fps:
        parts.append(f"{info.fps:.3g} fps")
    every = keys[1] - keys[0] if len(keys) > 1 else None
    parts.append(f"keyframes every {every:.1f} s" if every is not None else "one keyframe seen")
    described = ", ".join(parts)
    if look is None:
        return CameraReport(camera, False, f"{described}: no picture can be decoded")
    if look.mean < DARK_MEAN and look.bright < DARK_BRIGHT:
        return CameraReport(camera, False, f"{described}: the picture is black")
    if look.detail < BLANK_DETAIL:
        return CameraReport(camera, False, f"{described}: the picture shows nothing (covered?)")
    if every is not None and every > 1.1 / grab.floor_fps:
        described += f" (rarer than {grab.floor_fps:g} a second: everything is decoded, which costs about 4 times more)"
    return CameraReport(camera, True, described)
