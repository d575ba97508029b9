"""The page of worst errors: pictures embedded, nothing fetched. It shows real places and people: keep it on disk."""

import base64
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import cv2

from pipeline.ops.errors import ConfigError
from pipeline.tune.detector_data import EVALUATED
from pipeline.tune.detector_scores import Seen

WORST = 24
LONGEST_SIDE = 360
SHOWN_BOXES = 5
TRUTH_COLOUR = (80, 200, 80)
COLOURS = {"fire": (40, 40, 240), "smoke": (230, 160, 40), "person": (160, 160, 160)}
"""BGR of the boxes drawn; labelled ones are green."""

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


def write_page(file: Path, figures: dict[str, Any], seen: Sequence[Seen]) -> None:
    """Write the figures, the worst false alarms (nothing there, high score) and the worst misses (low score).

    Raises:
        ConfigError: The file cannot be written.
    """
    alarms = sorted((one for one in seen if not one.sample.positive), key=lambda one: -one.score)
    misses = sorted((one for one in seen if one.sample.positive), key=lambda one: one.score)
    parts = [
        _HEAD,
        f"<h1>Kesalahan terburuk: {escape(str(figures['model']))}</h1>",
        "<p class='note'>Halaman ini memuat gambar tempat dan orang sungguhan: simpan di mesin ini saja. "
        "Hijau: label; merah: api menurut model; biru: asap menurut model.</p>",
        _table(figures),
        _section("Alarm palsu terburuk", "Tidak ada api atau asap, tetapi skornya tinggi.", alarms[:WORST]),
        _section("Yang paling terlewat", "Ada api atau asap, tetapi skornya rendah.", misses[:WORST]),
        "</body></html>\n",
    ]
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(parts), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{file}: cannot be written: {error}") from error


def _table(figures: dict[str, Any]) -> str:
    """The figures as a small table."""
    rows = [("gambar", figures["n"]), ("mAP50", figures["map50"]), ("mAP50-95", figures["map50_95"])]
    names = {"fire": "api", "smoke": "asap"}
    for label, values in figures["classes"].items():
        rows += [(f"{names.get(label, label)} {key}", value) for key, value in values.items()]
    rows += [*figures["image"].items(), ("ms per gambar", figures["ms_per_frame"])]
    body = "".join(f"<tr><th>{escape(str(key))}</th><td>{'-' if v is None else v}</td></tr>" for key, v in rows)
    return f"<table>{body}</table>"


def _section(title: str, what: str, chosen: Sequence[Seen]) -> str:
    """A heading and its pictures."""
    cells = "".join(_figure(one) for one in chosen) or "<p>Tidak ada.</p>"
    return f"<h2>{title}</h2><p>{what}</p><div class='grid'>{cells}</div>"


def _figure(one: Seen) -> str:
    """One picture with labels and detections, as an embedded JPEG."""
    name = escape(one.sample.file)
    caption = f"{name}<br>skor {one.score:.3f}, isi: {escape(one.sample.content)}"
    data = base64.b64encode(_drawn(one)).decode()
    return f"<figure><img alt='{name}' src='data:image/jpeg;base64,{data}'><figcaption>{caption}</figcaption></figure>"


def _drawn(one: Seen) -> bytes:
    """The picture, reduced, with its boxes, as JPEG bytes."""
    image: Any = cv2.imread(str(one.sample.image), cv2.IMREAD_COLOR)
    scale = min(1.0, LONGEST_SIDE / max(one.width, one.height))
    width, height = max(1, round(one.width * scale)), max(1, round(one.height * scale))
    image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    boxes = [(truth.box, TRUTH_COLOUR) for truth in one.sample.truths]
    evaluated = [detection for detection in one.detections if detection.label in EVALUATED]
    boxes += [(detection.box, COLOURS[detection.label]) for detection in evaluated[:SHOWN_BOXES]]
    for (x1, y1, x2, y2), colour in boxes:
        corners = (round(x1 * width), round(y1 * height)), (round(x2 * width), round(y2 * height))
        cv2.rectangle(image, *corners, colour, 2)
    return bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 80])[1])
