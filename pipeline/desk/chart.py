"""The scores of an incident as a picture: lines in a box of fixed size, for an SVG made on the server. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.store.scores import Points

WIDTH, HEIGHT = 640, 240
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 14, 30
BUCKETS = 240
GAP_MS = 15_000
"""Where nothing was seen for so long the line is broken: the camera was away, its score is not known."""
DASHES = ("", "8 4", "2 4", "12 3 2 3", "4 8", "1 6")


@dataclass(frozen=True)
class Curve:
    """One camera: its lines (`points` of an SVG polyline, broken where nothing was known), dashes, best score."""

    camera: str
    lines: tuple[str, ...]
    dash: str
    best: float
    best_ms: int


@dataclass(frozen=True)
class Level:
    """A threshold: its score 0..1, and where its line lies, px from the top."""

    score: float
    y: float


@dataclass(frozen=True)
class Mark:
    """A moment on the time axis: px from the left, epoch ms."""

    x: float
    at_ms: int


@dataclass(frozen=True)
class Chart:
    """Everything the template draws; `above` of `count` scores of the incident's own camera reach the threshold.

    `extents` are the shares of the street under water, by camera, on the same axis from 0 to 1.
    """

    curves: tuple[Curve, ...]
    opening: Level
    keeping: Level
    marks: tuple[Mark, ...]
    first_seen_x: float
    above: int
    count: int
    extents: tuple[Curve, ...] = ()

    @property
    def best(self) -> Curve:
        """The curve with the highest score."""
        return max(self.curves, key=lambda curve: curve.best)


def draw(
    points: Mapping[str, Points],
    opening: float,
    keeping: float,
    start_ms: int,
    end_ms: int,
    first_seen_ms: int,
    extents: Mapping[str, Points] | None = None,
) -> Chart | None:
    """Draw scores by camera, the incident's own first; None when there are none.

    Args:
        points: Scores 0..1 by camera, oldest first.
        opening: Score from which a frame speaks for the kind.
        keeping: Score below which a frame speaks against it.
        start_ms: Left end of the chart, epoch ms.
        end_ms: Right end.
        first_seen_ms: When the incident was first seen.
        extents: Shares of the street under water 0..1 by camera, oldest first.
    """
    end = max(end_ms, start_ms + 1000)
    inside = _between(points, start_ms, end)
    seen = {camera: own for camera, own in inside.items() if own}
    if not seen:
        return None
    own = next(iter(inside.values())) or next(iter(seen.values()))
    return Chart(
        tuple(
            _curve(camera, one, DASHES[number % len(DASHES)], start_ms, end)
            for number, (camera, one) in enumerate(seen.items())
        ),
        Level(opening, _y(opening)),
        Level(keeping, _y(keeping)),
        tuple(Mark(_x(at, start_ms, end), at) for at in (start_ms, (start_ms + end) // 2, end)),
        _x(first_seen_ms, start_ms, end),
        sum(score >= opening for _, score in own),
        len(own),
        tuple(
            _curve(camera, one, "", start_ms, end)
            for camera, one in _between(extents or {}, start_ms, end).items()
            if one
        ),
    )


def _between(points: Mapping[str, Points], start_ms: int, end_ms: int) -> dict[str, Points]:
    """Return the points within a span of time, by camera."""
    return {camera: [p for p in own if start_ms <= p[0] <= end_ms] for camera, own in points.items()}


def _curve(camera: str, points: Points, dash: str, start_ms: int, end_ms: int) -> Curve:
    """Return a camera's line: of many scores in one place the highest stands, as that is what opens an incident."""
    step = max(1, (end_ms - start_ms) // BUCKETS)
    highest: dict[int, tuple[int, float]] = {}
    for at_ms, score in points:
        bucket = (at_ms - start_ms) // step
        if bucket not in highest or score > highest[bucket][1]:
            highest[bucket] = (at_ms, score)
    lines: list[list[str]] = []
    before = None
    for at_ms, score in sorted(highest.values()):
        if before is None or at_ms - before > max(GAP_MS, 2 * step):
            lines.append([])
        lines[-1].append(f"{_x(at_ms, start_ms, end_ms):.1f},{_y(score):.1f}")
        before = at_ms
    # A line of one place would be invisible: a short dash stands for it.
    shown = tuple(" ".join(line if len(line) > 1 else [line[0], line[0]]) for line in lines)
    best_ms, best = max(points, key=lambda point: point[1])
    return Curve(camera, shown, dash, best, best_ms)


def _x(at_ms: int, start_ms: int, end_ms: int) -> float:
    """Return where a moment lies, px from the left."""
    share = min(1.0, max(0.0, (at_ms - start_ms) / (end_ms - start_ms)))
    return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)


def _y(score: float) -> float:
    """Return where a score lies, px from the top."""
    return round(TOP + (1 - min(1.0, max(0.0, score))) * (HEIGHT - TOP - BOTTOM), 1)
