"""Where boxes lie: overlap, nearness, and how much of a box a mask covers. Boxes are `(x1, y1, x2, y2)` in 0..1."""

from collections.abc import Iterable, Sequence

from pipeline.city.registry import Mask

Box = tuple[float, float, float, float]
WHOLE: Box = (0.0, 0.0, 1.0, 1.0)
NEAR_SIDES = 0.75
"""Boxes whose centres are closer than this many of their longer side are near each other."""
NEAR_FLOOR = 0.03
"""Boxes whose centres are closer than this share of the picture are near, however small they are."""
GRID = 5
"""A mask's cover is sampled at GRID x GRID points of a box."""
MASKED_SHARE = 0.6
"""A box is masked when at least this share of it is covered."""


def area(box: Box) -> float:
    """Return the area of a box as a share of the picture; 0 for a box turned inside out."""
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def overlap(a: Box, b: Box) -> float:
    """Return the area that two boxes share, as a share of the picture."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    return width * height if width > 0 and height > 0 else 0.0


def iou(a: Box, b: Box) -> float:
    """Return the intersection over union of two boxes, 0..1."""
    shared = overlap(a, b)
    return shared / (area(a) + area(b) - shared) if shared > 0 else 0.0


def inside(a: Box, b: Box) -> float:
    """Return the share of `a` that lies in `b`, 0..1."""
    own = area(a)
    return overlap(a, b) / own if own > 0 else 0.0


def linked(a: Box, b: Box, min_iou: float) -> bool:
    """Say whether two boxes of different frames may show the same thing.

    They overlap by at least `min_iou`, one lies mostly in the other (a flame that grew), or their centres are near.
    """
    shared = overlap(a, b)
    if shared > 0:
        size_a, size_b = area(a), area(b)
        if shared >= min_iou * (size_a + size_b - shared) or shared >= 0.5 * min(size_a, size_b):
            return True
    reach = max(NEAR_FLOOR, NEAR_SIDES * min(max(a[2] - a[0], a[3] - a[1]), max(b[2] - b[0], b[3] - b[1])))
    across = (a[0] + a[2] - b[0] - b[2]) / 2
    down = (a[1] + a[3] - b[1] - b[3]) / 2
    return across * across + down * down <= reach * reach


def _holds(polygon: Mask, x: float, y: float) -> bool:
    """Say whether a point lies in a polygon (even-odd rule)."""
    held = False
    x1, y1 = polygon[-1]
    for x2, y2 in polygon:
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            held = not held
        x1, y1 = x2, y2
    return held


def covered(box: Box, masks: Sequence[Mask]) -> float:
    """Return the share of a box that masks cover, 0..1, sampled at 25 points."""
    if not masks:
        return 0.0
    hits = sum(any(_holds(polygon, x, y) for polygon in masks) for x, y in _points(box))
    return hits / (GRID * GRID)


def masked(box: Box, masks: Sequence[Mask]) -> bool:
    """Say whether a box lies mostly in masked parts of the picture."""
    return bool(masks) and covered(box, masks) >= MASKED_SHARE


def _points(box: Box) -> Iterable[tuple[float, float]]:
    """Yield the sampling points of a box: the centres of its GRID x GRID cells."""
    wide, high = (box[2] - box[0]) / GRID, (box[3] - box[1]) / GRID
    for row in range(GRID):
        for column in range(GRID):
            yield box[0] + (column + 0.5) * wide, box[1] + (row + 0.5) * high
