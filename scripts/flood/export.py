"""A checkpoint as ONNX with its manifest: `python -m scripts.flood.export CHECKPOINT [...] --out models/flood`.

Several checkpoints are averaged. Opset 17. Input `images` `[N, 3, 192, 320]` float32 BGR 0..255, the picture stretched;
outputs `scores` `[N, 5]` (flood, then none, ankle, knee, wheel) and `mask` `[N, 24, 40]`, all 0..1. Kernels are stored
as float16 and widened when the file is loaded: half the size, the arithmetic stays float32.
"""

from __future__ import annotations

import argparse
import hashlib
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from onnx import TensorProto, helper, numpy_helper

from scripts.flood.feed import SIZE
from scripts.flood.network import Exported, FloodNet

OPSET = 17
TOLERANCE = 0.02
SMALL = 1024
"""Tensors of fewer values are kept as float32."""


def averaged(checkpoints: list[Path]) -> FloodNet:
    """The mean of the averaged weights of some checkpoints, ready for inference."""
    states = [torch.load(path, map_location="cpu", weights_only=True)["ema"] for path in checkpoints]
    mean = {
        name: torch.stack([s[name].float() for s in states]).mean(0) if value.dtype.is_floating_point else value
        for name, value in states[0].items()
    }
    model = FloodNet()
    model.load_state_dict(mean)
    return model.eval()


def halved(model: onnx.ModelProto) -> onnx.ModelProto:
    """Store large float32 constants as float16 behind a cast."""
    graph, casts = model.graph, []
    for constant in list(graph.initializer):
        if constant.data_type != TensorProto.FLOAT or np.prod(constant.dims) < SMALL:
            continue
        values = numpy_helper.to_array(constant).astype(np.float16)
        graph.initializer.remove(constant)
        graph.initializer.append(numpy_helper.from_array(values, constant.name + "_half"))
        casts.append(helper.make_node("Cast", [constant.name + "_half"], [constant.name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    return model


def export(model: FloodNet, target: Path) -> float:
    """Write the ONNX file; returns its largest difference from torch on noise. Raises ValueError above .02."""
    wrapped = Exported(model).eval()
    images = torch.rand(2, 3, SIZE[1], SIZE[0]) * 255
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            wrapped,
            (images,),
            str(target),
            opset_version=OPSET,
            input_names=["images"],
            output_names=["scores", "mask"],
            dynamic_axes={name: {0: "n"} for name in ("images", "scores", "mask")},
            dynamo=False,
        )
    onnx.save(halved(onnx.load(target)), target)
    session = ort.InferenceSession(str(target), providers=["CPUExecutionProvider"])
    found = session.run(None, {"images": images.numpy()})
    with torch.no_grad():
        wanted = wrapped(images)
    worst = max(float(np.abs(a - b.numpy()).max()) for a, b in zip(found, wanted, strict=True))
    if worst > TOLERANCE:
        raise ValueError(f"{target}: differs from torch by {worst:.4f}")
    return worst


def manifest(target: Path, version: str, threshold: float) -> str:
    """The text of the manifest."""
    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    return f"""name: flood
version: "{version}"
file: {target.name}
sha256: {digest}
head: scene
input: {{width: {SIZE[0]}, height: {SIZE[1]}, layout: nchw, colour: bgr, scale: 1.0, letterbox: stretch}}
classes: [flood]
thresholds: {{flood: {threshold}}}
causes: [floor]
every_s: 10
licence: Apache-2.0
card: card.md
"""


def main() -> None:
    """Export."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("checkpoints", type=Path, nargs="+")
    p.add_argument("--out", type=Path, required=True, help="model folder")
    p.add_argument("--version", default="0.1.0")
    p.add_argument("--threshold", type=float, default=0.6)
    args = p.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    target = args.out / "model.onnx"
    print("largest difference from torch:", export(averaged(args.checkpoints), target))
    (args.out / "manifest.yaml").write_text(manifest(target, args.version, args.threshold), encoding="utf-8")


if __name__ == "__main__":
    main()
