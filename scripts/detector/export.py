"""A checkpoint as ONNX with its manifest: `python -m scripts.detector.export CHECKPOINT --out models/fire_smoke`.

Opset 17. Input `images` `[N, 3, 320, 320]` float32 BGR 0..255, letterboxed top left with 114; output `output` `[N,
anchors, 8]`: raw dx, dy, log w, log h, then objectness, fire, smoke and person after the sigmoid.
"""

from __future__ import annotations

import argparse
import hashlib
import warnings
from pathlib import Path

import numpy as np
import onnxruntime as ort
import torch
from torch import Tensor, nn

from scripts.detector.geometry import CLASSES, STRIDES
from scripts.detector.network import YoloxNano

OPSET = 17
SIZE = 320
TOLERANCE = 2e-3
OVERLAP = 0.45  # suppression: .4-.5 was best for fire and smoke on val, .6 left nested boxes


class Exported(nn.Module):
    """The network with sigmoids on objectness and classes."""

    def __init__(self, model: YoloxNano) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        """`[N, 3, H, W]` -> `[N, anchors, 5 + classes]`."""
        raw = self.model(images)
        return torch.cat((raw[..., :4], raw[..., 4:].sigmoid()), -1)


def load_averaged(checkpoint: Path) -> YoloxNano:
    """The averaged weights of a checkpoint, ready for inference."""
    model = YoloxNano(len(CLASSES))
    model.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True)["ema"])
    return model.eval()


def export_onnx(checkpoint: Path, target: Path, size: int = SIZE) -> float:
    """Write the ONNX file; returns its largest difference from torch on a noise picture.

    Raises ValueError where that is above .002.
    """
    model = Exported(load_averaged(checkpoint)).eval()
    images = torch.rand(2, 3, size, size) * 255
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model,
            (images,),
            str(target),
            opset_version=OPSET,
            input_names=["images"],
            output_names=["output"],
            dynamic_axes={"images": {0: "N", 2: "H", 3: "W"}, "output": {0: "N"}},
            dynamo=False,
        )
    session = ort.InferenceSession(str(target), providers=["CPUExecutionProvider"])
    with torch.no_grad():
        expected = model(images[:1]).numpy()
    gap = float(np.abs(session.run(None, {"images": images[:1].numpy()})[0] - expected).max())
    if gap > TOLERANCE:
        raise ValueError(f"{target}: differs from torch by {gap:.4f}")
    return gap


def write_manifest(
    folder: Path, version: str, thresholds: dict[str, float], head: str = "yolox", size: int = SIZE
) -> str:
    """Write `manifest.yaml` beside `model.onnx` and return the file's sha256."""
    digest = hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()
    limits = ", ".join(f"{name}: {thresholds[name]:g}" for name in CLASSES)
    yolox = head == "yolox"
    cut = f"top_left, cut: {max(STRIDES)}"
    colour, scale, letter = ("bgr", "1.0", cut) if yolox else ("rgb", "0.00392156862745098", "centre")
    lines = (
        "name: fire_smoke",
        f'version: "{version}"',
        "file: model.onnx",
        f"sha256: {digest}",
        f"head: {head}",
        f"input: {{width: {size}, height: {size}, layout: nchw, colour: {colour}, "
        f"scale: {scale}, pad: 114, letterbox: {letter}}}",
        f"classes: [{', '.join(CLASSES)}]",
        f"thresholds: {{{limits}}}",
        f"strides: [{', '.join(map(str, STRIDES))}]",
        f"nms_iou: {OVERLAP:g}",
        f"licence: {'Apache-2.0' if yolox else 'AGPL-3.0'}",
        "card: card.md",
    )
    (folder / "manifest.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return digest


def main() -> None:
    """Export, check, write the manifest, print the digest."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("checkpoint", type=Path)
    p.add_argument("--out", type=Path, default=Path("models/fire_smoke"))
    p.add_argument("--version", default="0.1.0")
    p.add_argument("--size", type=int, default=SIZE)
    for name, value in zip(CLASSES, (0.3, 0.3, 0.4), strict=True):
        p.add_argument(f"--{name}", type=float, default=value, help=f"threshold for {name}")
    args = p.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    target = args.out / "model.onnx"
    gap = export_onnx(args.checkpoint, target, args.size)
    digest = write_manifest(args.out, args.version, {n: getattr(args, n) for n in CLASSES}, size=args.size)
    print(f"{target}: {target.stat().st_size} bytes, differs from torch by {gap:.2g}, sha256 {digest}")


if __name__ == "__main__":
    main()
