"""A page of a model's worst errors: pictures embedded, nothing fetched. It shows real people: keep it on disk."""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import cv2

from pipeline.detect.letterbox import Image
from pipeline.ops.errors import ConfigError

WORST = 24
"""Pictures of one section."""
LONGEST_SIDE = 360

_HEAD = """<!doctype html>
<html lang="id"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Kesalahan terburuk</title><style>
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:1200px;padding:1rem;color:#1c2430;background:#fff}
table{border-collapse:collapse;margin:1rem 0}td,th{border:1px solid #c5ccd6;padding:.3rem .7rem;text-align:left}
.grid{display:grid;gap:1rem;grid-template-columns:repeat(auto-fill,minmax(220px,1fr))}
figure{margin:0}img{width:100%;height:auto;display:block}figcaption{font-size:.85rem;overflow-wrap:anywhere}
.note{color:#5a6472}@media(prefers-color-scheme:dark){body{color:#e4e8ee;background:#14181d}td,th{border-color:#3a434e}}
</style></head><body>
"""


@dataclass(frozen=True)
class Shown:
    """One picture of the page: its name, what is said of it, and the picture, drawn on and reduced."""

    name: str
    caption: str
    picture: Image


@dataclass(frozen=True)
class Section:
    """A heading, what it means, and its pictures."""

    title: str
    meaning: str
    shown: Sequence[Shown]


def write(file: Path, model: str, legend: str, rows: Iterable[tuple[str, object]], sections: Iterable[Section]) -> None:
    """Write a page: the figures as `rows` of a table, then the sections.

    Raises:
        ConfigError: The file cannot be written.
    """
    body = "".join(f"<tr><th>{escape(key)}</th><td>{'-' if v is None else v}</td></tr>" for key, v in rows)
    parts = [
        _HEAD,
        f"<h1>Kesalahan terburuk: {escape(model)}</h1>",
        "<p class='note'>Halaman ini memuat gambar tempat dan orang sungguhan: simpan di mesin ini saja. "
        f"{escape(legend)}</p>",
        f"<table>{body}</table>",
        *map(_section, sections),
        "</body></html>\n",
    ]
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(parts), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{file}: cannot be written: {error}") from error


def reduced(image: Image) -> Image:
    """Return a picture with its longest side at most `LONGEST_SIDE` px."""
    height, width = image.shape[:2]
    scale = min(1.0, LONGEST_SIDE / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small: Any = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    picture: Image = small
    return picture


def _section(section: Section) -> str:
    """A heading and its pictures."""
    cells = "".join(map(_figure, section.shown)) or "<p>Tidak ada.</p>"
    return f"<h2>{section.title}</h2><p>{section.meaning}</p><div class='grid'>{cells}</div>"


def _figure(one: Shown) -> str:
    """One picture with its caption, as an embedded JPEG."""
    jpeg = cv2.imencode(".jpg", one.picture, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()
    name, data = escape(one.name), base64.b64encode(jpeg).decode()
    caption = f"{name}<br>{escape(one.caption)}"
    return f"<figure><img alt='{name}' src='data:image/jpeg;base64,{data}'><figcaption>{caption}</figcaption></figure>"
