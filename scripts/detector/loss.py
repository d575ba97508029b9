"""The training loss: IoU box loss, objectness and class cross-entropy, labels weighted by trust.

Regions without loss are of two kinds: `any` (a correction said that the label there is unclear) takes all objectness
loss away inside; a class's region (smoke where smoke was not annotated, people the teacher was unsure of) only where
the network itself favours that class, so that a lamp in such a picture still counts as a false alarm.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, one_hot

from scripts.detector.assign import Assignment, Grid, assign, boxes_from, pair_iou

BOX_GAIN = 5.0
ANY = -1


@dataclass(frozen=True)
class Targets:
    """Labels of a batch.

    `labels` `[B, G, 5]` class, centre x, y, width, height in px; `valid` `[B, G]`; `trust` `[B, G]` 0..1;
    `regions` `[B, R, 5]` class or -1, x1, y1, x2, y2 in px; `region_valid` `[B, R]`.
    """

    labels: Tensor
    valid: Tensor
    trust: Tensor
    regions: Tensor
    region_valid: Tensor


@dataclass(frozen=True)
class Losses:
    """The sum to descend on and its parts per positive anchor."""

    total: Tensor
    box: float
    objectness: float
    kind: float
    positives: int


def silent(output: Tensor, targets: Targets, at: Grid) -> Tensor:
    """Anchors `[B, A]` whose objectness carries no loss."""
    if targets.regions.shape[1] == 0:
        return torch.zeros(output.shape[:2], dtype=torch.bool, device=output.device)
    favoured = output[..., 5:].argmax(-1)
    x, y = at.centres[None, None, :, 0], at.centres[None, None, :, 1]
    kind, x1, y1, x2, y2 = (v[..., None] for v in targets.regions.unbind(-1))
    inside = (x >= x1) & (x <= x2) & (y >= y1) & (y <= y2) & targets.region_valid[..., None]
    applies = (kind == ANY) | (kind == favoured[:, None])
    return (inside & applies).any(1)


def detection_loss(output: Tensor, targets: Targets, at: Grid, warm: bool = True, power: float = 0.5) -> Losses:
    """Loss of raw rows `[B, A, 5 + C]`.

    Before `warm`, class regions are ignored, since the network favours nothing yet.
    """
    output = output.float()
    boxes = boxes_from(output, at)
    frozen = output.detach()
    weight = torch.ones_like(frozen[..., 4])
    if warm:
        weight[silent(frozen, targets, at)] = 0
    wanted = torch.zeros_like(weight)
    box = kind = output.sum() * 0
    count = 0
    if targets.valid.any():
        found = assign(frozen, boxes.detach(), targets.labels, targets.valid, at)
        count = len(found.iou)
        wanted[found.picture, found.anchor] = 1
        weight[found.picture, found.anchor] = targets.trust[found.picture, found.label].clamp_min(power)
        box, kind = _positive_losses(output, boxes, targets, found, power)
    objectness = (binary_cross_entropy_with_logits(output[..., 4], wanted, reduction="none") * weight).sum()
    scale = max(count, 1)
    total = (BOX_GAIN * box + objectness + kind) / scale
    parts = [float(part.detach()) / scale for part in (BOX_GAIN * box, objectness, kind)]
    return Losses(total, parts[0], parts[1], parts[2], count)


def _positive_losses(
    output: Tensor, boxes: Tensor, targets: Targets, found: Assignment, power: float
) -> tuple[Tensor, Tensor]:
    """Sums of the box and class losses over the positive anchors.

    The class target is the IoU to a `power`: the root (.5) spares right answers to loose labels, the IoU itself (1)
    ranks boxes by how well they fit.
    """
    labels = targets.labels[found.picture, found.label]
    trust = targets.trust[found.picture, found.label]
    overlap = pair_iou(boxes[found.picture, found.anchor], labels[:, 1:])
    box = ((1 - overlap**2) * trust).sum()
    classes = output.shape[-1] - 5
    goal = one_hot(labels[:, 0].long(), classes) * found.iou.clamp_min(0.05)[:, None] ** power
    logits = output[found.picture, found.anchor, 5:]
    kind = (binary_cross_entropy_with_logits(logits, goal, reduction="none").sum(-1) * trust).sum()
    return box, kind
