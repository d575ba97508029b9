"""What moves how, in plain figures: dense flow within a crop, summed up in a few statistics.

Dense inverse search (Kroeger et al. 2016, "Fast Optical Flow using Dense Inverse Search", arXiv:1603.03590) at a small
size. The camera's own movement is taken out as the median of the flow at the crop's edge.
"""

from itertools import pairwise
from typing import Any

import cv2
import numpy as np

from pipeline.detect.brawl.motion import Floats, Image, Motion

SIDE = 64
"""Side at which flow is measured, px."""
BINS = 8
FLOW_FIGURES = 26
MOTION_FIGURES = 8


def flow_figures(crops: Image) -> Floats:
    """Return `[26]` figures of the flow in crops `[T, S, S, 3]`.

    They are: mean, 90th and 99th percentile and deviation of the speed, over the steps each as mean and deviation (8);
    share of fast pixels, speed's spatial spread, divergence, curl, shear (5); how much the direction disagrees in
    space and from step to step (2); change of speed (1); histogram of directions, relative to the strongest one (8);
    edge motion, still steps (2).
    """
    engine = _engine()
    grey = [cv2.cvtColor(cv2.resize(c, (SIDE, SIDE), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY) for c in crops]
    flows = []
    for before, after in pairwise(grey):
        flow: Any = engine.calc(np.asarray(before), np.asarray(after), None)
        flows.append(flow)
    field = np.asarray(np.stack(flows), np.float32)
    ring = np.ones((SIDE, SIDE), bool)
    ring[6:-6, 6:-6] = False
    edge = np.median(field[:, ring], axis=1)
    field = field - edge[:, None, None]
    return _figures(field, np.linalg.norm(edge, axis=1))


def _figures(field: Floats, edge: Floats) -> Floats:
    speed = np.linalg.norm(field, axis=3)
    flat = speed.reshape(len(speed), -1)
    per_step = np.stack([flat.mean(1), np.percentile(flat, 90, axis=1), np.percentile(flat, 99, axis=1), flat.std(1)])
    dx, dy = np.diff(field, axis=2)[:, :-1], np.diff(field, axis=1)[:, :, :-1]
    divergence = np.abs(dx[..., 0] + dy[..., 1]).mean()
    curl = np.abs(dx[..., 1] - dy[..., 0]).mean()
    shear = np.abs(dx[..., 0] - dy[..., 1]).mean()
    total = flat.sum() + 1e-3
    share = speed.mean(0) / (speed.mean() + 1e-3)
    mean_vector = np.linalg.norm(field.mean((1, 2)), axis=1) / (flat.mean(1) + 1e-2)
    turning = np.linalg.norm(np.diff(field, axis=0), axis=3).mean() / (flat.mean() + 1e-2)
    angle = np.arctan2(field[..., 1], field[..., 0])
    bins = ((angle + np.pi) / (2 * np.pi) * BINS).astype(int) % BINS
    histogram = np.bincount(bins.ravel(), weights=speed.ravel(), minlength=BINS) / total
    histogram = np.roll(histogram, -int(np.argmax(histogram)))
    figures = [
        *per_step.mean(1),
        *per_step.std(1),
        (flat > 1.5).mean(),
        share.std(),
        divergence,
        curl,
        shear,
        1 - mean_vector.mean(),
        turning,
        np.abs(np.diff(flat.mean(1))).mean(),
        *histogram,
        edge.mean(),
        (flat.mean(1) < 0.05).mean(),
    ]
    return np.asarray(figures, np.float32)


def motion_figures(motion: Motion) -> Floats:
    """Return `[8]` figures of the whole picture: strength of motion, how concentrated it is, the camera's own part."""
    energy, steps = motion.energy, motion.steps
    ranked = np.sort(energy.ravel())[::-1]
    total = float(ranked.sum()) + 1e-3
    shift = np.linalg.norm(motion.shifts, axis=1)
    figures = [
        np.log1p(energy.mean()),
        np.log1p(energy.max()),
        float(ranked[: max(1, len(ranked) // 50)].sum()) / total,
        float(ranked[: max(1, len(ranked) // 10)].sum()) / total,
        (energy > 2).mean(),
        steps.std() / (steps.mean() + 0.1),
        np.log1p(shift.mean()),
        np.log1p(shift.max()),
    ]
    return np.asarray(figures, np.float32)


def _engine() -> Any:
    engine: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
    engine.setFinestScale(1)
    return engine
