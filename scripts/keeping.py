"""What training loops share: the running mean of the weights, and checkpoints that are whole or not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn


@torch.no_grad()
def follow(slow: nn.Module, fast: nn.Module, keep: float) -> None:
    """Move the mean weights `slow` towards `fast`; `keep` 0..1 is the share that stays. Counters are copied."""
    for mean, new in zip(slow.state_dict().values(), fast.state_dict().values(), strict=True):
        if mean.dtype.is_floating_point:
            mean.lerp_(new, 1 - keep)
        else:
            mean.copy_(new)


def write_checkpoint(
    folder: Path, epoch: str, model: nn.Module, ema: nn.Module, optimizer: torch.optim.Optimizer, state: dict[str, Any]
) -> None:
    """Write `last.pth`, from which a run resumes, in one move, and the mean weights (`ema`) of the epoch beside it."""
    part, mean = folder / "last.part", ema.state_dict()
    torch.save({"model": model.state_dict(), "ema": mean, "optimizer": optimizer.state_dict(), "state": state}, part)
    part.replace(folder / "last.pth")
    torch.save({"ema": mean}, folder / f"epoch{epoch}.pth")
