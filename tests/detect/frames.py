"""Frames and registries for the detect tests."""

import cv2
import numpy as np

from pipeline.bus.consumer import Received
from pipeline.bus.records import Frame
from pipeline.city.registry import Camera, Kelurahan, Registry

KELURAHAN = Kelurahan("31.71.01.1001", "Gambir", "Gambir", "Jakarta Pusat", -6.17, 106.82)


def camera(name: str = "cam-1", **fields: object) -> Camera:
    return Camera(**{"id": name, "name": name, "url": "rtsp://127.0.0.1/x", "kelurahan": KELURAHAN.code,
                     "lat": -6.17, "lng": 106.82, **fields})  # type: ignore[arg-type]  # fmt: skip


def registry(*cameras: Camera) -> Registry:
    return Registry({c.id: c for c in cameras or (camera(),)}, {KELURAHAN.code: KELURAHAN})


def picture(width: int = 96, height: int = 64, level: int = 200, seed: int = 0) -> np.ndarray:
    """A grainy grey picture of about the given brightness."""
    noise = np.random.default_rng(seed).integers(-30, 31, (height, width, 3))
    return np.clip(noise + level, 0, 255).astype(np.uint8)


def jpeg(image: np.ndarray, quality: int = 90) -> bytes:
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    return data.tobytes()


def frame(image: np.ndarray | None = None, **fields: object) -> Frame:
    image = picture() if image is None else image
    values = {"camera": "cam-1", "trace": "t-1", "seq": 1, "captured_ms": 1_000_000, "width": image.shape[1],
              "height": image.shape[0], "cause": "floor", "jpeg": jpeg(image)}  # fmt: skip
    return Frame(**{**values, **fields})  # type: ignore[arg-type]


def received(item: Frame, offset: int = 0, partition: int = 0) -> Received:
    return Received(
        "siaga.frames", partition, offset, item.captured_ms, item.camera.encode(), item.jpeg, item.headers()
    )
