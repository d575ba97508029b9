"""Batches: a model that fails on one picture costs no other picture its observation."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from prometheus_client import REGISTRY

from pipeline.bus.consumer import Received
from pipeline.bus.records import Detection, Observation
from pipeline.detect.rounds import Rounds, batched
from pipeline.ops.errors import ModelError
from pipeline.ops.sections import DetectSection
from tests.detect.frames import frame, picture, received, registry
from tests.detect.test_heads import manifest

BLACK = np.zeros((64, 96, 3), np.uint8)


@dataclass
class Kept:
    """A way out that keeps what it is given."""

    observations: list[Observation] = field(default_factory=list)
    letters: list[tuple[int, str]] = field(default_factory=list)

    def observed(self, observation: Observation) -> None:
        self.observations.append(observation)

    def refused(self, record: Received, reason: str) -> None:
        self.letters.append((record.offset, reason))


class Fragile:
    """Stands for a detector whose model fails on black pictures, taking its whole batch with it."""

    def __init__(self, batch: int) -> None:
        self.manifest, self.batch, self.sizes = manifest(), batch, list[int]()

    def detect(self, images: list[np.ndarray]) -> list[tuple[Detection, ...]]:
        self.sizes.append(len(images))
        if any(image.max() == 0 for image in images):
            raise ModelError("model m failed: out of memory")
        return [(Detection(label="fire", score=0.5, box=(0, 0, 1, 1)),) for _ in images]


def work(detectors: list[Any], images: list[np.ndarray], **options: Any) -> tuple[Kept, int]:
    kept = Kept()
    rounds = Rounds(detectors, registry(), DetectSection(), kept, lambda: 1_000_500, **options)
    records = [received(frame(image, trace=f"t-{i}"), offset=i) for i, image in enumerate(images)]
    return kept, rounds.work(records)


@pytest.mark.parametrize("batch", [1, 2, 8])
def test_one_bad_picture_does_not_take_others_with_it(batch: int) -> None:
    before = REGISTRY.get_sample_value("siaga_detect_frames_total", {"outcome": "model_failed"}) or 0
    kept, failed = work([Fragile(batch)], [picture(), BLACK, picture(), picture()])
    assert [one.trace for one in kept.observations] == ["t-0", "t-2", "t-3"]
    assert kept.letters == [(1, "model m failed: out of memory")]
    assert failed == 1
    after = REGISTRY.get_sample_value("siaga_detect_frames_total", {"outcome": "model_failed"})
    assert after == before + 1


def test_frames_ride_together_as_far_as_the_batch_goes() -> None:
    fragile = Fragile(3)
    kept, failed = work([fragile], [picture()] * 7)
    assert fragile.sizes == [3, 3, 1]
    assert (len(kept.observations), failed) == (7, 0)


def test_pictures_may_be_decoded_side_by_side() -> None:
    with ThreadPoolExecutor(2) as pool:
        kept, _ = work([Fragile(4)], [picture(seed=i) for i in range(9)], pool=pool)
    assert [one.trace for one in kept.observations] == [f"t-{i}" for i in range(9)]


def test_a_frame_that_no_model_watches_is_counted() -> None:
    before = REGISTRY.get_sample_value("siaga_detect_frames_total", {"outcome": "not_watched"}) or 0
    fragile = Fragile(1)
    fragile.manifest = manifest("classifier", activation="softmax", classes=["brawl", "calm"])
    kept, _ = work([fragile], [picture()])
    assert kept.observations == []
    assert REGISTRY.get_sample_value("siaga_detect_frames_total", {"outcome": "not_watched"}) == before + 1


def test_batched() -> None:
    assert list(batched(range(5), 2)) == [[0, 1], [2, 3], [4]]
    assert list(batched([], 2)) == []
