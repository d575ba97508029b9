"""Programmes of the simulated cameras as H.264 files, made once and kept in a cache folder."""

import hashlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from pipeline.demo.scenes.catalog import CAMERAS, FIRE_CAMERA, OUTBREAK, PROGRAMME_S, Simulated
from pipeline.demo.scenes.optics import HEIGHT, WIDTH, Image
from pipeline.demo.scenes.scene import FPS, Scene
from pipeline.demo.scenes.traffic import LOOP_S

ENCODER = {"preset": "ultrafast", "crf": "27", "bf": "0", "sc_threshold": "0", "threads": "1"}

STALE_S = 600
"""A draft that nobody has written to for this long belongs to a process that is gone."""


@dataclass(frozen=True)
class Programme:
    """One file to make: a camera's quiet loop, or (`event`) the first programme in which the fire breaks out."""

    camera: str
    event: bool

    @property
    def file(self) -> str:
        """Its file name."""
        return f"{self.camera}.{'event' if self.event else 'quiet'}.mp4"

    @property
    def seconds(self) -> float:
        """Its length."""
        return PROGRAMME_S if self.event else LOOP_S


def programmes() -> list[Programme]:
    """All programmes, the longest first: two processes then end at about the same time."""
    return [Programme(FIRE_CAMERA, True), *(Programme(camera.name, False) for camera in CAMERAS)]


def cache_key() -> str:
    """Changes with the code that draws: a changed scene is drawn again, an unchanged one never."""
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:12]


def camera_named(name: str) -> Simulated:
    """The simulated camera of that name; `KeyError` when there is none."""
    return {camera.name: camera for camera in CAMERAS}[name]


def frames(programme: Programme) -> Iterator[Image]:
    """The programme's frames in order, BGR."""
    outbreak = OUTBREAK if programme.event else None
    scene: Scene = camera_named(programme.camera).build(outbreak)
    effects = scene.make_effects()
    for index in range(round(programme.seconds * FPS)):
        yield scene.frame(index / FPS, effects)


def make(programme: Programme, folder: Path) -> Path:
    """The programme's file under `folder`, drawn and encoded when it is not there yet."""
    path = folder / cache_key() / programme.file
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written aside and moved into place: a process that is killed leaves no half film behind.
    _sweep(path.parent)
    draft = path.with_name(f".{programme.file}.{os.getpid()}.mp4")
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        encode(frames(programme), draft)
        draft.replace(path)
    finally:
        cv2.setNumThreads(threads)
        draft.unlink(missing_ok=True)
    return path


def _sweep(folder: Path) -> None:
    """Remove drafts that a killed process left behind."""
    for draft in folder.glob(".*.mp4"):
        if time.time() - draft.stat().st_mtime > STALE_S:
            draft.unlink(missing_ok=True)


def encode(pictures: Iterator[Image], path: Path, fps: int = FPS) -> None:
    """Encode BGR pictures (720, 1280, 3) as H.264 with a keyframe each second."""
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=fps, options=ENCODER)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.gop_size = fps
        stream.time_base = Fraction(1, fps)
        for index, picture in enumerate(pictures):
            planes = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420), np.uint8)
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
