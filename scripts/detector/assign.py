"""SimOTA label assignment for a whole batch at once (Ge et al. 2021, YOLOX, section 2.1)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from scripts.detector.geometry import anchors

RADIUS = 1.5
CANDIDATES = 10
FAR = 1e6


@dataclass(frozen=True)
class Grid:
    """Cell corners `[A, 2]`, strides `[A, 1]` and cell centres in pixels `[A, 2]` of one input size."""

    cells: Tensor
    strides: Tensor
    centres: Tensor


def grid(size: int, device: torch.device) -> Grid:
    """The grid of a square input of `size` px."""
    cells, strides = (torch.from_numpy(a).to(device) for a in anchors(size))
    return Grid(cells, strides, (cells + 0.5) * strides)


def boxes_from(output: Tensor, at: Grid) -> Tensor:
    """Raw rows `[B, A, 5 + C]` -> boxes `[B, A, 4]` as centre x, y, width, height in pixels."""
    return torch.cat(((output[..., :2] + at.cells) * at.strides, output[..., 2:4].clamp(max=8).exp() * at.strides), -1)


def pair_iou(first: Tensor, second: Tensor) -> Tensor:
    """IoU of boxes (centre, size) whose shapes broadcast: `[..., 4]` and `[..., 4]` -> `[...]`."""
    low = torch.maximum(first[..., :2] - first[..., 2:] / 2, second[..., :2] - second[..., 2:] / 2)
    high = torch.minimum(first[..., :2] + first[..., 2:] / 2, second[..., :2] + second[..., 2:] / 2)
    common = (high - low).clamp_min(0).prod(-1)
    return common / (first[..., 2:].prod(-1) + second[..., 2:].prod(-1) - common + 1e-9)


@dataclass(frozen=True)
class Assignment:
    """Positive anchors of a batch: picture, anchor and label indices `[P]`, and the IoU with the label `[P]`."""

    picture: Tensor
    anchor: Tensor
    label: Tensor
    iou: Tensor


def _class_cost(output: Tensor, kinds: Tensor) -> Tensor:
    """Binary cross-entropy of the joint probability against each label's class: `[B, G, A]`."""
    joint = (output[..., 5:].sigmoid() * output[..., 4:5].sigmoid()).sqrt().clamp(1e-6, 1 - 1e-6)
    no, yes = -torch.log1p(-joint), -torch.log(joint)
    index = kinds[:, :, None].expand(-1, -1, output.shape[1])
    wanted = (yes - no).permute(0, 2, 1).gather(1, index)
    return no.sum(-1)[:, None] + wanted


@torch.no_grad()
def assign(output: Tensor, boxes: Tensor, labels: Tensor, valid: Tensor, at: Grid) -> Assignment:
    """Choose the anchors that answer for each label.

    `output` `[B, A, 5 + C]` raw, `boxes` `[B, A, 4]` decoded, `labels` `[B, G, 5]` (class, centre x, y, width, height
    in px), `valid` `[B, G]` says which rows of `labels` are real.
    """
    gap = (at.centres[None, None] - labels[:, :, None, 1:3]).abs()
    near = (gap < RADIUS * at.strides[None, None]).all(-1) & valid[:, :, None]
    overlap = pair_iou(boxes[:, None], labels[:, :, None, 1:]) * near.any(1)[:, None]
    cost = _class_cost(output, labels[..., 0].long()) - 3 * torch.log(overlap + 1e-8) + FAR * ~near
    count = overlap.topk(CANDIDATES, -1).values.sum(-1).int().clamp_min(1)
    values, index = cost.topk(CANDIDATES, -1, largest=False)
    chosen = (torch.arange(CANDIDATES, device=cost.device) < count[..., None]) & (values < FAR / 2)
    match = torch.zeros_like(near).scatter_(-1, index, chosen)
    best = torch.where(match, cost, torch.full_like(cost, 2 * FAR)).argmin(1)
    picture, anchor = match.any(1).nonzero(as_tuple=True)
    label = best[picture, anchor]
    return Assignment(picture, anchor, label, overlap[picture, label, anchor])
