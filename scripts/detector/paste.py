"""Copy-paste: flames and smoke, cut from labelled pictures or drawn, laid onto pictures that have none.

Small flames in dark streets are what the sets lack and what a camera sees first (Ghiasi et al. 2021, arXiv:2012.07177,
found plain copy-paste with random places to be enough).
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from scripts.detector.geometry import Floats, Image
from scripts.detector.render import Rng, Sprite, bounds, flame, glow, plume

FIRE, SMOKE = 0, 1


def _window(height: int, width: int, hardness: float) -> Floats:
    """A soft ellipse 0..1 that reaches the sides of a `height` x `width` patch."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    soft: Floats = np.clip((1 - (x**2 + y**2)) * hardness, 0, 1).astype(np.float32)
    return soft


def cut_flame(patch: Image) -> Sprite | None:
    """The bright and warm part of a labelled box as a sprite; None where little of the box burns."""
    colour = patch.astype(np.float32)
    value = colour.max(2)
    warm = np.clip((colour[..., 2] - colour[..., 0]) / 70, 0, 1)
    bright = np.clip((value - 0.55 * value.max()) / (0.25 * value.max() + 1e-3), 0, 1)
    alpha = cv2.GaussianBlur((bright * np.maximum(warm, (value > 235) * 0.9)).astype(np.float32), (0, 0), 0.8)
    alpha *= _window(*alpha.shape, 3.0)
    box = bounds(alpha, 0.35)
    if box is None or (alpha > 0.35).mean() < 0.08:
        return None
    x1, y1, x2, y2 = box
    return Sprite(colour[y1:y2, x1:x2], alpha[y1:y2, x1:x2])


def cut_smoke(patch: Image, rng: Rng) -> Sprite:
    """A labelled smoke box as a sprite with a soft ellipse as opacity, ragged by noise."""
    height, width = patch.shape[:2]
    rough = cv2.resize(rng.random((6, 6), np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    alpha = _window(height, width, 1.8) * (0.65 + 0.5 * rough)
    return Sprite(patch.astype(np.float32), np.clip(alpha, 0, 1) * float(rng.uniform(0.6, 0.95)))


def resize(sprite: Sprite, height: int, rng: Rng) -> Sprite:
    """The sprite at `height` px, with the sides' ratio a little changed and mirrored half of the time."""
    ratio = sprite.alpha.shape[1] / sprite.alpha.shape[0] * float(np.exp(rng.uniform(-0.2, 0.2)))
    size = (max(3, round(height * ratio)), max(3, height))
    colour, alpha = (cv2.resize(a, size, interpolation=cv2.INTER_AREA) for a in (sprite.colour, sprite.alpha))
    if rng.random() < 0.5:
        colour, alpha = colour[:, ::-1], alpha[:, ::-1]
    return Sprite(colour, alpha)


def lay(image: Floats, sprite: Sprite, x: int, y: int, level: float) -> list[float] | None:
    """Blend `sprite` over `image` with its corner at (x, y), in place.

    Returns the visible box, or None if little of it is inside.
    """
    height, width = image.shape[:2]
    h, w = sprite.alpha.shape
    x1, y1, x2, y2 = max(0, x), max(0, y), min(width, x + w), min(height, y + h)
    if x2 - x1 < 0.5 * w or y2 - y1 < 0.5 * h:
        return None
    alpha = sprite.alpha[y1 - y : y2 - y, x1 - x : x2 - x]
    colour = sprite.colour[y1 - y : y2 - y, x1 - x : x2 - x]
    part = image[y1:y2, x1:x2]
    part += alpha[..., None] * (colour - part)
    box = bounds(alpha, level)
    return None if box is None else [float(x1 + box[0]), float(y1 + box[1]), float(x1 + box[2]), float(y1 + box[3])]


class Paster:
    """Sprites of both kinds, cut and drawn, and the rules to lay them onto a picture."""

    def __init__(self, flames: Sequence[Sprite], smokes: Sequence[Sprite], rng: Rng, drawn: int = 160) -> None:
        self._flames, self._smokes = flames, smokes
        self._drawn_flames = [flame(rng) for _ in range(drawn)]
        self._drawn_smokes = [plume(rng) for _ in range(drawn)]

    def _pick(self, cut: Sequence[Sprite], drawn: Sequence[Sprite], share: float, rng: Rng) -> Sprite:
        """A cut sprite, or a drawn one with probability `share`."""
        source = drawn if rng.random() < share or not cut else cut
        return source[int(rng.integers(len(source)))]

    def add(self, image: Image, rng: Rng, drawn_only: bool = False) -> tuple[Image, list[list[float]]]:
        """Lay a fire, smoke or both onto `image`; returns the picture and its labels (class, x1, y1, x2, y2 in px)."""
        canvas = image.astype(np.float32)
        labels: list[list[float]] = []
        what = rng.random()
        height, width = canvas.shape[:2]
        x, y = int(rng.uniform(0.05, 0.95) * width), int(rng.uniform(0.35, 0.97) * height)
        if what < 0.6:
            self._add_smoke(canvas, labels, x, y, rng, drawn_only)
        if what > 0.3:
            self._add_fire(canvas, labels, x, y, rng, drawn_only)
        return np.asarray(canvas.clip(0, 255), np.uint8), labels

    def _add_smoke(self, canvas: Floats, labels: list[list[float]], x: int, y: int, rng: Rng, drawn: bool) -> None:
        """Smoke that rises from (x, y), darker in a dark picture."""
        share = 1.0 if drawn else 0.55
        sprite = self._pick(self._smokes, self._drawn_smokes, share, rng)
        sprite = resize(sprite, int(canvas.shape[0] * np.exp(rng.uniform(np.log(0.18), np.log(0.75)))), rng)
        light = canvas.mean()
        dim = rng.uniform(0.35, 0.8) if light < 70 else 1.0
        sprite = Sprite(sprite.colour * np.float32(dim), sprite.alpha)
        box = lay(canvas, sprite, x - sprite.alpha.shape[1] // 2, y - sprite.alpha.shape[0], 0.22)
        if box:
            labels.append([SMOKE, *box])

    def _add_fire(self, canvas: Floats, labels: list[list[float]], x: int, y: int, rng: Rng, drawn: bool) -> None:
        """One to three flames around (x, y), most of them small, with the light they throw."""
        share = 1.0 if drawn else 0.25
        tall = canvas.shape[0] * float(np.exp(rng.uniform(np.log(0.05), np.log(0.4))))
        glow(
            canvas,
            x,
            y - tall / 2,
            tall * rng.uniform(1.2, 3.0),
            (8.0, 45.0 * rng.uniform(0.5, 1.5), 95.0 * rng.uniform(0.3, 1.3)),
        )
        for _ in range(1 if rng.random() < 0.75 else 2):
            sprite = resize(self._pick(self._flames, self._drawn_flames, share, rng), max(5, int(tall)), rng)
            box = lay(canvas, sprite, x - sprite.alpha.shape[1] // 2, y - sprite.alpha.shape[0], 0.3)
            if box and min(box[2] - box[0], box[3] - box[1]) >= 3:
                labels.append([FIRE, *box])
            x += int(rng.uniform(-4, 4) * tall)
            tall *= rng.uniform(0.5, 1.1)
