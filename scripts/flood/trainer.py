"""The training loop: AdamW, cosine rate, EMA, bfloat16, checkpoints after every epoch that a run resumes from."""

from __future__ import annotations

import copy
import csv
import math
import signal
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from scripts.flood.evaluate import Scores, splits
from scripts.flood.feed import Batch, Feeder, Recipe, Source
from scripts.flood.network import MEAN, STD, FloodNet
from scripts.flood.water import Image
from scripts.keeping import follow, write_checkpoint

WARM_UP = 60  # steps
FLOOR_RATE = 0.02
SMOOTH = 0.03  # labels: some press photos are wet roads, some dry ones are not
DEPTH_WEIGHT, MASK_WEIGHT = 0.3, 1.0


@dataclass(frozen=True)
class Plan:
    """Everything that decides a run."""

    index: Path
    out: Path
    epochs: int = 12
    batch: int = 24
    rate: float = 6e-4
    decay: float = 0.03
    seed: int = 1
    threads: int = 1
    device: str = "cpu"
    start: Path | None = None
    recipe: Recipe = field(default_factory=Recipe)


@dataclass
class State:
    """What a resumed run needs to know."""

    step: int = 0
    epoch: int = 0


def loss_of(output: tuple[Tensor, Tensor, Tensor], batch: Batch, device: torch.device) -> tuple[Tensor, list[float]]:
    """Scene, depth and mask losses, each over what is known of it; returns their sum and the three values."""
    flood, depth, mask = (part.float() for part in output)
    labels = torch.from_numpy(batch.labels).to(device)
    known = labels >= 0
    target = labels.clamp(0, 1) * (1 - 2 * SMOOTH) + SMOOTH
    scene = functional.binary_cross_entropy_with_logits(flood[known], target[known])
    depths = torch.from_numpy(batch.depths).to(device)
    deep = functional.cross_entropy(depth, depths, ignore_index=-1) if bool((depths >= 0).any()) else scene * 0
    weights = torch.from_numpy(batch.weights).to(device)
    wet = functional.binary_cross_entropy_with_logits(mask, torch.from_numpy(batch.masks).to(device), reduction="none")
    water = (wet * weights).sum() / weights.sum().clamp(min=1)
    total = scene + DEPTH_WEIGHT * deep + MASK_WEIGHT * water
    return total, [float(scene.detach()), float(deep.detach()), float(water.detach())]


class Trainer:
    """One run: `run()` trains to the end of the plan or until SIGTERM."""

    def __init__(self, plan: Plan, resume: bool) -> None:
        torch.set_num_threads(plan.threads)
        torch.set_flush_denormal(True)
        torch.manual_seed(plan.seed)
        self.plan, self._stop, self.device = plan, False, torch.device(plan.device)
        plan.out.mkdir(parents=True, exist_ok=True)
        last = plan.out / "last.pth"
        saved: dict[str, Any] | None = torch.load(last, map_location="cpu", weights_only=True) if resume else None
        self.state = State(**saved["state"]) if saved else State()
        self.source = Source(plan.index)
        self.per_epoch = len(self.source.order(np.random.default_rng(0), plan.recipe)) // plan.batch
        self.model = FloodNet().to(self.device)
        if saved:
            self.model.load_state_dict(saved["model"])
        elif plan.start:
            self.model.load_state_dict(torch.load(plan.start, map_location="cpu", weights_only=True)["ema"])
        for part in self.model.early():
            part.requires_grad_(False)
        self.ema = copy.deepcopy(self.model).eval()
        self.optimizer = self._optimizer()
        if saved:
            self.ema.load_state_dict(saved["ema"])
            self.optimizer.load_state_dict(saved["optimizer"])
        self.feeder = Feeder(plan.index, plan.batch, plan.seed + 1000 * self.state.step, plan.recipe)

    def _optimizer(self) -> torch.optim.AdamW:
        """AdamW; the pretrained backbone learns at a third of the rate, decay on kernels only."""
        groups = []
        for name, parameter in self.model.named_parameters():
            if not parameter.requires_grad:
                continue
            scale = 0.33 if name.startswith("net.") else 1.0
            decay = self.plan.decay if parameter.ndim > 1 else 0.0
            groups.append({"params": [parameter], "weight_decay": decay, "scale": scale})
        return torch.optim.AdamW(groups, lr=self.plan.rate, betas=(0.9, 0.99))

    def _tensor(self, pictures: Image) -> Tensor:
        """`[N, H, W, 3]` BGR uint8 -> the network's input."""
        rgb = torch.from_numpy(np.ascontiguousarray(pictures[..., ::-1])).to(self.device).permute(0, 3, 1, 2).float()
        return ((rgb - MEAN[0]) / STD[0]).contiguous()

    def progress(self) -> float:
        """Share of the run done."""
        return min(1.0, self.state.step / (self.plan.epochs * self.per_epoch))

    def step(self, batch: Batch) -> list[float]:
        """One descent; returns scene, depth and mask loss."""
        cosine = 0.5 * (1 + math.cos(math.pi * self.progress()))
        rate = self.plan.rate * min(1.0, (self.state.step + 1) / WARM_UP) * (FLOOR_RATE + (1 - FLOOR_RATE) * cosine)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["scale"]
        self.model.train()
        for part in self.model.early():
            part.eval()
        with torch.autocast(self.device.type, torch.bfloat16):
            output = self.model(self._tensor(batch.pictures))
        total, parts = loss_of(output, batch, self.device)
        self.optimizer.zero_grad()
        total.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
        self.optimizer.step()
        self.state.step += 1
        self._average()
        return parts

    def _average(self) -> None:
        """Move the EMA."""
        follow(self.ema, self.model, min(0.997, (1 + self.state.step) / (10 + self.state.step)))

    @torch.no_grad()
    def look(self, pictures: Image) -> Scores:
        """Flood scores of the averaged network."""
        return np.asarray(self.ema(self._tensor(pictures))[0].sigmoid().double().cpu().numpy())

    def save(self) -> None:
        """Write a checkpoint that a run resumes from, and a copy of the averaged weights per epoch."""
        epoch = f"{self.state.epoch:02d}"
        write_checkpoint(self.plan.out, epoch, self.model, self.ema, self.optimizer, asdict(self.state))

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        self._stop = True

    def run(self) -> None:
        """Train; after each epoch write a checkpoint and a row of `curves.csv`."""
        signal.signal(signal.SIGTERM, self._interrupt)
        bar = tqdm(total=self.plan.epochs * self.per_epoch, initial=self.state.step, mininterval=20)
        recent: list[list[float]] = []
        began = time.monotonic()
        for batch in self.feeder:
            recent.append(self.step(batch))
            bar.update(1)
            if batch.last:
                self.state.epoch += 1
                self.save()
                self._log(recent, time.monotonic() - began)
                recent, began = [], time.monotonic()
            if self._stop or self.progress() >= 1:
                break
        self.save()
        self.feeder.close()
        bar.close()

    def _log(self, recent: list[list[float]], seconds: float) -> None:
        """Append losses and validation figures."""
        means = dict(zip(("scene", "depth", "mask"), np.round(np.mean(recent, 0), 4).tolist(), strict=True))
        row: dict[str, object] = {"epoch": self.state.epoch, "seconds": round(seconds), **means}
        for split, found in splits(self.source, self.look).items():
            row |= {f"{split}_auc": round(found.auc, 4), f"{split}_recall": round(found.recall, 3)}
        path = self.plan.out / "curves.csv"
        fresh = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(row))
            if fresh:
                writer.writeheader()
            writer.writerow(row)
        print(row, flush=True)
