"""Clips that are made up: a scripted source and a scripted model, so that what is seen in them is known."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from pipeline.bus.records import Detection
from pipeline.detect.manifest import InputSpec, Manifest
from pipeline.grab.faults import SourceFaultError
from pipeline.grab.look import look_at
from pipeline.grab.sampler import Sample
from pipeline.ops.sections import GrabSection

Script = Mapping[int, Sequence[tuple[str, float]]]
"""What is seen from a second on, until the next one named: labels and scores."""

MANIFEST = Manifest(
    name="scripted",
    version="1",
    file="model.onnx",
    sha256="0" * 64,
    head="yolox",
    input=InputSpec(width=320, height=320, colour="bgr", letterbox="top_left"),
    classes=("fire", "smoke", "person"),
)


class ScriptedSource:
    """A clip of `seconds`, sampled twice a second; each picture's first pixels hold its script and second."""

    def __init__(self, script: int, seconds: int, start_s: float, breaks_at: float | None = None) -> None:
        self.damage: str | None = None
        self.asked: list[str] = []
        self.position_s = 0.0
        self.closed = False
        self._script, self._seconds, self._start_s, self._breaks_at = script, seconds, start_s, breaks_at

    def __iter__(self) -> Iterator[Sample]:
        for half in range(int(self._start_s * 2), self._seconds * 2):
            self.position_s = half / 2
            if self._breaks_at is not None and self.position_s >= self._breaks_at:
                self.damage = "broken"
                return
            image = np.random.default_rng(half).integers(0, 255, (90, 160, 3), np.uint8)
            image[0, 0] = self._script, half // 2, half % 3
            yield Sample(image, half / 2, "floor", 0, look_at(image))

    def request_burst(self, reason: str) -> str | None:
        """Note what was asked for."""
        self.asked.append(reason)
        return None

    def close(self) -> None:
        """Note it."""
        self.closed = True


class ScriptedCity:
    """Clips by name and the model that knows them."""

    manifest = MANIFEST

    def __init__(self, clips: Mapping[str, tuple[int, Script]]) -> None:
        self.clips = list(clips.items())
        self.opened: list[ScriptedSource] = []
        self.breaks_at: float | None = None

    def open(self, source: str, grab: GrabSection, start_s: float) -> ScriptedSource:
        """Open the clip whose name ends the source."""
        for index, (name, (seconds, _)) in enumerate(self.clips):
            if source.endswith(name):
                self.opened.append(ScriptedSource(index, seconds, start_s, self.breaks_at))
                return self.opened[-1]
        raise SourceFaultError("not_found")

    def detect(self, images: Sequence[Any]) -> list[tuple[Detection, ...]]:
        """Say what the script says for these pictures; outlines flicker."""
        return [self._see(image) for image in images]

    def _see(self, image: Any) -> tuple[Detection, ...]:
        script, second, wobble = (int(value) for value in image[0, 0])
        timeline = self.clips[script][1][1]
        now = max((at for at in timeline if at <= second), default=None)
        box = (0.4, 0.4, 0.5 + 0.03 * wobble, 0.6)
        return tuple(Detection(label=k, score=s, box=box) for k, s in (timeline[now] if now is not None else ()))
