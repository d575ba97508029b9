"""One clip, stream or folder of pictures through sampler, detectors and rules, in this process and without a bus."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pipeline.bus.records import Detection, Frame, FrameRef, Incident
from pipeline.city.registry import Camera, Registry
from pipeline.confirm.machine import City, Outcome, new_city, step
from pipeline.confirm.rules import Rulebook
from pipeline.detect.letterbox import Image
from pipeline.detect.manifest import Manifest
from pipeline.detect.observe import Pace, observe, watches
from pipeline.detect.quality import picture_quality
from pipeline.grab.sampler import Sample, sample_source
from pipeline.ops.sections import GrabSection, Kind
from pipeline.ops.settings import Settings

CAMERA = "watch"


class Looks(Protocol):
    """A detector, as far as it is needed here (`pipeline.detect.runtime.Detector`)."""

    @property
    def manifest(self) -> Manifest:
        """What the model is."""

    def detect(self, images: Sequence[Image]) -> Sequence[tuple[Detection, ...]]:
        """Return what each picture shows."""


class Sampled(Protocol):
    """A source of samples (`pipeline.grab.sampler.Sampling`)."""

    damage: str | None

    @property
    def position_s(self) -> float:
        """The stream second read so far."""

    def __iter__(self) -> Iterator[Sample]:
        """Yield the samples."""

    def request_burst(self, reason: str) -> str | None:
        """Ask for a burst around now."""

    def close(self) -> None:
        """Release the source."""


OpenSource = Callable[[str, GrabSection, float], Sampled]


def open_sampled(source: str, grab: GrabSection, start_s: float) -> Sampled:
    """Open a source as `siaga watch` does.

    Raises:
        SourceFaultError: It cannot be opened.
    """
    return sample_source(source, grab, start_s=start_s)


@dataclass(slots=True)
class Found:
    """An incident in a clip, as it stood at the end. Times are seconds of the source.

    `kinds` says when each kind of it was confirmed: a smoke that turned into a fire has both.
    """

    kind: Kind
    opened_s: float
    first_seen_s: float
    score: float
    reason: str
    kinds: dict[Kind, float] = field(default_factory=dict)


@dataclass(slots=True)
class Watched:
    """All that watching a source gave. `frames` were looked at, `video_s` seconds read in `wall_s` seconds."""

    source: str
    frames: int = 0
    video_s: float = 0.0
    wall_s: float = 0.0
    incidents: list[Found] = field(default_factory=list)
    damage: str | None = None


Progress = Callable[[Watched], None]
"""Told after each frame how far it has come."""


class Watching:
    """Watches one source after another with the same models; each begins with a city in which nothing has happened.

    Args:
        settings: Sampling, detection and confirmation; quiet hours mean nothing in a clip and are left out.
        detectors: The models, loaded.
        progress: Told after each frame.
        open_source: Opens a source; another one is given in tests.
    """

    def __init__(
        self,
        settings: Settings,
        detectors: Iterable[Looks],
        progress: Progress = lambda _: None,
        open_source: OpenSource = open_sampled,
    ) -> None:
        confirm = settings.confirm.model_copy(update={"quiet": ()})
        self._settings = settings.model_copy(update={"confirm": confirm})
        self._detectors = list(detectors)
        self._progress, self._open, self._pace = progress, open_source, Pace()
        self._kinds: tuple[Kind, ...] = tuple(confirm.kinds)
        camera = Camera(CAMERA, CAMERA, "", "", 0.0, 0.0, kinds=self._kinds)
        self._book = Rulebook(self._settings, Registry({CAMERA: camera}, {}))

    def watch(self, source: str, start_s: float = 0.0) -> Watched:
        """Watch a source to its end.

        Raises:
            SourceFaultError: It cannot be opened or holds no picture that can be decoded.
            ModelError: A model failed.
        """
        city, found = new_city(self._book), Watched(source)
        self._pace = Pace()
        latest: dict[str, tuple[Incident, dict[Kind, float]]] = {}
        began = time.monotonic()
        sampled = self._open(source, self._settings.grab, start_s)
        try:
            for sample in sampled:
                for outcome in self._look(city, sample, found.frames):
                    _follow(outcome, latest)
                    for request in outcome.requests:
                        sampled.request_burst(request.reason)
                found.frames += 1
                found.video_s = max(found.video_s, sampled.position_s - start_s)
                found.wall_s = time.monotonic() - began
                found.incidents = [_found(incident, kinds) for incident, kinds in latest.values()]
                self._progress(found)
        finally:
            sampled.close()
        found.damage = sampled.damage
        found.video_s = max(found.video_s, sampled.position_s - start_s)
        found.wall_s = time.monotonic() - began
        return found

    def _look(self, city: City, sample: Sample, number: int) -> list[Outcome]:
        """Let every model that is concerned look at a sample, and the rules at what it saw."""
        frame = _frame(sample, number)
        quality = picture_quality(sample.image)
        outcomes = []
        for detector in self._detectors:
            if watches(detector.manifest, frame, self._kinds) and self._pace.due(detector.manifest, frame):
                observation = observe(
                    frame,
                    FrameRef(partition=0, offset=number),
                    self._kinds,
                    detector.manifest,
                    detector.detect([sample.image])[0],
                    quality,
                    self._settings.detect,
                )
                outcomes.append(step(city, observation, frame.captured_ms))
        return outcomes


def _frame(sample: Sample, number: int) -> Frame:
    """Return the frame that a sample would be on the bus, its clock set to the source's seconds, without a JPEG."""
    height, width = sample.image.shape[:2]
    return Frame(
        camera=CAMERA,
        trace=f"{CAMERA}-{number}",
        seq=number,
        captured_ms=max(0, round(sample.t_s * 1000)),
        width=width,
        height=height,
        cause=sample.cause,
        jpeg=b"",
        quality=sample.quality,
        burst=sample.burst,
    )


def _follow(outcome: Outcome, latest: dict[str, tuple[Incident, dict[Kind, float]]]) -> None:
    """Keep the latest revision of each incident, and when each of its kinds was confirmed."""
    for incident in outcome.incidents:
        kinds = latest[incident.id][1] if incident.id in latest else {}
        for witness in incident.witnesses:
            for kind in witness.kinds:
                kinds.setdefault(kind, incident.updated_ms / 1000)
        latest[incident.id] = incident, kinds


def _found(incident: Incident, kinds: dict[Kind, float]) -> Found:
    """Return an incident in seconds of the source."""
    return Found(
        kind=incident.kind,
        opened_s=incident.opened_ms / 1000,
        first_seen_s=incident.first_seen_ms / 1000,
        score=round(incident.score, 4),
        reason=" ".join(incident.reasons),
        kinds=dict(kinds),
    )
