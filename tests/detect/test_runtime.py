"""The detector at work: on tiny models of known answers, and on the baseline against training's own functions."""

import hashlib
import shutil
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest

from pipeline.detect.runtime import Detector
from pipeline.detect.session import choose_providers
from pipeline.ops.errors import ModelError
from pipeline.ops.sections import DetectSection
from scripts.detector import geometry
from tests.detect.frames import picture
from tests.detect.models import brightness_yolox, fixed_rows, mean_colours, write_manifest, write_model

CONFIG = DetectSection()


def test_one_pass_gives_fire_and_people(bright_model: Path) -> None:
    detector = Detector(bright_model, CONFIG)
    (seen,) = detector.detect([picture(128, 128, level=200)])
    assert [one.label for one in seen] == ["person", "fire"]
    assert seen[1].score == pytest.approx(200 / 255, abs=0.02)
    assert seen[1].box == pytest.approx((12 / 64, 12 / 64, 28 / 64, 28 / 64))
    assert detector.thresholds == {"fire": 0.4, "smoke": 0.5, "person": 0.3}
    assert detector.model_ref.name == "bright"
    assert detector.model_ref.sha8 == hashlib.sha256((bright_model / "model.onnx").read_bytes()).hexdigest()[:8]


@pytest.mark.parametrize("configured", [0, 1, 3, 8])
def test_batches_say_the_same_as_single_pictures(bright_model: Path, configured: int) -> None:
    detector = Detector(bright_model, DetectSection(batch=configured))
    assert detector.batch == (configured or 1)
    images = [picture(90 + 7 * i, 64, level=20 * i, seed=i) for i in range(7)]
    together = detector.detect(images)
    assert together == [detector.detect([image])[0] for image in images]
    assert len({seen[-1].score for seen in together}) > 4
    assert detector.detect([]) == []


@pytest.mark.parametrize("fixed", [1, 4])
def test_a_model_of_fixed_batch_is_filled_up(tmp_path: Path, fixed: int) -> None:
    detector = Detector(write_model(tmp_path, brightness_yolox(batch=fixed)), DetectSection(batch=9))
    assert detector.batch == fixed
    images = [picture(64, 64, level=40 * i) for i in range(6)]
    fires = [{d.label: d.score for d in seen}.get("fire", 0.0) for seen in detector.detect(images)]
    assert fires == pytest.approx([0.06, 0.16, 0.31, 0.47, 0.63, 0.78], abs=0.06)


def test_a_classifier_of_colours(tmp_path: Path) -> None:
    keys = {"head": "classifier", "activation": "none", "classes": ["red", "green", "blue"], "thresholds": {},
            "input": {"colour": "rgb", "letterbox": "stretch", "scale": 1 / 255}}  # fmt: skip
    detector = Detector(write_model(tmp_path, mean_colours(), **keys), CONFIG)
    image = np.zeros((50, 80, 3), np.uint8)
    image[:] = (51, 102, 204)  # BGR
    (seen,) = detector.detect([image])
    assert {d.label: pytest.approx(d.score, abs=1e-4) for d in seen} == {"red": 0.8, "green": 0.4, "blue": 0.2}


def test_an_ultralytics_export(tmp_path: Path) -> None:
    rows = np.zeros((7, 84), np.float32)
    rows[:, 5] = [32, 32, 16, 8, 0.1, 0.9, 0]
    keys = {"head": "ultralytics", "input": {"colour": "rgb", "letterbox": "centre", "scale": 1 / 255}}
    (seen,) = Detector(write_model(tmp_path, fixed_rows(rows), **keys), CONFIG).detect([picture(128, 64)])
    assert [d.label for d in seen] == ["smoke", "fire"]
    assert seen[0].box == pytest.approx((24 / 64, 12 / 32, 40 / 64, 20 / 32))  # 16 px of margin above


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"classes": ["fire", "smoke"], "thresholds": {}}, "needs rows of 7 values"),
        ({"input": {"width": 96, "height": 96}}, "the manifest says 96x96"),
        ({"strides": [8, 16]}, "84 rows, the manifest's size and strides make 80"),
        ({"head": "ultralytics"}, "head ultralytics"),
        ({"head": "classifier", "activation": "none"}, "3 classes need as many values"),
    ],
)
def test_a_manifest_of_another_model_is_found_out_at_start(tmp_path: Path, keys: dict, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        Detector(write_model(tmp_path, brightness_yolox(), **keys), CONFIG)


def test_a_file_that_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"weights")
    write_manifest(tmp_path, sha256=hashlib.sha256(b"weights").hexdigest())
    with pytest.raises(ModelError, match="model tiny: onnxruntime cannot load it"):
        Detector(tmp_path, CONFIG)


def test_a_model_with_another_kind_of_input(tmp_path: Path) -> None:
    text = (
        '<ir_version: 8, opset_import: ["": 17]> tiny (int64[n] images) => (int64[n] output) { output = Abs(images) }'
    )
    with pytest.raises(ModelError, match="needs one float32 input"):
        Detector(write_model(tmp_path, onnx.parser.parse_model(text)), CONFIG)


def test_an_output_without_batch_axis(tmp_path: Path) -> None:
    text = (
        '<ir_version: 8, opset_import: ["": 17]> tiny (float[n,3,64,64] images) => (float output)'
        " { output = ReduceMean<keepdims=0>(images) }"
    )
    with pytest.raises(ModelError, match="no batch axis"):
        Detector(write_model(tmp_path, onnx.parser.parse_model(text)), CONFIG)


def test_a_model_that_fails_at_work(tmp_path: Path) -> None:
    text = (
        '<ir_version: 8, opset_import: ["": 17]> tiny (float[n,3,h,w] images) => (float[n,3] output)'
        " <int64[2] shape = {1, 3}> { mean = ReduceMean<axes=[2,3], keepdims=0>(images) output = Reshape(mean, shape) }"
    )
    folder = write_model(tmp_path, onnx.parser.parse_model(text), head="classifier", activation="none")
    detector = Detector(folder, CONFIG)
    detector.batch = 2
    with pytest.raises(ModelError, match="model tiny failed"):
        detector.detect([picture(), picture()])
    assert len(detector.detect([picture()])[0]) == 3


def test_providers_best_first_and_the_cpu_last() -> None:
    cuda, cpu = "CUDAExecutionProvider", "CPUExecutionProvider"
    assert choose_providers((), [cpu]) == [cpu]
    assert choose_providers((), ["TensorrtExecutionProvider", cuda, cpu]) == [cuda, cpu]
    assert choose_providers(("TensorrtExecutionProvider", cuda), ["TensorrtExecutionProvider", cuda, cpu])[-1] == cpu
    assert choose_providers((cpu,), [cuda, cpu]) == [cpu]
    with pytest.raises(ModelError, match=r"detect\.providers: CUDAExecutionProvider is not available"):
        choose_providers((cuda,), [cpu])


def test_a_configured_provider_that_is_not_there_is_an_error(bright_model: Path) -> None:
    with pytest.raises(ModelError, match=r"there is .*CPUExecutionProvider"):
        Detector(bright_model, DetectSection(providers=("NoSuchExecutionProvider",)))


def test_the_baseline_agrees_with_training_on_real_pictures(shared_data: Path, tmp_path: Path) -> None:
    file = shared_data / "weights" / "baseline_fire_smoke_320.onnx"
    shutil.copyfile(file, tmp_path / "model.onnx")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    spec = {"width": 320, "height": 320}
    write_manifest(tmp_path, sha256=digest, classes=["fire", "smoke"], thresholds={}, input=spec)
    detector = Detector(tmp_path, DetectSection(min_score=0.01, max_boxes=100))
    raw = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    compared = 0
    for picture_file in sorted((shared_data / "data" / "fire_smoke" / "images").glob("*.jpg"))[::100]:
        image = cv2.imread(str(picture_file))
        canvas, ratio = geometry.letterbox(image, 320)
        output = raw.run(None, {"images": geometry.to_tensor(canvas)})[0][0]
        boxes, scores, kinds = geometry.decode(output, 320, ratio, image.shape[:2], floor=0.01)
        size = np.float32([*image.shape[1::-1]] * 2)
        within = (boxes[:, 2:] > boxes[:, :2]).all(1)
        expected = sorted(zip(kinds[within], scores[within], (boxes / size)[within].tolist(), strict=True))
        found = sorted((("fire", "smoke").index(d.label), d.score, list(d.box)) for d in detector.detect([image])[0])
        for mine, trained in zip(found, expected, strict=True):
            assert mine[0] == trained[0]
            np.testing.assert_allclose([mine[1], *mine[2]], [trained[1], *trained[2]], atol=1e-5)
        compared += len(found)
    assert compared > 100
