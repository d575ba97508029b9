"""Photometric augmentation towards what street cameras deliver: small, compressed, dark, grey, wet, shaken, stamped.

Every function takes and returns a BGR uint8 picture and draws from the generator given. The same functions, at fixed
strength, make the degradation table of the model card.
"""

from __future__ import annotations

import cv2
import numpy as np

from scripts.detector.geometry import Image
from scripts.detector.render import Rng


def _u8(values: object) -> Image:
    """Any array -> uint8, clipped."""
    return np.asarray(np.clip(np.asarray(values), 0, 255), np.uint8)


def tone(image: Image, rng: Rng, hue: float = 0.012, saturation: float = 0.45, value: float = 0.4) -> Image:
    """Jitter of hue, saturation and value."""
    gain = rng.uniform(-1, 1, 3) * (hue, saturation, value) + 1
    x = np.arange(256)
    tables = (_u8((x + (gain[0] - 1) * 180) % 180), _u8(x * gain[1]), _u8(x * gain[2]))
    channels = cv2.split(cv2.cvtColor(image, cv2.COLOR_BGR2HSV))
    mixed = cv2.merge([cv2.LUT(c, t) for c, t in zip(channels, tables, strict=True)])
    return np.asarray(cv2.cvtColor(mixed, cv2.COLOR_HSV2BGR), np.uint8)


def coarse(image: Image, factor: float) -> Image:
    """Shrink by `factor` and enlarge again."""
    height, width = image.shape[:2]
    small = cv2.resize(image, (max(8, int(width / factor)), max(8, int(height / factor))), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def jpeg(image: Image, quality: int) -> Image:
    """Compress to JPEG of `quality` and back."""
    return np.asarray(
        cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR), np.uint8
    )


def grey(image: Image) -> Image:
    """What an infrared or grey camera shows: one channel, three times."""
    return np.repeat(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)[..., None], 3, 2)


def night(image: Image, gamma: float, gain: float) -> Image:
    """Darken by a power and a gain; bright sources stay bright."""
    table = _u8(255 * gain * (np.arange(256) / 255) ** gamma)
    return np.asarray(cv2.LUT(image, table), np.uint8)


def shake(image: Image, length: int, angle: float) -> Image:
    """Motion blur of `length` px along `angle` degrees."""
    kernel = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1 / length
    turn = cv2.getRotationMatrix2D((length / 2 - 0.5, length / 2 - 0.5), angle, 1)
    kernel = cv2.warpAffine(kernel, turn, (length, length))
    return np.asarray(cv2.filter2D(image, -1, kernel / max(float(kernel.sum()), 1e-3)), np.uint8)


def noise(image: Image, sigma: float, rng: Rng) -> Image:
    """Sensor noise, coarser than a pixel as after compression."""
    height, width = image.shape[:2]
    grain = rng.normal(0, sigma, (height // 2 + 1, width // 2 + 1)).astype(np.float32)
    return _u8(image + cv2.resize(grain, (width, height))[..., None])


def haze(image: Image, rng: Rng) -> Image:
    """Even veil as by fog, rain or a dirty lens: not smoke, labels stay."""
    veil = rng.uniform(0.1, 0.4)
    return _u8(image * (1 - veil) + veil * rng.uniform(120, 230))


def rain(image: Image, rng: Rng) -> Image:
    """Bright streaks in one direction, and sometimes drops on the lens as blurred discs."""
    height, width = image.shape[:2]
    layer = np.zeros((height, width), np.uint8)
    slope = rng.uniform(-4, 4)
    for x, y, size in zip(rng.uniform(0, width, 90), rng.uniform(0, height, 90), rng.uniform(5, 18, 90), strict=True):
        cv2.line(layer, (int(x), int(y)), (int(x + slope), int(y + size)), int(rng.integers(40, 140)), 1, cv2.LINE_AA)
    wet = _u8(image.astype(np.int16) + cv2.GaussianBlur(layer, (3, 3), 0)[..., None])
    if rng.random() < 0.4:
        blurred = cv2.GaussianBlur(wet, (0, 0), 4)
        drops = np.zeros((height, width), np.float32)
        for _ in range(int(rng.integers(2, 9))):
            cv2.circle(
                drops,
                (int(rng.uniform(0, width)), int(rng.uniform(0, height))),
                int(rng.uniform(4, 18)),
                1.0,
                -1,
                cv2.LINE_AA,
            )
        wet = _u8(wet + drops[..., None] * (blurred.astype(np.float32) - wet))
    return wet


def stamp(image: Image, rng: Rng) -> Image:
    """A time and a camera name burnt in, as most recorders do."""
    image = image.copy()
    height, width = image.shape[:2]
    day = f"20{rng.integers(18, 27)}-{rng.integers(1, 13):02d}-{rng.integers(1, 29):02d}"
    text = f"{day} {rng.integers(24):02d}:{rng.integers(60):02d}:{rng.integers(60):02d}"
    text = text if rng.random() < 0.7 else f"CAM {rng.integers(1, 99):02d}"
    at = (int(rng.uniform(0, width * 0.5)), int(rng.choice((14, height - 6))))
    colour = (255, 255, 255) if rng.random() < 0.7 else (0, 255, 255)
    cv2.putText(image, text, at, cv2.FONT_HERSHEY_SIMPLEX, float(rng.uniform(0.3, 0.5)), colour, 1, cv2.LINE_AA)
    return image


def camera(image: Image, rng: Rng, mild: bool = False) -> Image:
    """One draw of everything a street camera may do: light, weather, lens, sensor, recorder.

    `mild` halves how often, for the last part of a run.
    """
    draw = rng.random(10) * (2.0 if mild else 1.0)
    if draw[0] < 0.8:
        image = tone(image, rng)
    if draw[1] < 0.1:
        image = night(image, rng.uniform(1.3, 2.4), rng.uniform(0.6, 1.0))
    if draw[2] < 0.07:
        image = grey(image)
    if draw[3] < 0.06:
        image = haze(image, rng)
    if draw[4] < 0.05:
        image = rain(image, rng)
    if draw[5] < 0.08:
        image = shake(image, int(rng.integers(3, 9)), rng.uniform(0, 180))
    if draw[6] < 0.2:
        image = coarse(image, rng.uniform(1.3, 2.8))
    if draw[7] < 0.1:
        image = noise(image, rng.uniform(3, 12), rng)
    if draw[8] < 0.08:
        image = stamp(image, rng)
    if draw[9] < 0.2:
        image = jpeg(image, int(rng.integers(15, 60)))
    return image
