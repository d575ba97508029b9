"""The report as PDF (A4, vector map), by reportlab (BSD)."""

from collections.abc import Mapping, Sequence
from html import escape
from io import BytesIO
from typing import Any

from reportlab.graphics.shapes import Drawing
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import CondPageBreak, Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from pipeline.siting.places import City
from pipeline.siting.report import tables, words
from pipeline.siting.report.drawing import INK, LAND, LINE, draw_curve, draw_hours, draw_map
from pipeline.siting.views import View

MARGIN = 16 * mm
WIDTH = A4[0] - 2 * MARGIN
ROOM = 80
"""A section begins on a new page when less than this is left, points: no title stands alone."""
MOST_ROWS = 200
"""Rows of a table in the PDF; the CSV beside it holds all."""
BODY = ParagraphStyle("body", fontName="Helvetica", fontSize=9, leading=12.5, textColor=INK, spaceAfter=5)
SMALL = ParagraphStyle("small", parent=BODY, fontSize=7, leading=8.6, spaceAfter=0)
HEAD = ParagraphStyle("head", parent=SMALL, fontName="Helvetica-Bold")
TITLE = ParagraphStyle("title", parent=BODY, fontName="Helvetica-Bold", fontSize=17, leading=21, spaceAfter=2)
SECTION = ParagraphStyle("section", parent=BODY, fontName="Helvetica-Bold", fontSize=12, leading=15, spaceBefore=10,
                         spaceAfter=4)  # fmt: skip
SITE_WIDTHS = (0.04, 0.17, 0.11, 0.13, 0.08, 0.08, 0.11, 0.1, 0.11, 0.07)


def make_pdf(told: Mapping[str, Any], city: City, views: Sequence[View]) -> bytes:
    """Return the PDF; the same document makes the same bytes."""
    parts: list[Flowable] = [
        Paragraph(_plain(told["name"] or "Rencana penambahan CCTV"), TITLE),
        Paragraph(f"Kajian lokasi kamera, {words.day(told['made_ms'])}", BODY),
        _table(tables.summary(told), (0.22, 0.78), heads=False),
        Spacer(1, 6),
        draw_map(told, city, views, WIDTH),
    ]
    for title, lead, table, widths in _sections(told):
        parts.append(CondPageBreak((table.height if isinstance(table, Drawing) else 0) + ROOM))
        if title:
            parts.append(Paragraph(title, SECTION))
        if lead:
            parts.append(Paragraph(_plain(lead), BODY))
        if isinstance(table, Flowable):
            parts.append(table)
        elif table is not None:
            parts.append(_table(table, widths) if table[1] else Paragraph("Tidak ada.", BODY))
    parts.append(Paragraph("Metode dan batasnya", SECTION))
    parts += [Paragraph(_plain(text), BODY) for text in (*words.method_text(told), *told["coverage"]["notes"])]
    made = BytesIO()
    document = SimpleDocTemplate(
        made, pagesize=A4, leftMargin=MARGIN, rightMargin=MARGIN, topMargin=MARGIN, bottomMargin=MARGIN,
        title=_latin(told["name"] or "Rencana penambahan CCTV"), author=_latin(told["author"] or "Siaga"), invariant=1,
    )  # fmt: skip
    document.build(parts, onFirstPage=_foot, onLaterPages=_foot)
    return made.getvalue()


def _sections(told: Mapping[str, Any]) -> list[tuple[str, str, Any, Sequence[float] | None]]:
    """Return titles, what is said first, and a table or a drawing."""
    cover = told["coverage"]
    return [
        ("Lokasi terpilih", "Urut menurut nilai yang ditambahkan kepada lokasi di atasnya.", tables.sites(told),
         SITE_WIDTHS),
        ("Permintaan yang tidak terpilih", "", tables.rejected(told), (0.09, 0.17, 0.14, 0.13, 0.07, 0.4)),
        ("Kurva anggaran", "", draw_curve(told["curve"], WIDTH), None),
        ("", "", tables.curve(told), None),
        ("Kategori sebelum dan sesudah", "", tables.after(told), None),
        ("Cakupan hari ini per kota", "", tables.groups(words.by_kota(cover["by_kelurahan"]), "Kota"), None),
        ("Cakupan hari ini per kategori", "", tables.groups(cover["by_category"], "Kategori", words.CATEGORIES), None),
        ("Cakupan hari ini per jenis data", "", tables.groups(cover["by_kind"], "Jenis", words.KINDS), None),
        ("Cakupan hari ini per jam", "", draw_hours(cover["by_hour"], WIDTH), None),
        ("", "", tables.groups(cover["by_hour"], "Jam"), None),
        ("Kelurahan buta", "", tables.blind(told), (0.26, 0.4, 0.1, 0.12, 0.12)),
        ("Kamera yang melihat tempat yang sama", "", tables.overlapping(told), None),
        ("Kamera yang dapat dipindah", "Tanpa satu pun putusan benar dalam masa kajian.", tables.idle(told), None),
        ("Kepekaan terhadap bobot", "Rencana disusun ulang dengan satu bobot diubah.", tables.sensitivity(told), None),
    ]  # fmt: skip


def _latin(text: str) -> str:
    """Return text with only letters that the PDF's standard fonts have."""
    return text.encode("cp1252", "replace").decode("cp1252")


def _plain(text: str) -> str:
    """Return text for a paragraph: as it is, no markup."""
    return escape(_latin(text), quote=False)


def _table(table: tables.Table, widths: Sequence[float] | None = None, *, heads: bool = True) -> Table:
    """Return a table that may go over several pages and repeats its heads."""
    head, rows = table
    cells = [[Paragraph(_plain(text), HEAD) for text in head]] if heads else []
    cells += [[Paragraph(_plain(cell), SMALL) for cell in row] for row in rows[:MOST_ROWS]]
    if len(rows) > MOST_ROWS:
        rest = f"dan {len(rows) - MOST_ROWS} lagi, lihat berkas CSV"
        cells.append([Paragraph(rest, SMALL), *[Paragraph("", SMALL)] * (len(head) - 1)])
    shares = widths or [1 / len(head)] * len(head)
    made = Table(cells, colWidths=[WIDTH * share for share in shares], repeatRows=1 if heads else 0, hAlign="LEFT")
    style = [("VALIGN", (0, 0), (-1, -1), "TOP"), ("LINEBELOW", (0, 0), (-1, -1), 0.3, LINE),
             ("TOPPADDING", (0, 0), (-1, -1), 2), ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
             ("LEFTPADDING", (0, 0), (-1, -1), 3), ("RIGHTPADDING", (0, 0), (-1, -1), 3)]  # fmt: skip
    if heads:
        style.append(("BACKGROUND", (0, 0), (-1, 0), LAND))
    made.setStyle(TableStyle(style))
    return made


def _foot(canvas: Any, document: Any) -> None:
    """Write the page's number."""
    canvas.setFont("Helvetica", 7)
    canvas.setFillColor(colors.grey)
    canvas.drawString(MARGIN, 9 * mm, "Siaga: kajian penambahan CCTV")
    canvas.drawRightString(A4[0] - MARGIN, 9 * mm, f"halaman {document.page}")
