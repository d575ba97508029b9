"""One batch of records: read, looked at by every model concerned, observed. No waiting and no committing here."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from itertools import islice
from typing import Protocol, TypeVar

import structlog

from pipeline.bus.consumer import Received
from pipeline.bus.records import Detection, Observation
from pipeline.city.registry import Registry
from pipeline.detect.intake import Picture, Refused, admit_safely
from pipeline.detect.metrics import AGE, FRAMES, SHED, TOP_SCORE
from pipeline.detect.observe import Pace, observe, watches
from pipeline.detect.runtime import Detector
from pipeline.ops.clock import Clock
from pipeline.ops.errors import ModelError
from pipeline.ops.sections import DetectSection

log = structlog.get_logger(__name__)

T = TypeVar("T")


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield lists of `size` items, the last one shorter."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


class Way(Protocol):
    """Where the results go (`Outlet`)."""

    def observed(self, observation: Observation) -> None:
        """Take an observation."""

    def refused(self, received: Received, reason: str) -> None:
        """Take a record that could not be read, with the reason."""


class Rounds:
    """Turns records into observations with all models of this process.

    Args:
        detectors: The models, each of its own family.
        registry: Who is watched for what.
        detect: Age limit, lowest scores.
        way: Where the results go.
        clock: Time now, epoch ms.
        pool: Decodes pictures side by side; None decodes one after another.
    """

    def __init__(
        self,
        detectors: Sequence[Detector],
        registry: Registry,
        detect: DetectSection,
        way: Way,
        clock: Clock,
        pool: Executor | None = None,
    ) -> None:
        self._detectors, self._registry, self._detect = detectors, registry, detect
        self._way, self._clock, self._pool, self._pace = way, clock, pool, Pace()

    def work(self, records: Sequence[Received]) -> int:
        """Observe a batch of records; return how many frames a model failed on.

        Each record is counted by its outcome; none stops the others.
        """
        pictures = []
        for result in self._admit(records):
            if isinstance(result, Picture):
                pictures.append(result)
                continue
            FRAMES.labels(result.outcome).inc()
            if result.outcome == "too_old":
                SHED.labels("too_old").inc()
            if result.reason:
                self._way.refused(result.received, result.reason)
        outcomes = dict.fromkeys((id(picture) for picture in pictures), "not_watched")
        for detector in self._detectors:
            concerned = [
                p
                for p in pictures
                if watches(detector.manifest, p.frame, p.camera.kinds) and self._pace.due(detector.manifest, p.frame)
            ]
            for picture, seen in self._look(detector, concerned):
                outcomes[id(picture)] = self._tell(detector, picture, seen)
        for outcome in outcomes.values():
            FRAMES.labels(outcome).inc()
        return sum(outcome == "model_failed" for outcome in outcomes.values())

    def _admit(self, records: Sequence[Received]) -> Iterable[Picture | Refused]:
        now, limit = self._clock(), self._detect.max_age_s
        run: Callable[..., Iterable[Picture | Refused]] = self._pool.map if self._pool else map
        return run(lambda record: admit_safely(record, self._registry, now, limit), records)

    def _look(
        self, detector: Detector, pictures: Sequence[Picture]
    ) -> Iterator[tuple[Picture, tuple[Detection, ...] | ModelError]]:
        """Run one model; where a batch fails, one after another, so that one picture cannot take others with it."""
        for batch in batched(pictures, detector.batch):
            try:
                yield from zip(batch, detector.detect([picture.image for picture in batch]), strict=True)
            except ModelError as error:
                if len(batch) == 1:
                    yield batch[0], error
                else:
                    for picture in batch:
                        yield from self._look_at_one(detector, picture)

    def _look_at_one(
        self, detector: Detector, picture: Picture
    ) -> Iterator[tuple[Picture, tuple[Detection, ...] | ModelError]]:
        try:
            yield picture, detector.detect([picture.image])[0]
        except ModelError as error:
            yield picture, error

    def _tell(self, detector: Detector, picture: Picture, seen: tuple[Detection, ...] | ModelError) -> str:
        """Hand on what was seen; return the outcome."""
        frame = picture.frame
        if isinstance(seen, ModelError):
            log.error("detect.model_failed", camera=frame.camera, trace=frame.trace, error=str(seen))
            self._way.refused(picture.received, str(seen))
            return "model_failed"
        observation = observe(
            frame, picture.ref, picture.camera.kinds, detector.manifest, seen, picture.quality, self._detect
        )
        self._way.observed(observation)
        for label, score in observation.scores.items():
            TOP_SCORE.labels(observation.model, label).observe(score)
        AGE.labels(frame.cause).observe(max(0, self._clock() - frame.captured_ms) / 1000)
        return "observed"
