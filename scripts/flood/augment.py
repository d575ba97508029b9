"""From press photos to a street camera at night in rain: crops, light, lens, recorder. BGR uint8 in and out."""

from __future__ import annotations

import cv2
import numpy as np

from scripts.detector.augment import coarse, grey, haze, jpeg, night, noise, rain, shake, stamp, tone
from scripts.flood.water import Floats, Image, Rng

DARK = 60
"""Mean of a picture that is not darkened any further."""


def crop(image: Image, mask: Floats, size: tuple[int, int], rng: Rng, least: float) -> tuple[Image, Floats]:
    """A random part (at least `least` of each side, its lower edge preferred) stretched to `size` (width, height)."""
    height, width = image.shape[:2]
    part_h, part_w = int(height * rng.uniform(least, 1)), int(width * rng.uniform(least, 1))
    x = int(rng.integers(0, width - part_w + 1))
    y = int((height - part_h) * rng.beta(2, 1.2))
    cut = (slice(y, y + part_h), slice(x, x + part_w))
    picture = cv2.resize(image[cut], size, interpolation=cv2.INTER_AREA)
    water = cv2.resize(mask[cut], size, interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.5:
        picture, water = picture[:, ::-1], water[:, ::-1]
    return np.ascontiguousarray(picture), np.ascontiguousarray(water)


def glare(image: Image, rng: Rng) -> Image:
    """Headlights and lamps and their reflections on a wet road: a bright core, a long soft streak below it."""
    height, width = image.shape[:2]
    layer = np.zeros((height, width, 3), np.float32)
    for _ in range(int(rng.integers(1, 6))):
        x, y = int(rng.uniform(0, width)), int(rng.uniform(0.15, 0.7) * height)
        colour = np.array(((200, 225, 255), (255, 250, 240), (60, 60, 230))[int(rng.integers(3))], np.float64)
        colour *= rng.uniform(0.4, 1)
        cv2.circle(layer, (x, y), int(rng.uniform(2, 8)), colour.tolist(), -1, cv2.LINE_AA)
        axes = (int(rng.uniform(2, 10)), int(rng.uniform(10, 60)))
        below = (x, min(height - 1, y + axes[1]))
        cv2.ellipse(layer, below, axes, 0, 0, 360, (0.6 * colour).tolist(), -1, cv2.LINE_AA)
    layer = cv2.GaussianBlur(layer, (0, 0), rng.uniform(2, 5))
    return np.clip(image + layer, 0, 255).astype(np.uint8)


def logo(image: Image, rng: Rng) -> Image:
    """A plain block or letters in a corner, as broadcasters and cities put there."""
    height, width = image.shape[:2]
    image = image.copy()
    w, h = int(rng.uniform(0.08, 0.25) * width), int(rng.uniform(0.05, 0.14) * height)
    x, y = int(rng.choice((0, width - w))), int(rng.choice((0, height - h)))
    colour = rng.integers(0, 256, 3).astype(int).tolist()
    if rng.random() < 0.6:
        image[y : y + h, x : x + w] = colour
    text = "".join(chr(65 + int(n)) for n in rng.integers(0, 26, 6))
    cv2.putText(image, text, (x + 3, y + h - 4), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 255), 1, cv2.LINE_AA)
    return image


def camera(image: Image, rng: Rng, strength: float) -> Image:
    """One draw of what a street camera does to a picture; `strength` 0..1 scales how often."""
    draw = rng.random(11) / max(strength, 1e-6)
    if draw[0] < 0.8:
        image = tone(image, rng, 0.03, 0.5, 0.4)
    if draw[1] < 0.35 and image.mean() > DARK:
        image = night(image, rng.uniform(1.2, 2.6), rng.uniform(0.6, 1.1))
    if draw[2] < 0.12:
        image = grey(image)
    if draw[3] < 0.10:
        image = haze(image, rng)
    if draw[4] < 0.25:
        image = glare(image, rng)
    if draw[5] < 0.2:
        image = rain(image, rng)
    if draw[6] < 0.1:
        image = shake(image, int(rng.integers(3, 7)), rng.uniform(0, 180))
    if draw[7] < 0.5:
        image = coarse(image, rng.uniform(1.2, 2.8))
    if draw[8] < 0.2:
        image = noise(image, rng.uniform(3, 12), rng)
    if draw[9] < 0.25:
        image = stamp(image, rng) if rng.random() < 0.5 else logo(image, rng)
    if draw[10] < 0.6:
        image = jpeg(image, int(rng.integers(12, 70)))
    return image
