"""Market furniture: stalls under cloths, umbrellas, washing on a line."""

import cv2
import numpy as np

from pipeline.demo.scenes.canvas import Canvas, Vector
from pipeline.demo.scenes.streets import CLOTHS
from pipeline.demo.scenes.textures import awning

TARPS: tuple[Vector, ...] = ((150, 100, 45), (60, 60, 165), (80, 135, 75), (60, 160, 205), (165, 165, 165))


def stall(canvas: Canvas, x: float, z: float, choice: int) -> None:
    """A table with goods under a tilted cloth on four sticks; its front looks at the middle of the lane."""
    rng = np.random.default_rng(choice + 100)
    side = 1 if x > 0 else -1
    low, high = min(x, x + side * 1.6), max(x, x + side * 1.6)
    canvas.block((low, 0, z), (high, 0.75, z + 2.6), (88, 108, 128))
    for along in np.arange(z + 0.2, z + 2.5, 0.42):
        for aside in (0.15, 0.6, 1.05):
            colour = tuple(float(v) for v in rng.choice(np.array(GOODS)) * rng.uniform(0.75, 1.1))
            at = x + side * aside
            top = 0.85 + float(rng.uniform(0, 0.15))
            block = (
                (min(at, at + side * 0.36), 0.75, float(along)),
                (max(at, at + side * 0.36), top, float(along) + 0.34),
            )
            canvas.block(*block, (colour[0], colour[1], colour[2]))
    for px in (low, high - 0.06):
        for pz in (z, z + 2.5):
            canvas.block((px, 0.7, pz), (px + 0.06, 2.25, pz + 0.06), (90, 95, 100))
    if choice % 2:
        texture = awning(3.0, *CLOTHS[choice % len(CLOTHS)])
    else:
        texture = np.full((8, 8, 3), TARPS[choice % len(TARPS)], np.uint8)
    canvas.plane((x - side * 0.5, 2.15, z - 0.2), (0, 0, 3.0), (side * 2.3, 0.5, 0), texture)
    flap = np.clip(texture.astype(np.float32) * 0.85, 0, 255).astype(np.uint8)
    canvas.plane((x - side * 0.5, 1.95, z - 0.2), (0, 0, 3.0), (0, 0.2, 0), flap)


GOODS: list[tuple[int, int, int]] = [
    (60, 140, 70),
    (50, 110, 190),
    (60, 70, 170),
    (70, 170, 200),
    (110, 130, 140),
    (150, 110, 90),
    (90, 160, 120),
]


def umbrella(canvas: Canvas, x: float, z: float, choice: int) -> None:
    """A cart under a round umbrella of coloured sectors."""
    canvas.block((x - 0.5, 0.25, z), (x + 0.5, 1.0, z + 1.3), (150, 150, 70) if choice % 2 else (90, 150, 170))
    canvas.block((x - 0.03, 1.0, z + 0.6), (x + 0.03, 2.3, z + 0.66), (110, 110, 110))
    picture = np.zeros((60, 200, 4), np.uint8)
    first, second = CLOTHS[choice % len(CLOTHS)]
    for index in range(8):
        left, right = index * 25, index * 25 + 25
        colour = first if index % 2 else second
        corners = np.array([(100, 2), (left, 54), ((left + right) // 2, 59), (right, 54)], np.int32)
        cv2.fillConvexPoly(picture, corners, (*colour, 255))
    canvas.stamp(picture, x, 2.0, z + 0.6, 0.7)


def laundry(canvas: Canvas, start: Vector, stop: Vector) -> None:
    """Washing across a lane between two points, hanging still."""
    rng = np.random.default_rng(77)
    picture = np.zeros((120, 900, 4), np.uint8)
    cv2.line(picture, (0, 3), (899, 3), (60, 60, 60, 255), 3)
    x = 40
    while x < 840:
        wide, tall = int(rng.uniform(35, 70)), int(rng.uniform(50, 110))
        colour = tuple(int(v) for v in rng.uniform(70, 200, 3))
        cv2.rectangle(picture, (x, 4), (x + wide, tall), (*colour, 255), -1)
        cv2.line(picture, (x + wide // 2, 8), (x + wide // 2, tall), (*(int(v * 0.85) for v in colour), 255), 4)
        x += wide + int(rng.uniform(12, 40))
    along = (stop[0] - start[0], stop[1] - start[1], stop[2] - start[2])
    canvas.plane((start[0], start[1] - 0.8, start[2]), along, (0, 0.8, 0), picture)
