"""A plot as SVG, on logarithmic axes, without a library: it is looked at in a page and compared in a diff."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 720, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 110, 20, 50
COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#8c564b", "#7f7f7f", "#000000")
LEAST = 1e-4


@dataclass(frozen=True)
class Series:
    """A line: its name and points (x, y, whether it was measured)."""

    name: str
    points: list[tuple[float, float, bool]]


def _ends(values: Sequence[float]) -> tuple[int, int]:
    """Return the powers of ten around positive values."""
    return math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))


def plot(lines: Sequence[Series], across: str, up: str) -> str:
    """Return an SVG of lines; points that were measured are filled, reckoned ones hollow.

    Args:
        lines: What is drawn; values below `LEAST` lie on the lower edge.
        across: What the horizontal axis counts.
        up: What the vertical axis counts.
    """
    points = [point for line in lines for point in line.points]
    x_low, x_high = _ends([point[0] for point in points])
    y_low, y_high = _ends([max(LEAST, point[1]) for point in points])

    def x(value: float) -> float:
        return round(LEFT + (math.log10(value) - x_low) / (x_high - x_low) * (WIDTH - LEFT - RIGHT), 1)

    def y(value: float) -> float:
        share = (math.log10(max(LEAST, value)) - y_low) / (y_high - y_low)
        return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">',
        "<style>text{font-size:12px}</style>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
    ]
    for power in range(x_low, x_high + 1):
        at = x(10.0**power)
        parts.append(f'<path d="M{at} {TOP}V{HEIGHT - BOTTOM}" stroke="#ddd"/>')
        parts.append(f'<text x="{at}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{10.0**power:g}</text>')
    for power in range(y_low, y_high + 1):
        at = y(10.0**power)
        parts.append(f'<path d="M{LEFT} {at}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{at + 4}" text-anchor="end">{10.0**power:g}</text>')
    parts.append(
        f'<text x="{(WIDTH - RIGHT + LEFT) / 2}" y="{HEIGHT - 12}" text-anchor="middle">{escape(across)}</text>'
    )
    middle = (HEIGHT - BOTTOM + TOP) / 2
    parts.append(f'<text transform="translate(16 {middle}) rotate(-90)" text-anchor="middle">{escape(up)}</text>')
    for line, colour in zip(lines, COLOURS, strict=False):
        path = "L".join(f"{x(at)} {y(value)}" for at, value, _ in line.points)
        parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for at, value, measured in line.points:
            fill = colour if measured else "#fff"
            parts.append(f'<circle cx="{x(at)}" cy="{y(value)}" r="4" fill="{fill}" stroke="{colour}"/>')
        last = line.points[-1]
        parts.append(f'<text x="{x(last[0]) + 8}" y="{y(last[1]) + 4}" fill="{colour}">{escape(line.name)}</text>')
    return "\n".join([*parts, "</svg>", ""])
