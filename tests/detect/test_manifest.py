"""Manifests: what is refused, and that the message names file, key and digests."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from pipeline.detect.manifest import load_manifest, read_weights
from pipeline.ops.errors import ModelError
from tests.detect.models import write_manifest


def test_a_whole_manifest_is_read(tmp_path: Path) -> None:
    manifest = load_manifest(write_manifest(tmp_path))
    assert manifest.classes == ("fire", "smoke", "person")
    assert manifest.ref.sha8 == "00000000"
    assert manifest.threshold("fire") == 0.4


def test_a_class_without_threshold_counts_from_one_half(tmp_path: Path) -> None:
    assert load_manifest(write_manifest(tmp_path, thresholds={})).threshold("smoke") == 0.5


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"colour": "red"}, "colour: unknown key"),
        ({"version": None}, "version: Field required"),
        ({"version": 1.0}, "version: Input should be a valid string"),
        ({"head": "detr"}, "head: Input should be 'yolox', 'ultralytics', 'classifier', 'scene' or 'temporal'"),
        ({"sha256": "abc"}, "sha256:"),
        ({"file": "../model.onnx"}, "file:"),
        ({"classes": []}, "classes:"),
        ({"classes": ["fire", "fire"]}, "a name stands twice"),
        ({"classes": ["Fire"]}, "classes.0:"),
        ({"thresholds": {"flood": 0.5}}, "'flood' is not one of the classes fire, smoke, person"),
        ({"thresholds": {"fire": 1.5}}, "thresholds.fire:"),
        ({"input": {"width": 100}}, "multiples of 8"),
        ({"strides": [0]}, "multiples of 0"),
        ({"input": {"letterbox": "left"}}, "input.letterbox:"),
        ({"input": {"std": [1, 0, 1]}}, "std must be above zero"),
        ({"input": {"scale": float("nan")}}, "input.scale:"),
        ({"head": "classifier"}, "activation"),
        ({"activation": "softmax"}, "activation"),
        ({"causes": ["always"]}, "causes.0:"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, keys: dict[str, Any], said: str) -> None:
    with pytest.raises(ModelError) as error:
        load_manifest(write_manifest(tmp_path, **keys))
    assert str(tmp_path / "manifest.yaml") in str(error.value)
    assert said in str(error.value)


@pytest.mark.parametrize("text", [b"", b"- a\n- b\n", b"name: [", b"\xff\xfe\x00"])
def test_a_file_that_is_no_mapping(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "manifest.yaml").write_bytes(text)
    with pytest.raises(ModelError, match=r"manifest\.yaml"):
        load_manifest(tmp_path)


def test_a_missing_manifest(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        load_manifest(tmp_path / "nowhere")


def test_an_altered_model_names_both_digests(tmp_path: Path) -> None:
    good = hashlib.sha256(b"weights").hexdigest()
    manifest = load_manifest(write_manifest(tmp_path, sha256=good))
    (tmp_path / "model.onnx").write_bytes(b"weights")
    assert read_weights(tmp_path, manifest) == b"weights"
    (tmp_path / "model.onnx").write_bytes(b"other")
    with pytest.raises(ModelError) as error:
        read_weights(tmp_path, manifest)
    assert good in str(error.value)
    assert hashlib.sha256(b"other").hexdigest() in str(error.value)
    (tmp_path / "model.onnx").unlink()
    with pytest.raises(ModelError, match=r"model\.onnx: cannot be read"):
        read_weights(tmp_path, manifest)
