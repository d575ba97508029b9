"""What a cheap camera adds: vignette, sensor noise, and text burnt into the picture."""

import cv2
import numpy as np

from pipeline.demo.scenes.optics import HEIGHT, WIDTH, Image

SLACK = 64
"""Noise is cut from one larger tile at a changing offset: cheap, and never the same twice in a row."""


class Finish:
    """Finishes frames of one camera; the same second gives the same frame."""

    def __init__(self, title: str, clock_s: int, grain: float) -> None:
        self._title = title
        self._clock_s = clock_s
        rng = np.random.default_rng(sum(title.encode()))
        coarse = rng.standard_normal(((HEIGHT + SLACK) // 2, (WIDTH + SLACK) // 2, 3)).astype(np.float32)
        tile = cv2.resize(coarse, (WIDTH + SLACK, HEIGHT + SLACK), interpolation=cv2.INTER_LINEAR) * grain
        self._more = np.clip(tile, 0, 60).astype(np.uint8)
        self._less = np.clip(-tile, 0, 60).astype(np.uint8)

    def vignette(self, picture: Image) -> Image:
        """Darker corners, as a wide lens gives."""
        y = np.linspace(-1, 1, HEIGHT, dtype=np.float32)[:, None]
        x = np.linspace(-1, 1, WIDTH, dtype=np.float32)[None, :]
        fall = 1 - 0.3 * np.clip(x**2 + y**2 - 0.35, 0, None)
        return np.asarray(picture * fall[..., None], np.uint8)

    def apply(self, frame: Image, second: float) -> Image:
        """Noise and text on a frame, in place."""
        turn = round(second * 100)
        dx, dy = turn * 37 % SLACK, turn * 53 % SLACK
        window = np.s_[dy : dy + HEIGHT, dx : dx + WIDTH]
        cv2.add(frame, self._more[window], dst=frame)
        cv2.subtract(frame, self._less[window], dst=frame)
        now = self._clock_s + int(second)
        clock = f"{now // 3600 % 24:02d}:{now // 60 % 60:02d}:{now % 60:02d}"
        _text(frame, f"SIMULASI  {self._title}", (24, 40))
        _text(frame, clock, (WIDTH - 150, 40))
        return frame


def _text(frame: Image, text: str, at: tuple[int, int]) -> None:
    cv2.putText(frame, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.75, (20, 20, 20), 4, cv2.LINE_AA)
    cv2.putText(frame, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.75, (235, 235, 235), 1, cv2.LINE_AA)
