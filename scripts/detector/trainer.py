"""The training loop: AdamW, cosine rate by progress, EMA, bfloat16 where asked, checkpoints that a run resumes from."""

from __future__ import annotations

import copy
import csv
import math
import signal
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from scripts.detector.assign import Grid, grid
from scripts.detector.feed import SIZES, Batch, Feeder
from scripts.detector.loss import Targets, detection_loss
from scripts.detector.network import YoloxNano, load_coco, recalibrate
from scripts.keeping import follow, write_checkpoint

WARM_UP = 120  # steps
REGIONS_FROM = 300  # steps
LOG_EVERY = 20
FLOOR_RATE = 0.03
EARLY = ("backbone.backbone.stem", "backbone.backbone.dark2")  # frozen, a picture costs 28 % less (measured)


@dataclass(frozen=True)
class Plan:
    """Everything that decides a run: where, how long (minutes or epochs), and the usual knobs."""

    index: Path
    weights: Path
    out: Path
    minutes: float | None = 60.0
    epochs: int | None = None
    batch: int = 16
    rate: float = 1e-3
    decay: float = 0.03
    seed: int = 1
    device: str = "cpu"
    bf16: bool = True
    threads: int = 1
    freeze: bool = False
    start: Path | None = None
    polish: bool = False
    sizes: tuple[int, ...] = SIZES
    mosaic_until: float = 0.64  # share of the run after which mosaics end and degradations halve


@dataclass
class State:
    """What a resumed run needs to know: steps and epochs done, seconds spent."""

    step: int = 0
    epoch: int = 0
    seconds: float = 0.0


def targets_of(batch: Batch, device: torch.device) -> Targets:
    """A batch's corners as the loss wants them (centre and size), on the device."""
    labels = torch.from_numpy(batch.labels).to(device)
    regions = torch.from_numpy(batch.regions).to(device)
    most = max(1, int(labels[..., 0].sum(1).max()))
    labels = labels[:, :most]
    low, high = labels[..., 2:4], labels[..., 4:6]
    rows = torch.cat((labels[..., 1:2], (low + high) / 2, high - low), -1)
    return Targets(rows, labels[..., 0] > 0, labels[..., 6], regions[..., 1:], regions[..., 0] > 0)


class Trainer:
    """One run: `run()` trains to the end of the plan.

    A checkpoint is written after every epoch and on SIGTERM or SIGINT.
    """

    def __init__(self, plan: Plan, resume: bool) -> None:
        torch.set_num_threads(plan.threads)
        torch.set_flush_denormal(True)
        torch.manual_seed(plan.seed)
        self.plan, self.state, self._stop = plan, State(), False
        self.device = torch.device(plan.device)
        plan.out.mkdir(parents=True, exist_ok=True)
        saved = self._saved() if resume else None
        self.state = State(**saved["state"]) if saved else State()
        self.feeder = Feeder(plan.index, plan.batch, plan.seed + 1000 * self.state.step, plan.sizes)
        self.model = self._model(saved)
        self._early = [self.model.get_submodule(name) for name in EARLY] if plan.freeze else []
        for part in self._early:
            part.requires_grad_(False)
        self.ema = copy.deepcopy(self.model).eval()
        self.optimizer = self._optimizer()
        if saved:
            self.ema.load_state_dict(saved["ema"])
            self.optimizer.load_state_dict(saved["optimizer"])
        self._grids: dict[int, Grid] = {}

    def _saved(self) -> dict[str, Any]:
        """The last checkpoint; raises FileNotFoundError where there is none."""
        found: dict[str, Any] = torch.load(self.plan.out / "last.pth", map_location="cpu", weights_only=True)
        return found

    def _model(self, saved: dict[str, Any] | None) -> YoloxNano:
        """The network with COCO weights and fresh batch-norm statistics, or as saved."""
        model = YoloxNano(3)
        if saved:
            model.load_state_dict(saved["model"])
        elif self.plan.start:
            model.load_state_dict(torch.load(self.plan.start, map_location="cpu", weights_only=True)["ema"])
        else:
            print("tensors from COCO:", load_coco(model, self.plan.weights))
            pictures = [next(iter(self.feeder)).pictures for _ in range(12)]
            recalibrate(model, (self._tensor(p) for p in pictures))
        return model.to(self.device, memory_format=torch.channels_last)

    def _optimizer(self) -> torch.optim.AdamW:
        """AdamW with decay on the kernels only."""
        kernels = [p for p in self.model.parameters() if p.ndim > 1]
        others = [p for p in self.model.parameters() if p.ndim <= 1]
        groups = [{"params": kernels, "weight_decay": self.plan.decay}, {"params": others, "weight_decay": 0.0}]
        return torch.optim.AdamW(groups, lr=self.plan.rate, betas=(0.9, 0.99))

    def _tensor(self, pictures: np.ndarray[Any, Any]) -> Tensor:
        """`[B, S, S, 3]` uint8 -> `[B, 3, S, S]` float32, channels last in memory."""
        return torch.from_numpy(pictures).to(self.device).permute(0, 3, 1, 2).float()

    def progress(self) -> float:
        """Share of the run done, 0..1."""
        if self.plan.epochs:
            return min(1.0, self.state.epoch / self.plan.epochs)
        return min(1.0, self.state.seconds / (60 * (self.plan.minutes or 60)))

    def _rate(self) -> float:
        """Learning rate now: linear warm-up, then a cosine down to 3 %."""
        cosine = 0.5 * (1 + math.cos(math.pi * self.progress()))
        return self.plan.rate * min(1.0, (self.state.step + 1) / WARM_UP) * (FLOOR_RATE + (1 - FLOOR_RATE) * cosine)

    def step(self, batch: Batch) -> list[float]:
        """One descent; returns loss, box, objectness, class, positives."""
        for group in self.optimizer.param_groups:
            group["lr"] = self._rate()
        at = self._grids.setdefault(batch.size, grid(batch.size, self.device))
        self.model.train()
        for part in self._early:
            part.eval()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.plan.bf16):
            output = self.model(self._tensor(batch.pictures))
        known = self.plan.start is not None or self.state.step > REGIONS_FROM
        found = detection_loss(output, targets_of(batch, self.device), at, known, 1.0 if self.plan.polish else 0.5)
        self.optimizer.zero_grad()
        found.total.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 20.0)
        self.optimizer.step()
        self.state.step += 1
        self._average()
        return [float(found.total.detach()), found.box, found.objectness, found.kind, float(found.positives)]

    def _average(self) -> None:
        """Move the EMA: window from a few steps at first to a thousand."""
        follow(self.ema, self.model, min(0.999, (1 + self.state.step) / (20 + self.state.step)))

    def save(self) -> None:
        """Write a checkpoint that a run resumes from, and a copy of the averaged weights per epoch."""
        epoch = f"{self.state.epoch:03d}"
        write_checkpoint(self.plan.out, epoch, self.model, self.ema, self.optimizer, asdict(self.state))

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        """Ask the loop to save and end."""
        self._stop = True

    def run(self) -> None:
        """Train to the end of the plan or until interrupted."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._interrupt)
        bar = tqdm(total=1000, initial=int(1000 * self.progress()), unit="‰", smoothing=0.02, mininterval=10)
        recent: list[list[float]] = []
        seen, began = 0, time.monotonic()
        before = began
        for batch in self.feeder:
            self.feeder.mosaic(self.progress() < self.plan.mosaic_until and not self.plan.polish)
            recent.append(self.step(batch))
            seen += len(batch.labels)
            now = time.monotonic()
            self.state.seconds, before = self.state.seconds + now - before, now
            if len(recent) == LOG_EVERY:
                self._log(recent, seen / (time.monotonic() - began))
                recent = []
            bar.update(int(1000 * self.progress()) - bar.n)
            if batch.last:
                self.state.epoch += 1
                self.save()
            if self._stop or self.progress() >= 1:
                break
        self.save()
        self.feeder.close()
        bar.close()

    def _log(self, recent: list[list[float]], speed: float) -> None:
        """Append the mean of the last steps to `curves.csv`."""
        path = self.plan.out / "curves.csv"
        fresh = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            if fresh:
                writer.writerow(
                    (
                        "step",
                        "epoch",
                        "progress",
                        "rate",
                        "loss",
                        "box",
                        "objectness",
                        "class",
                        "positives",
                        "pictures_s",
                    )
                )
            means = [round(float(v), 4) for v in np.mean(recent, 0)]
            head = (self.state.step, self.state.epoch, round(self.progress(), 4), f"{self._rate():.6f}")
            writer.writerow((*head, *means, round(speed, 2)))
