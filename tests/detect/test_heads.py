"""The heads read what their families write, agree with training, and are not upset by broken numbers."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pipeline.bus.records import Detection
from pipeline.detect.heads import HEADS
from pipeline.detect.letterbox import Fit
from pipeline.detect.manifest import Manifest
from pipeline.detect.suppress import detections, nms
from pipeline.ops.errors import ModelError
from scripts.detector import geometry

ANCHORS = 64 + 16 + 4
WILD = st.one_of(
    st.floats(-100, 100, width=32), st.sampled_from([np.nan, np.inf, -np.inf, np.float32(3e38), np.float32(-3e38), 0.0])
)


def manifest(head: str = "yolox", **keys: Any) -> Manifest:
    spec = {"width": 64, "height": 64, "colour": "bgr", "letterbox": "top_left"}
    values = {"name": "m", "version": "1", "file": "m.onnx", "sha256": "0" * 64, "head": head, "input": spec,
              "classes": ["fire", "smoke"]}  # fmt: skip
    return Manifest.model_validate({**values, **keys})


def read(output: np.ndarray, model: Manifest, floor: float = 0.01, fit: Fit | None = None) -> tuple[Detection, ...]:
    found = HEADS[model.head]([output], model, floor)
    return detections(found, fit or Fit((1.0, 1.0), (0, 0), 64, 64), model, floor, 100)


def plausible(seed: int, anchors: int = ANCHORS, classes: int = 2) -> np.ndarray:
    """Head outputs as a trained network might give them, many boxes over one another."""
    rng = np.random.default_rng(seed)
    rows = np.empty((anchors, 5 + classes), np.float32)
    rows[:, :4] = rng.normal(0, 0.8, (anchors, 4))
    rows[:, 4:] = rng.uniform(0, 1, (anchors, 1 + classes))
    return rows


@pytest.mark.parametrize("seed", range(30))
def test_yolox_agrees_with_the_training_pipeline(seed: int) -> None:
    rows = plausible(seed)
    ratio, shape = 64 / 100, (60, 100)
    boxes, scores, kinds = geometry.decode(rows, 64, ratio, shape)
    within = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    mine = read(rows, manifest(), fit=Fit((ratio, ratio), (0, 0), 100, 60))
    assert len(mine) >= within.sum() > 5
    size = np.float32([100, 60, 100, 60])
    expected = zip(boxes[within], scores[within], kinds[within], strict=True)
    for (box, score, kind), one in zip(expected, mine, strict=False):
        assert one.label == ("fire", "smoke")[kind]
        assert one.score == pytest.approx(float(score), abs=1e-7)
        np.testing.assert_allclose(one.box, box / size, atol=1e-5)


@settings(max_examples=150, deadline=None)
@given(arrays.arrays(np.float32, (ANCHORS, 7), elements=WILD))
def test_yolox_survives_any_numbers(rows: np.ndarray) -> None:
    check(read(rows, manifest()))


@settings(max_examples=150, deadline=None)
@given(arrays.arrays(np.float32, st.sampled_from([(6, 84), (300, 6), (6, 1)]), elements=WILD))
def test_ultralytics_survives_any_numbers(output: np.ndarray) -> None:
    check(read(output, manifest("ultralytics")))


@settings(max_examples=150, deadline=None)
@given(arrays.arrays(np.float32, (2,), elements=WILD), st.sampled_from(["softmax", "sigmoid", "none"]))
def test_a_classifier_survives_any_numbers(output: np.ndarray, activation: str) -> None:
    found = read(output, manifest("classifier", activation=activation))
    check(found)
    assert {one.label for one in found} == {"fire", "smoke"}


def check(found: tuple[Detection, ...]) -> None:
    """Each detection holds to the contract of the bus."""
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    for one in found:
        Detection.model_validate(one.model_dump())
        assert all(isinstance(value, float) for value in (one.score, *one.box))


def test_ultralytics_columns_are_centre_and_size() -> None:
    output = np.zeros((6, 84), np.float32)
    output[:, 3] = [32, 16, 16, 8, 0.0, 0.8]
    output[:, 9] = [33, 16, 16, 8, 0.0, 0.6]  # the same smoke again
    (only,) = read(output, manifest("ultralytics"))
    assert only.label == "smoke"
    assert only.score == pytest.approx(0.8)
    assert only.box == pytest.approx((24 / 64, 12 / 64, 40 / 64, 20 / 64))


def test_ultralytics_end_to_end_rows() -> None:
    output = np.zeros((300, 6), np.float32)
    output[0] = [8, 8, 24, 24, 0.9, 0]
    output[1] = [32, 32, 64, 64, 0.7, 1]
    output[2] = [0, 0, 9, 9, 0.7, 5]  # a class that the manifest does not name
    found = read(output, manifest("ultralytics"))
    assert [(one.label, round(one.score, 3)) for one in found] == [("fire", 0.9), ("smoke", 0.7)]


def test_the_classifiers_activations() -> None:
    output = np.float32([2.0, 0.0])
    softmax, sigmoid = (
        {one.label: one.score for one in read(output, manifest("classifier", activation=a))}
        for a in ("softmax", "sigmoid")
    )
    assert softmax["fire"] == pytest.approx(0.8808, abs=1e-4)
    assert sum(softmax.values()) == pytest.approx(1)
    assert sigmoid == {"fire": pytest.approx(0.8808, abs=1e-4), "smoke": 0.5}
    (first, _) = read(output, manifest("classifier", activation="none"))
    assert (first.score, first.box) == (1.0, (0, 0, 1, 1))


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        (manifest(), (ANCHORS, 8)),
        (manifest(), (ANCHORS + 1, 7)),
        (manifest(), (7,)),
        (manifest("ultralytics"), (84, 7)),
        (manifest("ultralytics"), (4,)),
        (manifest("classifier", activation="none"), (3,)),
    ],
)
def test_outputs_of_another_shape_are_refused(model: Manifest, shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match="model m"):
        HEADS[model.head]([np.zeros(shape, np.float32)], model, 0.1)
    with pytest.raises(ModelError):
        HEADS[model.head]([], model, 0.1)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(0, 60), limit=st.floats(0, 1))
def test_suppression_keeps_what_the_greedy_loop_of_training_keeps(seed: int, count: int, limit: float) -> None:
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 50, (count, 2))
    boxes = np.concatenate((corners, corners + rng.uniform(1, 30, (count, 2))), 1).astype(np.float32)
    scores = rng.integers(0, 10, count).astype(np.float32) / 10
    assert nms(boxes, scores, limit).tolist() == geometry.nms(boxes, scores, limit).tolist()


def test_two_kinds_at_one_place_do_not_suppress_each_other() -> None:
    output = np.zeros((6, 84), np.float32)
    output[:, 0] = [32, 32, 16, 16, 0.9, 0.8]
    assert [one.label for one in read(output, manifest("ultralytics"))] == ["fire", "smoke"]


def test_the_number_of_detections_is_bounded() -> None:
    output = np.zeros((6, 5000), np.float32)
    output[0], output[1], output[2:4], output[4] = np.arange(5000) % 64, np.arange(5000) % 61, 0.5, 0.9
    model = manifest("ultralytics")
    found = detections(HEADS["ultralytics"]([output], model, 0.1), Fit((1, 1), (0, 0), 64, 64), model, 0.1, 50)
    assert len(found) == 50
