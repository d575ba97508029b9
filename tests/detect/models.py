"""Tiny models made on the spot: each computes its outputs from the picture in a way that a test can foretell."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import yaml
from onnx import TensorProto, helper, numpy_helper


def write_model(folder: Path, model: onnx.ModelProto, **keys: Any) -> Path:
    """Write a model folder: the ONNX file and a manifest with the given keys over sensible ones."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = model.SerializeToString()
    (folder / "model.onnx").write_bytes(weights)
    write_manifest(folder, sha256=hashlib.sha256(weights).hexdigest(), **keys)
    return folder


def write_manifest(folder: Path, **keys: Any) -> Path:
    """Write a manifest; a key given as None is left out, `input` is merged."""
    folder.mkdir(parents=True, exist_ok=True)
    values: dict[str, Any] = {
        "name": "tiny", "version": "1", "file": "model.onnx", "sha256": "0" * 64, "head": "yolox",
        "classes": ["fire", "smoke", "person"], "thresholds": {"fire": 0.4, "smoke": 0.5, "person": 0.3},
        "licence": "Apache-2.0", "card": "card.md",
    }  # fmt: skip
    spec = {"width": 64, "height": 64, "layout": "nchw", "colour": "bgr", "scale": 1.0, "pad": 114,
            "letterbox": "top_left"}  # fmt: skip
    spec.update(keys.pop("input", {}))
    values.update(keys, input={k: v for k, v in spec.items() if v is not None})
    text = yaml.safe_dump({key: value for key, value in values.items() if value is not None})
    (folder / "manifest.yaml").write_text(text, encoding="utf-8")
    return folder


def _model(nodes: list[Any], constants: dict[str, np.ndarray], batch: int | str, size: int, out: list[Any]) -> Any:
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [batch, 3, size, size])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, out)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model


def fixed_rows(rows: np.ndarray, batch: int | str = "n", size: int = 64) -> Any:
    """A model whose output is `rows` for every picture of the batch, whatever it shows."""
    constants = {"rows": rows[None].astype(np.float32), "zero": np.float32([0])}
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], axes=[1, 2, 3], keepdims=1),
        helper.make_node("Squeeze", ["mean", "axis"], ["flat"]),
        helper.make_node("Mul", ["flat", "zero"], ["nothing"]),
        helper.make_node("Reshape", ["nothing", "shape"], ["shaped"]),
        helper.make_node("Add", ["shaped", "rows"], ["output"]),
    ]
    constants["axis"] = np.int64([3])
    constants["shape"] = np.int64([-1, *([1] * rows.ndim)])
    return _model(nodes, constants, batch, size, [batch, *rows.shape])


def mean_colours(batch: int | str = "n", size: int = 64) -> Any:
    """A classifier of three classes: the mean of each of the picture's channels, in the order in which they came."""
    nodes = [helper.make_node("ReduceMean", ["images"], ["output"], axes=[2, 3], keepdims=0)]
    return _model(nodes, {}, batch, size, [batch, 3])


def brightness_yolox(size: int = 64, batch: int | str = "n") -> Any:
    """Head `yolox`, fire/smoke/person: anchor 0 says fire with objectness = mean brightness / 255, one person always.

    The fire box is 16 x 16 px around canvas (20, 20); the person's is 8 x 8 around (44, 12) with score .9.
    """
    anchors = sum((size // stride) ** 2 for stride in (8, 16, 32))
    rows = np.zeros((anchors, 8), np.float32)
    rows[0] = [2.5, 2.5, np.log(2), np.log(2), 0, 1, 0, 0]
    rows[1] = [4.5, 1.5, 0, 0, 0.9, 0, 0, 1]
    pick = np.zeros((anchors, 8), np.float32)
    pick[0, 4] = 1 / 255
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean4"], axes=[1, 2, 3], keepdims=1),
        helper.make_node("Reshape", ["mean4", "shape"], ["mean"]),
        helper.make_node("Mul", ["mean", "pick"], ["lit"]),
        helper.make_node("Add", ["lit", "rows"], ["output"]),
    ]
    constants = {"shape": np.int64([-1, 1, 1]), "pick": pick[None], "rows": rows[None]}
    return _model(nodes, constants, batch, size, [batch, anchors, 8])
