"""The whole temporal model as one network: backbone, differences in time, pooling, linear heads. Exported as ONNX."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from scripts.brawl.heads import Head
from scripts.detector.network import Darknet, YoloxNano, load_coco


class Backbone(nn.Module):
    """The backbone of YOLOX-nano: crops `[N, 3, S, S]` BGR 0..255 -> features at strides 16 and 32."""

    def __init__(self, weights: Path) -> None:
        super().__init__()
        whole = YoloxNano(3)
        load_coco(whole, weights)
        self.net: Darknet = whole.backbone.backbone

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return 128 channels at stride 16 and 256 at stride 32."""
        _, middle, last = self.net(x)
        return middle, last


def changes(maps: Tensor) -> Tensor:
    """`[N, 3, T, C, h, w]` -> `[N, 3, 4, C]`: mean and highest change, change over four pictures, bend."""
    step = (maps[:, :, 1:] - maps[:, :, :-1]).abs()
    bend = (maps[:, :, 2:] - 2 * maps[:, :, 1:-1] + maps[:, :, :-2]).abs()
    far = (maps[:, :, 4:] - maps[:, :, :-4]).abs()
    parts = (step.mean((2, 4, 5)), step.amax((4, 5)).mean(2), far.mean((2, 4, 5)), bend.mean((2, 4, 5)))
    return torch.stack(parts, 2)


class Temporal(nn.Module):
    """Crops `[N, 3, T, 3, S, S]` BGR 0..255 (wide, close, close) and figures `[N, 86]` -> scores and logits of folds.

    Args:
        backbone: Gives the features.
        head: The shipped head.
        folds: Heads of the cross-validation, each trained without one fold; for evaluation only.
    """

    def __init__(self, backbone: Backbone, head: Head, folds: list[Head]) -> None:
        super().__init__()
        self.backbone = backbone
        heads = [head, *folds]
        self.mean = nn.Parameter(torch.tensor(head.mean)[None], requires_grad=False)
        self.scale = nn.Parameter(torch.tensor(head.scale)[None], requires_grad=False)
        self.w = nn.Parameter(torch.tensor(head.w), requires_grad=False)
        self.b = nn.Parameter(torch.tensor(head.b), requires_grad=False)
        self.means = nn.ParameterList(
            [nn.Parameter(torch.tensor(h.mean)[None], requires_grad=False) for h in heads[1:]]
        )
        self.scales = nn.ParameterList(
            [nn.Parameter(torch.tensor(h.scale)[None], requires_grad=False) for h in heads[1:]]
        )
        self.ws = nn.ParameterList([nn.Parameter(torch.tensor(h.w[:, :1]), requires_grad=False) for h in heads[1:]])
        self.bs = nn.ParameterList([nn.Parameter(torch.tensor(h.b[:1]), requires_grad=False) for h in heads[1:]])

    def forward(self, crops: Tensor, figures: Tensor) -> tuple[Tensor, Tensor]:
        """Return `scores` `[N, 2]` 0..1 (fight, group) and `folds` `[N, 5]` 0..1."""
        number, places, length, channels, side, _ = crops.shape
        maps = self.backbone(crops.reshape(-1, channels, side, side))
        parts = [changes(m.reshape(number, places, length, *m.shape[1:])) for m in maps]
        pooled = torch.cat(parts, 3)
        wide, close = pooled[:, 0].flatten(1), pooled[:, 1:]
        motion, flow = figures[:, :8], figures[:, 8:].reshape(number, 3, -1)
        x = torch.cat(
            (
                wide,
                close.mean(1).flatten(1),
                close.amax(1).flatten(1),
                motion,
                flow[:, 0],
                flow[:, 1:].mean(1),
                flow[:, 1:].amax(1),
            ),
            1,
        )
        scores = torch.sigmoid(((x - self.mean) / self.scale).clamp(-4, 4) @ self.w + self.b)
        folds = [
            ((x - m) / s).clamp(-4, 4) @ w + b
            for m, s, w, b in zip(self.means, self.scales, self.ws, self.bs, strict=True)
        ]
        return scores, torch.sigmoid(torch.cat(folds, 1))


def export(model: Temporal, out: Path, pictures: int = 16, side: int = 128) -> None:
    """Write the network as ONNX with free batch size."""
    crops = torch.rand(2, 3, pictures, 3, side, side) * 255
    with torch.no_grad():
        torch.onnx.export(
            model.eval(),
            (crops, torch.zeros(2, 86)),
            str(out),
            input_names=["crops", "figures"],
            output_names=["scores", "folds"],
            dynamic_axes={name: {0: "n"} for name in ("crops", "figures", "scores", "folds")},
            opset_version=17,
            dynamo=False,
        )


def export_backbone(weights: Path, out: Path) -> None:
    """Write the backbone alone, for the extraction of features."""
    axes = {"x": {0: "n", 2: "h", 3: "w"}, "c4": {0: "n"}, "c5": {0: "n"}}
    with torch.no_grad():
        torch.onnx.export(
            Backbone(weights).eval(),
            (torch.zeros(2, 3, 128, 128),),
            str(out),
            input_names=["x"],
            output_names=["c4", "c5"],
            dynamic_axes=axes,
            opset_version=17,
            dynamo=False,
        )
