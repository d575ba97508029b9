"""Extracted features as one table for the heads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scripts.brawl.clips import TRAINED_LONG, Burst
from scripts.brawl.heads import Floats, Table

WEIGHTS = {"plain": 1.0, "augmented": 0.5, "still": 0.3, "shaken": 0.4, "long": 0.4, "untrimmed": 0.3}
ONE_CORRIDOR = "f2:erw_hall"
"""Forty clips of one corridor and two actors count as one source."""


def rows_of(features: Mapping[str, NDArray[np.float16]], net: str) -> Floats:
    """Return what the network computes itself in the product: changes of the crops, flow and motion."""
    pooled = features[net].astype(np.float32)[:, :, [2, 3, 4, 5]]
    number = len(pooled)
    wide, close = pooled[:, 0], pooled[:, 1:]
    figures = features["figures"].astype(np.float32)
    flow = figures[:, 8:].reshape(number, 3, -1)
    parts = [wide, close.mean(1), close.max(1), figures[:, :8], flow[:, 0], flow[:, 1:].mean(1), flow[:, 1:].max(1)]
    return np.concatenate([part.reshape(number, -1) for part in parts], 1)


def read_table(folder: Path, net: str = "yolox_bb") -> Table:
    """Read every extracted file of a folder."""
    files = sorted(folder.glob("*.npz"))
    x = np.concatenate([rows_of(np.load(file), net) for file in files])
    bursts: list[Burst] = [
        b for file in files for b in np.load(file.with_suffix(".bursts.npy"), allow_pickle=True).tolist()
    ]
    weight = [WEIGHTS[b.kind] * (0.4 if b.group == ONE_CORRIDOR else 1.0) for b in bursts]
    return Table(
        x,
        np.array([[b.fight, b.crowd] for b in bursts], np.float32),
        np.array(weight, np.float32),
        np.array([b.kind for b in bursts]),
        np.array([b.file for b in bursts]),
        np.array([b.group for b in bursts]),
        np.array([b.split for b in bursts]),
        np.array([b.fold for b in bursts]),
    )


def trained_rows(table: Table) -> NDArray[np.bool_]:
    """Say which rows may train: everything but the long videos that decide."""
    return (table.kind != "long") | np.isin(table.group, TRAINED_LONG)
