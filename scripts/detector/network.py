"""YOLOX-nano in plain torch (Ge et al. 2021, "YOLOX: Exceeding YOLO Series in 2021", arXiv:2107.08430).

Written anew with the parameter names of the published network, so that its COCO weights load by name. Depth .33, width
.25, depthwise convolutions, 0.91 M parameters. Input `[N, 3, H, W]` BGR 0..255, H and W multiples of 32. Output `[N,
anchors, 5 + classes]` of raw values: dx, dy, log w, log h in units of the stride, then the logits of objectness and of
the classes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

STRIDES = (8, 16, 32)
PRIOR = 1e-2
PERSON = 0  # COCO class index of a person


class Conv(nn.Module):
    """Convolution, batch norm, SiLU."""

    def __init__(self, inputs: int, outputs: int, size: int = 1, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.03)
        self.act = nn.SiLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """`[N, inputs, H, W]` -> `[N, outputs, H/stride, W/stride]`."""
        y: Tensor = self.act(self.bn(self.conv(x)))
        return y


class Depthwise(nn.Module):
    """A 3x3 convolution per channel followed by a 1x1 convolution over channels."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.dconv = Conv(inputs, inputs, 3, stride, groups=inputs)
        self.pconv = Conv(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """`[N, inputs, H, W]` -> `[N, outputs, H/stride, W/stride]`."""
        y: Tensor = self.pconv(self.dconv(x))
        return y


class Bottleneck(nn.Module):
    """1x1 then depthwise 3x3, with a residual where asked for."""

    def __init__(self, channels: int, residual: bool) -> None:
        super().__init__()
        self.conv1 = Conv(channels, channels)
        self.conv2 = Depthwise(channels, channels)
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        """Keeps the shape."""
        y: Tensor = self.conv2(self.conv1(x))
        return y + x if self.residual else y


class Csp(nn.Module):
    """Cross-stage partial layer: half of the channels go through `depth` bottlenecks."""

    def __init__(self, inputs: int, outputs: int, depth: int, residual: bool = True) -> None:
        super().__init__()
        hidden = outputs // 2
        self.conv1 = Conv(inputs, hidden)
        self.conv2 = Conv(inputs, hidden)
        self.conv3 = Conv(2 * hidden, outputs)
        self.m = nn.Sequential(*(Bottleneck(hidden, residual) for _ in range(depth)))

    def forward(self, x: Tensor) -> Tensor:
        """`[N, inputs, H, W]` -> `[N, outputs, H, W]`."""
        y: Tensor = self.conv3(torch.cat((self.m(self.conv1(x)), self.conv2(x)), 1))
        return y


class Spp(nn.Module):
    """Spatial pyramid pooling with windows 5, 9 and 13 (three cascaded windows of 5 give the same)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = Conv(channels, channels // 2)
        self.conv2 = Conv(channels * 2, channels)
        self.pool = nn.MaxPool2d(5, 1, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Keeps the shape."""
        a = self.conv1(x)
        b = self.pool(a)
        c = self.pool(b)
        y: Tensor = self.conv2(torch.cat((a, b, c, self.pool(c)), 1))
        return y


class Focus(nn.Module):
    """Four neighbouring pixels become channels, then a 3x3 convolution."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.conv = Conv(12, outputs, 3)

    def forward(self, x: Tensor) -> Tensor:
        """`[N, 3, H, W]` -> `[N, outputs, H/2, W/2]`."""
        parts = (x[..., ::2, ::2], x[..., 1::2, ::2], x[..., ::2, 1::2], x[..., 1::2, 1::2])
        y: Tensor = self.conv(torch.cat(parts, 1))
        return y


class Darknet(nn.Module):
    """The backbone: features at strides 8, 16 and 32 with 64, 128 and 256 channels."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Focus(16)
        self.dark2 = nn.Sequential(Depthwise(16, 32, 2), Csp(32, 32, 1))
        self.dark3 = nn.Sequential(Depthwise(32, 64, 2), Csp(64, 64, 3))
        self.dark4 = nn.Sequential(Depthwise(64, 128, 2), Csp(128, 128, 3))
        self.dark5 = nn.Sequential(Depthwise(128, 256, 2), Spp(256), Csp(256, 256, 1, residual=False))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """`[N, 3, H, W]` -> features at strides 8, 16, 32."""
        a = self.dark3(self.dark2(self.stem(x)))
        b = self.dark4(a)
        return a, b, self.dark5(b)


class Pafpn(nn.Module):
    """Backbone and path-aggregation neck: 64, 128 and 256 channels at strides 8, 16 and 32."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = Darknet()
        self.lateral_conv0 = Conv(256, 128)
        self.C3_p4 = Csp(256, 128, 1, residual=False)
        self.reduce_conv1 = Conv(128, 64)
        self.C3_p3 = Csp(128, 64, 1, residual=False)
        self.bu_conv2 = Depthwise(64, 64, 2)
        self.C3_n3 = Csp(128, 128, 1, residual=False)
        self.bu_conv1 = Depthwise(128, 128, 2)
        self.C3_n4 = Csp(256, 256, 1, residual=False)
        self.up = nn.Upsample(scale_factor=2, mode="nearest")

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """`[N, 3, H, W]` -> features at strides 8, 16, 32."""
        c3, c4, c5 = self.backbone(x)
        top = self.lateral_conv0(c5)
        middle = self.reduce_conv1(self.C3_p4(torch.cat((self.up(top), c4), 1)))
        p3 = self.C3_p3(torch.cat((self.up(middle), c3), 1))
        p4 = self.C3_n3(torch.cat((self.bu_conv2(p3), middle), 1))
        return p3, p4, self.C3_n4(torch.cat((self.bu_conv1(p4), top), 1))


class Head(nn.Module):
    """The decoupled head: one branch for the classes, one for the box and objectness, at each stride."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.stems = nn.ModuleList(Conv(c, 64) for c in (64, 128, 256))
        self.cls_convs = nn.ModuleList(nn.Sequential(Depthwise(64, 64), Depthwise(64, 64)) for _ in STRIDES)
        self.reg_convs = nn.ModuleList(nn.Sequential(Depthwise(64, 64), Depthwise(64, 64)) for _ in STRIDES)
        self.cls_preds = nn.ModuleList(nn.Conv2d(64, classes, 1) for _ in STRIDES)
        self.reg_preds = nn.ModuleList(nn.Conv2d(64, 4, 1) for _ in STRIDES)
        self.obj_preds = nn.ModuleList(nn.Conv2d(64, 1, 1) for _ in STRIDES)
        for layer in (*self.cls_preds, *self.obj_preds):
            nn.init.constant_(layer.bias, -math.log((1 - PRIOR) / PRIOR))

    def forward(self, features: Iterable[Tensor]) -> Tensor:
        """Features -> `[N, anchors, 5 + classes]`, anchors row by row, stride 8 first."""
        rows = []
        for k, feature in enumerate(features):
            x = self.stems[k](feature)
            r = self.reg_convs[k](x)
            c = self.cls_preds[k](self.cls_convs[k](x))
            rows.append(torch.cat((self.reg_preds[k](r), self.obj_preds[k](r), c), 1).flatten(2))
        return torch.cat(rows, 2).permute(0, 2, 1)


class YoloxNano(nn.Module):
    """Backbone, neck and head; see the module's text for the shapes."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.backbone = Pafpn()
        self.head = Head(classes)

    def forward(self, x: Tensor) -> Tensor:
        """`[N, 3, H, W]` BGR 0..255 -> `[N, anchors, 5 + classes]` raw."""
        y: Tensor = self.head(self.backbone(x))
        return y


def load_coco(model: YoloxNano, path: Path, person: int | None = 2) -> int:
    """Copy the COCO weights by name into `model`; returns the number of tensors copied.

    Tensors of another shape (the class predictors) are left as initialised, but for the class `person`, whose row is
    COCO's own.
    """
    source: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    target = model.state_dict()
    same = {k: v for k, v in source.items() if k in target and target[k].shape == v.shape}
    model.load_state_dict(same, strict=False)
    if person is not None:
        with torch.no_grad():
            for k, layer in enumerate(model.head.cls_preds):
                layer.weight[person] = source[f"head.cls_preds.{k}.weight"][PERSON]
                layer.bias[person] = source[f"head.cls_preds.{k}.bias"][PERSON]
    return len(same)


@contextmanager
def _moments(model: nn.Module) -> Iterator[dict[nn.BatchNorm2d, list[Tensor]]]:
    """Collect sum, sum of squares and count of every batch norm's input while the context is open."""
    found: dict[nn.BatchNorm2d, list[Tensor]] = {}

    def hook(layer: nn.BatchNorm2d, inputs: tuple[Tensor], _output: Tensor) -> None:
        x = inputs[0].double()
        now = [x.sum((0, 2, 3)), (x**2).sum((0, 2, 3)), torch.tensor(x.numel() / x.shape[1])]
        found[layer] = [a + b for a, b in zip(found[layer], now, strict=True)] if layer in found else now

    handles = [m.register_forward_hook(hook) for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


@torch.no_grad()
def recalibrate(model: nn.Module, batches: Iterable[Tensor]) -> None:
    """Give every batch norm the statistics of `batches` without changing the function computed.

    The published weights come folded (identity statistics): the true mean and variance are set and folded into gamma
    and beta.
    """
    model.eval()
    with _moments(model) as found:
        for batch in batches:
            model(batch)
    for layer, (total, squares, count) in found.items():
        mean = total / count
        deviation = ((squares / count - mean**2).clamp_min(1e-8) + layer.eps).sqrt()
        layer.running_mean.copy_(mean)
        layer.running_var.copy_(deviation**2 - layer.eps)
        layer.bias.add_(layer.weight * mean)
        layer.weight.mul_(deviation)
