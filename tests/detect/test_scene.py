"""Head `scene` and the pace of a model that need not look at every frame."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from onnx import TensorProto, helper

from pipeline.bus.records import FrameRef
from pipeline.bus.wetness import unpack
from pipeline.detect.heads import HEADS
from pipeline.detect.manifest import Manifest
from pipeline.detect.observe import Pace, observe
from pipeline.detect.runtime import Detector
from pipeline.ops.errors import ModelError
from pipeline.ops.sections import DetectSection
from tests.detect.frames import frame, picture
from tests.detect.models import write_model
from tests.detect.test_heads import manifest

KEYS: dict[str, Any] = {
    "head": "scene",
    "classes": ["flood"],
    "thresholds": {"flood": 0.5},
    "causes": ["floor"],
    "every_s": 10,
}
WILD = st.one_of(st.floats(-10, 10, width=32), st.sampled_from([np.nan, np.inf, -np.inf]))


def scene(**keys: Any) -> Manifest:
    return manifest(**{**KEYS, **keys})


def test_scores_depth_and_the_box_around_the_water() -> None:
    mask = np.zeros((24, 40), np.float32)
    mask[18:, 10:30] = 0.9
    mask[:3] = 0.9  # the sky: no street
    found = HEADS["scene"]([np.float32([0.8, 0.1, 0.2, 0.6, 0.1]), mask], scene(), 0.05)
    assert found.water is not None
    assert found.water.depth == "knee"
    assert found.water.share == pytest.approx(6 * 20 / (15 * 40), abs=0.01)
    assert unpack(found.water.cells)[20, 15]
    assert found.boxes is not None
    np.testing.assert_allclose(found.boxes[0] / 64, [0.25, 0.75, 0.75, 1.0], atol=1e-6)


@pytest.mark.parametrize("outputs", [[], [np.zeros(5)], [np.zeros(4), np.zeros((6, 10))], [np.zeros(5), np.zeros(9)]])
def test_other_shapes_are_refused_with_the_models_name(outputs: list[np.ndarray]) -> None:
    with pytest.raises(ModelError, match="model m: head scene needs scores"):
        HEADS["scene"](outputs, scene(), 0.05)


@given(arrays.arrays(np.float32, 5, elements=WILD), arrays.arrays(np.float32, (6, 10), elements=WILD))
def test_broken_numbers_upset_nothing(scores: np.ndarray, mask: np.ndarray) -> None:
    found = HEADS["scene"]([scores, mask], scene(), 0.05)
    assert 0 <= float(found.scores[0, 0]) <= 1
    assert found.water is not None


def test_a_scene_tells_one_class() -> None:
    with pytest.raises(ValueError, match="head scene tells one class"):
        scene(classes=["flood", "fire"])


def two_outputs() -> onnx.ModelProto:
    """A network whose flood score is the picture's mean, and whose mask is its first channel, both / 255."""
    nodes = [
        helper.make_node("Div", ["images", "k"], ["unit"]),
        helper.make_node("ReduceMean", ["unit"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Unsqueeze", ["mean", "axis"], ["one"]),
        helper.make_node("Concat", ["one", "one", "one", "one", "one"], ["scores"], axis=1),
        helper.make_node("Gather", ["unit", "zero"], ["mask"], axis=1),
    ]
    constants = [
        helper.make_tensor("k", TensorProto.FLOAT, [], [255.0]),
        helper.make_tensor("axis", TensorProto.INT64, [1], [1]),
        helper.make_tensor("zero", TensorProto.INT64, [], [0]),
    ]
    image = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", 3, 64, 64])
    outputs = [
        helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 5]),
        helper.make_tensor_value_info("mask", TensorProto.FLOAT, ["n", 64, 64]),
    ]
    graph = helper.make_graph(nodes, "scene", [image], outputs, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def test_from_picture_to_observation(tmp_path: Path) -> None:
    detector = Detector(write_model(tmp_path, two_outputs(), **KEYS), DetectSection())
    seen = detector.detect([picture(64, 64, level=204)])[0]
    assert [(one.label, round(one.score, 1)) for one in seen] == [("flood", 0.8)]
    assert seen.water is not None
    assert seen.water.light == pytest.approx(0.8, abs=0.01)
    ref = FrameRef(partition=0, offset=1)
    told = observe(frame(picture()), ref, ("flood",), detector.manifest, seen, 1.0, DetectSection())
    assert told.water == seen.water
    assert told.scores["flood"] == pytest.approx(0.8, abs=0.01)
    untold = observe(frame(picture()), ref, ("fire",), detector.manifest, seen, 1.0, DetectSection())
    assert (untold.water, untold.scores) == (None, {})


def test_the_pace_lets_one_frame_a_stretch_through_and_a_second_copy_of_it() -> None:
    pace, model = Pace(), scene()
    times = [0, 1000, 9000, 10_000, 11_000, 10_000, 20_500]
    due = [pace.due(model, frame(picture(), captured_ms=1_000_000 + ms)) for ms in times]
    assert due == [True, False, False, True, False, True, True]
    assert pace.due(model, frame(picture(), camera="other", captured_ms=1_000_000))
    assert all(pace.due(scene(every_s=0), frame(picture(), captured_ms=ms)) for ms in (1, 2, 3))
