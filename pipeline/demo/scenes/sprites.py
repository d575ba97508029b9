"""Small pictures added to a frame: glows, cut-outs of trees and posts."""

import cv2
import numpy as np

from pipeline.demo.scenes.canvas import Vector
from pipeline.demo.scenes.optics import Floats, Image

GLOW = 129


def _profile(size: int) -> Floats:
    """A round falling-off, 1 in the middle, 0 at the edge, with the long tail a lens gives."""
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    radius = np.sqrt(axis[None, :] ** 2 + axis[:, None] ** 2)
    core = np.exp(-((radius / 0.12) ** 2))
    tail = np.clip(1 - radius, 0, 1) ** 3 * 0.45
    return np.asarray(np.clip(core + tail, 0, 1), np.float32)


def _soft(size: int) -> Floats:
    """A round patch of light without a bright middle, 1 in the middle, 0 at the edge."""
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    square = np.clip(axis[None, :] ** 2 + axis[:, None] ** 2, 0, 1)
    return np.asarray((1 - square) ** 2, np.float32)


LENS, PATCH = _profile(GLOW), _soft(GLOW)


def glow(
    frame: Image, x: float, y: float, radius: float, colour: Vector, stretch: float = 1.0, profile: Floats = LENS
) -> None:
    """Add a glow (BGR 0..255 in the middle) at a pixel; `stretch` makes it taller than wide."""
    half_w, half_h = max(1, int(radius)), max(1, int(radius * stretch))
    left, top = int(x) - half_w, int(y) - half_h
    x0, y0 = max(0, left), max(0, top)
    x1, y1 = min(frame.shape[1], left + 2 * half_w), min(frame.shape[0], top + 2 * half_h)
    if x0 >= x1 or y0 >= y1 or half_w > 900 or half_h > 900:
        return
    shape = cv2.resize(profile, (2 * half_w, 2 * half_h), interpolation=cv2.INTER_LINEAR)
    part = shape[y0 - top : y1 - top, x0 - left : x1 - left, None] * np.array(colour, np.float32)
    patch = frame[y0:y1, x0:x1]
    cv2.add(patch, part.astype(np.uint8), dst=patch)


def tree(rng: np.random.Generator, green: Vector = (40.0, 95.0, 60.0)) -> Image:
    """A street tree as BGRA cut-out, 300x400 px: trunk and clumps of leaves, lit from above."""
    picture = np.zeros((400, 300, 4), np.uint8)
    cv2.line(picture, (150, 399), (152, 210), (45, 60, 75, 255), 16)
    for _ in range(6):
        tip = (int(rng.uniform(60, 240)), int(rng.uniform(110, 220)))
        cv2.line(picture, (151, 260), tip, (45, 60, 75, 255), 7)
    for index in range(420):
        angle, reach = rng.uniform(0, 2 * np.pi), rng.uniform(0, 1) ** 0.6
        x, y = 150 + np.cos(angle) * reach * 125, 145 + np.sin(angle) * reach * 120
        lit = 0.45 + 0.75 * (1 - y / 270) + rng.uniform(-0.15, 0.15) + index / 2500
        shade = [int(np.clip(v * lit, 0, 255)) for v in green]
        cv2.circle(picture, (int(x), int(y)), int(rng.uniform(6, 17)), (*shade, 255), -1)
    return picture


def banana(rng: np.random.Generator) -> Image:
    """A banana plant or palm as BGRA cut-out, 300x400 px: bent leaves from one stem."""
    picture = np.zeros((400, 300, 4), np.uint8)
    cv2.line(picture, (150, 399), (150, 180), (70, 120, 110, 255), 20)
    for _ in range(16):
        turn, reach = rng.uniform(-1.35, 1.35), rng.uniform(90, 165)
        steps = np.linspace(0, 1, 12)
        x = 150 + np.sin(turn) * reach * steps
        y = 190 - np.cos(turn) * reach * steps + 110 * steps**2
        lit = rng.uniform(0.6, 1.15)
        colour = (int(45 * lit), int(125 * lit), int(75 * lit), 255)
        for start, stop, share in zip(zip(x, y, strict=True), zip(x[1:], y[1:], strict=False), steps, strict=False):
            thick = int(4 + 16 * np.sin(np.pi * share))
            cv2.line(picture, (int(start[0]), int(start[1])), (int(stop[0]), int(stop[1])), colour, thick)
    return picture
