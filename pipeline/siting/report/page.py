"""The report as one HTML page that needs nothing else: styles and vector drawings lie in it."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from reportlab.graphics.renderSVG import drawToString
from reportlab.graphics.shapes import Drawing

from pipeline.siting.places import City
from pipeline.siting.report import tables, words
from pipeline.siting.report.drawing import draw_curve, draw_hours, draw_map
from pipeline.siting.views import View


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parents[1] / "templates"), autoescape=select_autoescape(),
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip


def svg(drawing: Drawing, title: str) -> Markup:
    """Return a drawing as SVG to put into a page: it scales with the page and has a name for screen readers."""
    text = drawToString(drawing)
    body = text[text.index("<svg") :]
    body = re.sub(
        r'(<svg[^>]*?) width="[^"]*"', r"\1", re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", body, count=1), count=1
    )
    opened = re.sub(r"<svg", f'<svg role="img" aria-label="{title}" class="drawing"', body, count=1)
    return Markup(re.sub(r"<title>.*?</title>|<desc>.*?</desc>", "", opened, flags=re.DOTALL))


def make_page(told: Mapping[str, Any], city: City, views: Sequence[View]) -> str:
    """Return the HTML page, in Bahasa Indonesia."""
    cover = told["coverage"]
    return _templates().get_template("report.html").render(
        title=told["name"] or "Rencana penambahan CCTV",
        day=words.day(told["made_ms"]),
        summary=tables.summary(told)[1],
        map=svg(draw_map(told, city, views, 560), "Peta kamera, kelurahan buta, dan lokasi terpilih"),
        curve=svg(draw_curve(told["curve"], 700, 220), "Kurva anggaran"),
        hours=svg(draw_hours(cover["by_hour"], 700, 140), "Kebutuhan per jam"),
        sections=[
            ("Lokasi terpilih", tables.sites(told)),
            ("Permintaan yang tidak terpilih", tables.rejected(told)),
            ("Kurva anggaran", tables.curve(told)),
            ("Kategori sebelum dan sesudah", tables.after(told)),
            ("Cakupan hari ini per kota", tables.groups(words.by_kota(cover["by_kelurahan"]), "Kota")),
            ("Cakupan hari ini per kategori", tables.groups(cover["by_category"], "Kategori", words.CATEGORIES)),
            ("Cakupan hari ini per jam", tables.groups(cover["by_hour"], "Jam")),
            ("Cakupan hari ini per jenis data", tables.groups(cover["by_kind"], "Jenis", words.KINDS)),
            ("Kelurahan buta", tables.blind(told)),
            ("Kamera yang melihat tempat yang sama", tables.overlapping(told)),
            ("Kamera yang dapat dipindah", tables.idle(told)),
            ("Kepekaan terhadap bobot", tables.sensitivity(told)),
        ],
        method=[*words.method_text(told), *cover["notes"]],
    )  # fmt: skip
