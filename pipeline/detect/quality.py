"""How good a picture is as evidence, 0..1: dark, flat or blurred ones are worse. Cheap: a few thousand pixels count."""

import cv2
import numpy as np

from pipeline.detect.letterbox import Image

WIDTH = 160
"""Width to which the picture is reduced, px; finer detail plays no part."""
BRIGHT_ENOUGH = 40.0
"""95th percentile of brightness (0..255) from which a picture is not dark: street lamps at night reach it."""
CONTRAST_ENOUGH = 16.0
"""Standard deviation of brightness (0..255) from which a picture is not flat."""
SHARP_ENOUGH = 6.0
"""Mean absolute Laplacian at the reduced size from which a picture is not blurred."""


def picture_quality(image: Image) -> float:
    """Return the quality 0..1 of a picture `[H, W, 3]` BGR: the worst of brightness, contrast and sharpness."""
    height, width = image.shape[:2]
    size = (WIDTH, min(4 * WIDTH, max(8, round(height * WIDTH / width))))
    grey = cv2.cvtColor(cv2.resize(image, size, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
    bright = float(np.percentile(grey, 95)) / BRIGHT_ENOUGH
    contrast = float(grey.std()) / CONTRAST_ENOUGH
    sharp = float(np.abs(cv2.Laplacian(grey, cv2.CV_16S)).mean()) / SHARP_ENOUGH
    return round(min(1.0, bright, contrast, sharp), 3)
