"""Map and charts as vector drawings: the PDF and the HTML page show the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from reportlab.graphics.shapes import Circle, Drawing, Group, Line, Polygon, PolyLine, Rect, String
from reportlab.lib.colors import Color, HexColor, white

from pipeline.city.boundaries import GRID, Boundary
from pipeline.city.registry import METRES_PER_DEGREE
from pipeline.siting.places import City
from pipeline.siting.report.words import need, number
from pipeline.siting.views import Bools, Floats, View

INK, LINE, LAND, BLIND = HexColor("#1f2933"), HexColor("#9aa5b1"), HexColor("#eef2f6"), HexColor("#f6c9c0")
CAMERA, SITE, REQUEST, BOUND = HexColor("#3b6ea5"), HexColor("#d9480f"), HexColor("#7b2d8b"), HexColor("#9aa5b1")
SEEN = (HexColor("#e3eef7"), HexColor("#c3dcee"), HexColor("#95c1df"))
FAR_M = 30_000
"""Kelurahan farther than this from the middle of the city are drawn in a frame of their own (islands)."""
HIGHEST = 0.94
"""Height of the map to its width, at most: it stands on the first page."""
SMALL = 5.0
"""An outline smaller than this, points, gets a dark edge and a dot: else an island would not be seen."""
NUMBERED = 60
FONT = "Helvetica"


@dataclass(frozen=True)
class Frame:
    """A part of the drawing: where it begins in metres, points per metre, and its box in points."""

    west: float
    south: float
    scale: float
    left: float
    bottom: float
    width: float
    height: float

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return where a place (metres) is drawn, points."""
        return self.left + (x - self.west) * self.scale, self.bottom + (y - self.south) * self.scale

    def holds(self, x: float, y: float) -> bool:
        """Say whether a place (metres) lies in the frame."""
        px, py = self.at(x, y)
        return self.left <= px <= self.left + self.width and self.bottom <= py <= self.bottom + self.height


def draw_map(told: Mapping[str, Any], city: City, views: Sequence[View], width: float = 520) -> Drawing:
    """Draw kelurahan (blind ones in red), cameras, requests and the chosen sites with their numbers; `width` points."""
    east, north = city.centroids
    far = _far(city, east, north)
    main = _frame(*_reach(city, east, north, ~far), 0, 46, width)
    frames = [main]
    if far.any():
        frames.append(_frame(*_reach(city, east, north, far), 0, 46, 100, 100))
    drawing = Drawing(width, main.height + 46)
    for frame in frames:
        part = Group()
        if frame is not main:
            part.add(Rect(frame.left, frame.bottom, frame.width, frame.height, fillColor=white, strokeColor=LINE))
        _kelurahan(part, frame, told, city)
        _marks(part, frame, told, city, views)
        drawing.add(part)
    _legend(drawing, main)
    return drawing


def _far(city: City, east: Floats, north: Floats) -> Bools:
    """Say which kelurahan belong to a kota far from the middle of the city."""
    away = np.hypot(east - np.median(east), north - np.median(north))
    kota = np.array([code[:5] for code in city.kelurahan])
    found = np.zeros(len(kota), bool)
    for one in np.unique(kota):
        found[kota == one] = float(np.median(away[kota == one])) > FAR_M
    return found & ~found.all()


def _reach(city: City, east: Floats, north: Floats, which: Bools) -> tuple[Floats, Floats]:
    """Return corners (m) between which these kelurahan lie: of their outlines, or their centroids."""
    x, y = [east[which]], [north[which]]
    for code, wanted in zip(city.kelurahan, which, strict=True):
        outline = city.boundaries.get(code)
        if wanted and outline is not None:
            west, south, farther, top = outline.box
            ex, ny = city.plane.metres([south / GRID, top / GRID], [west / GRID, farther / GRID])
            x.append(ex)
            y.append(ny)
    return np.concatenate(x), np.concatenate(y)


def _frame(
    x: Any, y: Any, left: float, bottom: float, width: float, height: float | None = None, margin_m: float = 500
) -> Frame:
    """Return a frame around places; without a height, as high as the width makes it."""
    west, east = float(x.min()) - margin_m, float(x.max()) + margin_m
    south, north = float(y.min()) - margin_m, float(y.max()) + margin_m
    scale = width / (east - west)
    if height is None:
        height = min(scale * (north - south), width * HIGHEST)
    scale = min(scale, height / (north - south))
    left_m, down_m = (width / scale - (east - west)) / 2, (height / scale - (north - south)) / 2
    return Frame(west - left_m, south - down_m, scale, left, bottom, width, height)


def _kelurahan(part: Group, frame: Frame, told: Mapping[str, Any], city: City) -> None:
    """Draw outlines, or centroids where the city has no boundaries."""
    blind = set(told["coverage"]["blind"])
    share = {row["code"]: row["share"] for row in told["coverage"]["by_kelurahan"]}
    for (code, _), x, y in zip(city.kelurahan.items(), *city.centroids, strict=True):
        if not frame.holds(float(x), float(y)):
            continue
        fill = BLIND if code in blind else _tone(share.get(code))
        outline = city.boundaries.get(code)
        for ring in outline.rings if outline is not None else ():
            ex, ny = city.plane.metres([b / GRID for _, b in ring], [a / GRID for a, _ in ring])
            points = [value for place in zip(ex, ny, strict=True) for value in frame.at(*map(float, place))]
            small = max(max(points[::2]) - min(points[::2]), max(points[1::2]) - min(points[1::2])) < SMALL
            part.add(Polygon(points, fillColor=fill, strokeColor=LINE if small else white, strokeWidth=0.5))
        if outline is None or _largest(outline) * frame.scale < SMALL:
            px, py = frame.at(float(x), float(y))
            edge = HexColor("#c0392b") if code in blind else LINE
            part.add(Circle(px, py, 3.2, fillColor=fill, strokeColor=edge, strokeWidth=0.5))


def _largest(outline: Boundary) -> float:
    """Return the height of the largest ring of an outline, m."""
    heights = [max(y for _, y in ring) - min(y for _, y in ring) for ring in outline.rings]
    return max(heights) / GRID * METRES_PER_DEGREE


def _tone(share: float | None) -> Color:
    """Return the colour of a kelurahan by the share of its need that is seen."""
    return LAND if share is None else SEEN[min(2, int(share * 3))]


def _marks(part: Group, frame: Frame, told: Mapping[str, Any], city: City, views: Sequence[View]) -> None:
    """Draw cameras, requests that were not chosen, and sites."""

    def place(lat: float, lng: float) -> tuple[float, float] | None:
        (x,), (y,) = city.plane.metres([lat], [lng])
        return frame.at(float(x), float(y)) if frame.holds(float(x), float(y)) else None

    for view in views:
        if at := place(view.lat, view.lng):
            part.add(Circle(*at, 1.1, fillColor=CAMERA, strokeColor=None))
    for request in told["requests"]:
        if request["status"] != "dipilih" and (at := place(request["lat"], request["lng"])):
            x, y = at
            part.add(Polygon([x - 2, y - 1.6, x + 2, y - 1.6, x, y + 2], fillColor=None, strokeColor=REQUEST,
                             strokeWidth=0.6))  # fmt: skip
    for site in reversed(told["sites"]):
        if at := place(site["lat"], site["lng"]):
            few = len(told["sites"]) <= NUMBERED
            part.add(Circle(*at, 4.6 if few else 2.4, fillColor=SITE, strokeColor=white, strokeWidth=0.5))
            if few:
                part.add(_text(at[0], at[1] - 1.9, str(site["order"]), 5.2, white, "middle"))


def _text(x: float, y: float, text: str, size: float, colour: Color = INK, anchor: str = "start") -> String:
    return String(x, y, text, fontName=FONT, fontSize=size, fillColor=colour, textAnchor=anchor)


def _legend(drawing: Drawing, frame: Frame) -> None:
    """Draw what the marks mean, a scale and the north."""
    entries = [(CAMERA, "kamera hari ini"), (SITE, "lokasi terpilih (nomor urut)"), (REQUEST, "permintaan lain"),
               (BLIND, "kelurahan buta"), (SEEN[0], "terlihat < 1/3"), (SEEN[1], "1/3-2/3"),
               (SEEN[2], "> 2/3")]  # fmt: skip
    x = 4.0
    for colour, text in entries:
        drawing.add(Rect(x, 26, 8, 8, fillColor=colour, strokeColor=LINE, strokeWidth=0.3))
        drawing.add(_text(x + 11, 27.5, text, 7))
        x += 17 + len(text) * 3.55
    length = 5000 * frame.scale
    drawing.add(Line(4, 12, 4 + length, 12, strokeColor=INK, strokeWidth=1.2))
    drawing.add(_text(8 + length, 9.5, "5 km", 7))
    x = frame.width - 8
    drawing.add(Polygon([x - 6, 6, x, 20, x + 6, 6, x, 9], fillColor=INK, strokeColor=None))
    drawing.add(_text(frame.width - 26, 9, "U", 8))


def draw_curve(curve: Sequence[Mapping[str, Any]], width: float = 520, height: float = 170) -> Drawing:
    """Draw the value of numbers of cameras and the bound above which none can be."""
    drawing, left, bottom = Drawing(width, height), 46, 26
    top = max((point["bound_micro"] for point in curve), default=0) or 1
    most = max((point["cameras"] for point in curve), default=0) or 1
    wide, high = width - left - 40, height - bottom - 16

    def at(cameras: int, micro: int) -> tuple[float, float]:
        return left + wide * cameras / most, bottom + high * micro / top

    for step in range(5):
        y = bottom + high * step / 4
        drawing.add(Line(left, y, left + wide, y, strokeColor=LAND, strokeWidth=0.6))
        drawing.add(_text(left - 4, y - 2.5, need(round(top * step / 4), 1), 7, INK, "end"))
    for key, colour, dash in (("bound_micro", BOUND, [3, 2]), ("value_micro", SITE, None)):
        points = [value for point in curve for value in at(point["cameras"], point[key])]
        drawing.add(PolyLine([*at(0, 0), *points], strokeColor=colour, strokeWidth=1.4, strokeDashArray=dash))
    for point in curve:
        x, y = at(point["cameras"], point["value_micro"])
        drawing.add(Circle(x, y, 2.6, fillColor=SITE, strokeColor=white))
        drawing.add(_text(x, bottom - 10, str(point["cameras"]), 7, INK, "middle"))
    drawing.add(_text(left + wide, 4, "kamera baru", 7, INK, "end"))
    drawing.add(_text(left, height - 8, "kebutuhan yang bertambah terlihat (garis putus: batas atas)", 7))
    return drawing


def draw_hours(rows: Sequence[Mapping[str, Any]], width: float = 520, height: float = 110) -> Drawing:
    """Draw need by hour of the day and the part of it that is seen."""
    drawing, left, bottom = Drawing(width, height), 46, 18
    top = max((row["need"] for row in rows), default=0) or 1
    step, high = (width - left - 8) / 24, height - bottom - 16
    for hour, row in enumerate(rows):
        x = left + hour * step
        drawing.add(Rect(x, bottom, step - 2, high * row["need"] / top, fillColor=BLIND, strokeColor=None))
        drawing.add(Rect(x, bottom, step - 2, high * row["seen"] / top, fillColor=CAMERA, strokeColor=None))
        if hour % 3 == 0:
            drawing.add(_text(x + step / 2 - 1, bottom - 10, row["name"], 7, INK, "middle"))
    drawing.add(_text(left - 4, bottom + high - 5, number(top), 7, INK, "end"))
    drawing.add(_text(left, height - 8, "kebutuhan per jam; biru: terlihat hari ini, merah muda: tidak", 7))
    return drawing
