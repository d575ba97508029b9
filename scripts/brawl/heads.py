"""Small heads on features: a linear layer in closed form; grouped cross-validation over them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
SLOPE = 3.0
"""Nats a unit of the regression, which was fitted to -1 and 1."""


@dataclass
class Table:
    """Features `[N, D]`, labels `[N, 2]` (fight, group), weights `[N]`, and what each row is."""

    x: Floats
    y: Floats
    weight: Floats
    kind: NDArray[np.str_]
    file: NDArray[np.str_]
    group: NDArray[np.str_]
    split: NDArray[np.str_]
    fold: NDArray[np.int64]


@dataclass
class Head:
    """Score = sigmoid(((x - mean) / scale) . w + b), columns fight and group."""

    mean: Floats
    scale: Floats
    w: Floats
    b: Floats

    def logits(self, x: Floats) -> Floats:
        """`[N, D]` -> `[N, 2]`."""
        return np.asarray(np.clip((x - self.mean) / self.scale, -4, 4) @ self.w + self.b, np.float32)


def fit(t: Table, rows: NDArray[np.bool_], ridge: float = 0.3) -> Head:
    """Fit a head on some rows: weighted ridge regression in its dual form, then the scale of its logits.

    Classes are balanced. `ridge` is in shares of the mean squared length of a row.
    """
    x = t.x[rows]
    mean, scale = x.mean(0), x.std(0) + 1e-3
    z = np.clip((x - mean) / scale, -4, 4)
    kernel = z @ z.T
    columns, offsets = [], []
    for column in range(2):
        y = np.where(t.y[rows, column] > 0.5, 1.0, -1.0).astype(np.float32)
        weight = t.weight[rows].copy()
        for side in (1.0, -1.0):
            weight[y == side] *= len(y) / (2 * weight[y == side].sum())
        middle = float((weight * y).sum() / weight.sum())
        loading = ridge * float(np.trace(kernel)) / len(y)
        alpha = np.linalg.solve(kernel + np.diag(loading / weight).astype(np.float32), y - middle)
        columns.append(SLOPE * (z.T @ alpha))
        offsets.append(SLOPE * middle)
    return Head(mean, scale, np.stack(columns, 1).astype(np.float32), np.asarray(offsets, np.float32))


def by_clip(t: Table, rows: NDArray[np.bool_], scores: Floats) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Return label, mean logit and fold of each clip among the rows."""
    files = t.file[rows]
    names = np.unique(files)
    picked = [files == name for name in names]
    label = np.array([t.y[rows][p, 0].max() for p in picked], np.float32)
    return (
        label,
        np.array([scores[p].mean() for p in picked], np.float32),
        np.array([t.fold[rows][p][0] for p in picked]),
    )


def figures(label: Floats, logit: Floats) -> dict[str, float]:
    """Accuracy at 0, AUC and recall at 5 % false positives."""
    yes, no = logit[label > 0.5], logit[label < 0.5]
    auc = (yes[:, None] > no[None]).mean() + 0.5 * (yes[:, None] == no[None]).mean()
    limit = np.sort(no)[::-1][int(0.05 * len(no))]
    return {
        "n": len(label),
        "auc": round(float(auc), 4),
        "accuracy": round(float(((logit > 0) == (label > 0.5)).mean()), 4),
        "recall_at_fpr_5pct": round(float((yes > limit).mean()), 4),
    }


def cross_validate(t: Table, trained: NDArray[np.bool_], **how: float) -> tuple[Floats, list[Head]]:
    """Return the logits `[N, 2]` of every row by the head of its fold, and the five heads."""
    out = np.zeros((len(t.x), 2), np.float32)
    heads = []
    for fold in range(5):
        head = fit(t, trained & (t.fold != fold), **how)  # type: ignore[arg-type]
        heads.append(head)
        out[t.fold == fold] = head.logits(t.x[t.fold == fold])
    return out, heads
