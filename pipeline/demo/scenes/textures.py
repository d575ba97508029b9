"""Surfaces drawn by rule: noise, asphalt, walls with windows and shops, tin roofs."""

import cv2
import numpy as np

from pipeline.demo.scenes.canvas import Vector
from pipeline.demo.scenes.optics import Floats, Image

PIXELS_PER_M = 40
SIGNS = (
    "WARUNG",
    "TOKO",
    "BAKSO",
    "FOTOCOPY",
    "APOTEK",
    "BENGKEL",
    "KOPI",
    "LAUNDRY",
    "PULSA",
    "PADANG",
    "SOTO",
    "ATK",
)


def noise(rng: np.random.Generator, height: int, width: int, cell: int, octaves: int = 3) -> Floats:
    """Smooth noise around 0 (about -1..1), details from `cell` px down."""
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        step = max(1, cell >> octave)
        grid = rng.standard_normal((height // step + 3, width // step + 3)).astype(np.float32)
        layer = cv2.resize(grid, None, fx=step, fy=step, interpolation=cv2.INTER_CUBIC)
        total += layer[:height, :width] * 0.5**octave
    return np.asarray(total / 2, np.float32)


def wall(rng: np.random.Generator, width_m: float, height_m: float, colour: Vector) -> Image:
    """A stained plaster wall, BGR, darker towards the ground."""
    height, width = int(height_m * PIXELS_PER_M), int(width_m * PIXELS_PER_M)
    stain = noise(rng, height, width, 64) * 9 + rng.standard_normal((height, width)).astype(np.float32) * 2
    fall = np.linspace(4, -14, height, dtype=np.float32)[:, None]
    base = np.array(colour, np.float32) + (stain + fall)[..., None]
    streaks = noise(rng, 1, width, 6)[0] * 6
    return np.asarray(np.clip(base + streaks[None, :, None], 0, 255), np.uint8)


def facade(
    rng: np.random.Generator, width_m: float, height_m: float, colour: Vector, lit: float
) -> tuple[Image, Image]:
    """A house front (BGR) and its own light at night: storeys of windows over a shop; `lit` of the windows shine."""
    picture = wall(rng, width_m, height_m, colour)
    light = np.zeros_like(picture)
    storeys = max(1, round(height_m / 3.2))
    for storey in range(storeys):
        floor = picture.shape[0] - int(storey * 3.2 * PIXELS_PER_M)
        if storey == 0:
            _shop(rng, picture, light, floor, lit)
        else:
            _windows(rng, picture, light, floor, lit)
            cv2.line(picture, (0, floor), (picture.shape[1], floor), _scaled(colour, 0.72), 4)
    cv2.rectangle(picture, (0, 0), (picture.shape[1], 8), _scaled(colour, 0.6), -1)
    return picture, light


def _windows(rng: np.random.Generator, picture: Image, light: Image, floor: int, lit: float) -> None:
    """One storey of windows above the row `floor`."""
    count = max(1, picture.shape[1] // 90)
    pitch = picture.shape[1] / count
    for index in range(count):
        left = int(index * pitch + pitch * 0.22)
        right = int(index * pitch + pitch * 0.78)
        box = (left, floor - 92), (right, floor - 34)
        cv2.rectangle(picture, (left - 3, floor - 95), (right + 3, floor - 31), (175, 180, 182), -1)
        cv2.rectangle(picture, *box, _scaled((70, 62, 52), rng.uniform(0.6, 1.3)), -1)
        cv2.line(picture, ((left + right) // 2, floor - 92), ((left + right) // 2, floor - 34), (165, 170, 172), 2)
        cv2.rectangle(picture, (left - 6, floor - 30), (right + 6, floor - 26), (120, 122, 124), -1)
        if rng.random() < 0.3:
            cv2.rectangle(picture, (left, floor - 24), (left + 26, floor - 6), (205, 205, 200), -1)
        if rng.random() < lit:
            warm = _scaled((140, 190, 215) if rng.random() < 0.6 else (215, 210, 195), rng.uniform(0.3, 0.75))
            cv2.rectangle(light, *box, warm, -1)


def _shop(rng: np.random.Generator, picture: Image, light: Image, floor: int, lit: float) -> None:
    """Ground floor: rolling shutters or open shops under a sign board."""
    count = max(1, picture.shape[1] // 150)
    pitch = picture.shape[1] / count
    for index in range(count):
        left, right = int(index * pitch + 10), int((index + 1) * pitch - 10)
        opened = rng.random() < 0.55
        fill = (48, 46, 44) if opened else _scaled((150, 150, 148), rng.uniform(0.7, 1.1))
        cv2.rectangle(picture, (left, floor - 88), (right, floor - 2), fill, -1)
        if opened:
            _goods(rng, picture, left, right, floor)
        else:
            for row in range(floor - 86, floor - 2, 6):
                cv2.line(picture, (left, row), (right, row), _scaled(fill, 0.82), 1)
        board = tuple(int(v) for v in rng.choice(np.array(BOARDS)))
        cv2.rectangle(picture, (left, floor - 120), (right, floor - 94), board, -1)
        ink = (40, 40, 40) if sum(board) > 380 else (235, 235, 235)
        cv2.putText(picture, str(rng.choice(SIGNS)), (left + 8, floor - 100), 0, 0.6, ink, 2)
        if opened and lit and rng.random() < lit + 0.2:
            inside = np.s_[floor - 86 : floor - 4, left:right]
            light[inside] = picture[inside] // 2 + np.array([28, 46, 58], np.uint8)
        if rng.random() < lit:
            light[floor - 120 : floor - 94, left:right] = picture[floor - 120 : floor - 94, left:right] // 3


BOARDS = [(150, 70, 40), (60, 120, 60), (225, 225, 220), (150, 190, 200), (60, 60, 175), (140, 60, 110)]


def _goods(rng: np.random.Generator, picture: Image, left: int, right: int, floor: int) -> None:
    """Shelves with things of many colours inside an open shop."""
    for row in (floor - 70, floor - 48, floor - 26):
        x = left + 6
        while x < right - 10:
            step = int(rng.uniform(6, 14))
            grey = float(rng.uniform(40, 150))
            colour = tuple(int(0.55 * grey + 0.45 * v) for v in rng.uniform(30, 180, 3))
            cv2.rectangle(picture, (x, row), (x + step - 2, row + int(rng.uniform(8, 16))), colour, -1)
            x += step


def tin(rng: np.random.Generator, width_m: float, height_m: float, colour: Vector) -> Image:
    """A corrugated roof with rust, BGR."""
    height, width = max(2, int(height_m * PIXELS_PER_M)), max(2, int(width_m * PIXELS_PER_M))
    ribs = np.sin(np.arange(width, dtype=np.float32) * 0.8) * 10
    rust = np.clip(noise(rng, height, width, 48), 0, 1)[..., None] * np.array([-45, -25, 5], np.float32)
    base = np.array(colour, np.float32) + ribs[None, :, None] + rust
    return np.asarray(np.clip(base + rng.standard_normal((height, width, 1)) * 3, 0, 255), np.uint8)


def awning(width_m: float, first: Vector, second: Vector) -> Image:
    """A striped cloth, BGR."""
    width = max(8, int(width_m * PIXELS_PER_M))
    stripes = (np.arange(width) // 12 % 2)[None, :, None]
    rows = np.where(stripes == 0, np.array(first), np.array(second)) * np.ones((24, 1, 1))
    return np.clip(rows, 0, 255).astype(np.uint8)


def _scaled(colour: Vector | tuple[int, ...], factor: float) -> tuple[int, int, int]:
    b, g, r = (int(min(255, max(0, v * factor))) for v in colour)
    return b, g, r
