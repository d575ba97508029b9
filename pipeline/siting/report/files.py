"""All files of a report: HTML, PDF, JSON, GeoJSON and CSV."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipeline.siting.places import City
from pipeline.siting.report.page import make_page
from pipeline.siting.report.pdf import make_pdf
from pipeline.siting.views import Plane, View, outline

SITE_FIELDS = (
    "order", "id", "name", "lat", "lng", "kelurahan", "kelurahan_name", "type", "cost", "range_m", "bearing", "angle",
    "moved_from", "marginal_micro", "alone_micro", "points", "unseen_points", "unseen_need", "rupiah_per_need",
    "steady",
)  # fmt: skip
REQUEST_FIELDS = (
    "ref", "asked_by", "category", "lat", "lng", "kelurahan", "kelurahan_name", "priority", "weight", "seen_today",
    "status", "best_site", "gain_micro", "change_micro",
)  # fmt: skip
KELURAHAN_FIELDS = (
    "code", "name", "kota", "need", "seen", "share", "hotspots", "hotspots_seen", "incidents", "incidents_seen",
    "cameras", "seen_m2", "whole_m2", "area_share",
)  # fmt: skip


def report_files(told: Mapping[str, Any], city: City, views: Sequence[View]) -> dict[str, bytes]:
    """Return the files of a report by name, from the document of a plan."""
    requests = [{**r, "displaced": _join(one["id"] for one in r.get("displaced", ()))} for r in told["requests"]]
    sites = [{**site, "requests": _join(site["requests"])} for site in told["sites"]]
    return {
        "laporan.html": make_page(told, city, views).encode(),
        "laporan.pdf": make_pdf(told, city, views),
        "rencana.json": json.dumps(told, ensure_ascii=False, indent=1).encode(),
        "rencana.geojson": json.dumps(geojson(told, city.plane, views), ensure_ascii=False).encode(),
        "lokasi.csv": table(sites, (*SITE_FIELDS, "requests")),
        "permintaan.csv": table(requests, (*REQUEST_FIELDS, "displaced")),
        "kelurahan.csv": table(told["coverage"]["by_kelurahan"], KELURAHAN_FIELDS),
        "kurva.csv": table(told["curve"], ("cameras", "used", "value_micro", "bound_micro", "floors")),
        "kepekaan.csv": table(told["sensitivity"], ("what", "kept", "worth")),
    }


def _join(values: Iterable[str]) -> str:
    return ";".join(values)


def table(rows: Iterable[Mapping[str, Any]], fields: Sequence[str]) -> bytes:
    """Return rows as CSV in UTF-8; text that a spreadsheet would take for a formula gets an apostrophe before it."""
    made = io.StringIO()
    writer = csv.writer(made, lineterminator="\n")
    writer.writerow(fields)
    for row in rows:
        writer.writerow([_cell(row.get(field)) for field in fields])
    return made.getvalue().encode()


def _cell(value: object) -> object:
    """Return a cell that no spreadsheet runs."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return "" if value is None else value


def geojson(told: Mapping[str, Any], plane: Plane, views: Sequence[View]) -> dict[str, Any]:
    """Return a FeatureCollection; `layer` is kamera or pandangan (outlines), lokasi or permintaan (points)."""
    features = [_feature("kamera", _ring(view, plane), {"id": view.id}) for view in views]
    for site in told["sites"]:
        view = View(
            site["id"], site["lat"], site["lng"], site["range_m"], site["kelurahan"], site["bearing"], site["angle"]
        )
        kept = {key: site[key] for key in SITE_FIELDS if key not in ("lat", "lng")}
        features.append(_feature("pandangan", _ring(view, plane), {"id": site["id"]}))
        features.append(_feature("lokasi", _point(site), {**kept, "requests": site["requests"]}))
    features += [
        _feature("permintaan", _point(r), {key: r.get(key) for key in REQUEST_FIELDS if key not in ("lat", "lng")})
        for r in told["requests"]
    ]
    return {"type": "FeatureCollection", "features": features}


def _feature(layer: str, geometry: dict[str, Any], properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": {"layer": layer, **properties}}


def _point(place: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [place["lng"], place["lat"]]}


def _ring(view: View, plane: Plane) -> dict[str, Any]:
    """Return the outline of a view; counter-clockwise, as RFC 7946 has it."""
    ring = [[round(lng, 6), round(lat, 6)] for lat, lng in reversed(outline(view, plane))]
    return {"type": "Polygon", "coordinates": [ring]}
