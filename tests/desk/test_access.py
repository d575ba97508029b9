"""Every route, as every role and area, against one table. A route that is not in the table fails here."""

from collections.abc import Iterator

import pytest
from fastapi.routing import APIRoute

from pipeline.bus.records import Incident
from pipeline.desk.app import create_app
from pipeline.desk.gate import is_open
from tests.desk.world import Visitor, World

#                            signed   piket    piket     piket     piket     satpol   satpol    engineer  admin
#                            out      here     kecamatan elsewhere no area   here     elsewhere city      city
WHO = ("", "piket_gambir", "piket_kecamatan", "piket_manggarai", "tanpa_wilayah", "satpol_pusat", "satpol_selatan",
       "teknisi", "bos")  # fmt: skip
TABLE = {
    "GET  /":                           (303, 200, 200, 200, 200, 200, 200, 200, 200),
    "GET  /isi":                        (303, 200, 200, 200, 200, 200, 200, 200, 200),
    "GET  /keadaan":                    (303, 200, 200, 200, 200, 200, 200, 200, 200),
    "GET  /kamera":                     (303, 200, 200, 200, 200, 200, 200, 200, 200),
    "GET  /kamera/isi":                 (303, 200, 200, 200, 200, 200, 200, 200, 200),
    "GET  /kamera/{camera_id}/gambar": (303, 503, 503, 404, 404, 503, 404, 503, 503),  # no bus here
    "GET  /dinding":                    (303, 200, 200, 200, 200, 200, 200, 200, 200),
    "GET  /dinding/isi":                (303, 200, 200, 200, 200, 200, 200, 200, 200),
    "GET  /serah-terima":               (303, 200, 200, 200, 200, 200, 200, 200, 200),
    "GET  /arus":                       (303, 200, 200, 200, 200, 200, 200, 200, 200),
    "GET  /kejadian/{incident_id}":     (303, 200, 200, 404, 404, 200, 404, 200, 200),
    "GET  /kejadian/{incident_id}/isi": (303, 200, 200, 404, 404, 200, 404, 200, 200),
    "GET  /media/{number}":             (303, 200, 200, 404, 404, 200, 404, 200, 200),
    "HEAD /media/{number}":             (401, 200, 200, 404, 404, 200, 404, 200, 200),
    "POST /kejadian/{incident_id}/putusan": (401, 200, 409, 404, 404, 403, 403, 403, 409),
    "POST /kejadian/{incident_id}/terusan": (401, 200, 200, 404, 404, 403, 403, 403, 200),
    "POST /kejadian/{incident_id}/dilihat": (401, 204, 204, 404, 404, 403, 403, 403, 204),
    "POST /kejadian/{incident_id}/batal":   (401, 409, 409, 404, 404, 403, 403, 403, 409),
    "GET  /langganan":                  (303, 200, 200, 200, 200, 200, 200, 200, 200),
    "POST /langganan":                  (401, 404, 404, 404, 404, 404, 404, 404, 404),
    "DELETE /langganan":                (401, 204, 204, 204, 204, 204, 204, 204, 204),
    "GET  /cap/feed.xml":               (404, 404, 404, 404, 404, 404, 404, 404, 404),
    "GET  /cap/{identifier:path}.xml":  (404, 404, 404, 404, 404, 404, 404, 404, 404),
    "GET  /kejadian/{incident_id}/paket.zip": (303, 200, 200, 404, 404, 200, 404, 200, 200),
    "GET  /cari":                       (303, 200, 200, 200, 200, 200, 200, 200, 200),
    "GET  /cari.csv":                   (303, 200, 200, 200, 200, 200, 200, 200, 200),
    "POST /cari/simpan":                (401, 303, 303, 303, 303, 303, 303, 303, 303),
    "POST /cari/hapus/{number}":        (401, 303, 303, 303, 303, 303, 303, 303, 303),
    "GET  /tinjau":                     (303, 403, 403, 403, 403, 200, 200, 403, 200),
    "POST /tinjau/klip":                (401, 403, 403, 403, 403, 200, 200, 403, 200),
    "POST /tinjau/putusan":             (401, 403, 403, 403, 403, 200, 404, 403, 200),
    "POST /tinjau/lepas":               (401, 403, 403, 403, 403, 204, 204, 403, 204),
    "GET  /sandi":                      (303, 200, 200, 200, 200, 200, 200, 200, 200),
    "POST /sandi":                      (401, 400, 400, 400, 400, 400, 400, 400, 400),
    "GET  /masuk":                      (200, 303, 303, 303, 303, 303, 303, 303, 303),
    "POST /masuk":                      (401, 401, 401, 401, 401, 401, 401, 401, 401),
    "POST /bahasa":                     (303, 303, 303, 303, 303, 303, 303, 303, 303),
    "POST /keluar":                     (401, 303, 303, 303, 303, 303, 303, 303, 303),
    "GET  /healthz":                    (200, 200, 200, 200, 200, 200, 200, 200, 200),
}  # fmt: skip
FORMS = {
    "/kejadian/{incident_id}/putusan": {"decision": "accepted", "expected": "waiting"},
    "/kejadian/{incident_id}/terusan": {"agency": "damkar", "expected": "accepted"},
    "/kejadian/{incident_id}/dilihat": {},
    "/kejadian/{incident_id}/batal": {"decided_ms": "1"},
    "/cari/simpan": {"name": "asap", "query": "kind=smoke"},
    "/cari/hapus/{number}": {},
    "/tinjau/klip": {},
    "/tinjau/putusan": {"token": "0123456789", "clip": "2", "verdict": "true"},
    "/tinjau/lepas": {},
    "/sandi": {"old": "salah", "new": "kopi-pagi-hujan", "again": "kopi-pagi-hujan"},
    "/masuk": {"name": "siapa", "password": "salah"},
    "/bahasa": {"language": "id"},
    "/keluar": {},
    "/langganan": {"address": "https://fcm.googleapis.com/x", "p256dh": "x", "auth": "x"},
}


@pytest.fixture
def desk(world: World) -> Iterator[tuple[World, str, Incident]]:
    record = world.raise_incident()
    world.keep(record, "clip", b"klip")
    with world.serve() as url:
        yield world, url, record


def test_every_route_is_in_the_table(world: World) -> None:
    app = create_app(world.settings, world.registry, world.database, world.evidence)
    routes = {
        f"{method:4} {route.path}"
        for router in app.routes
        for route in getattr(getattr(router, "original_router", None), "routes", [router])
        if isinstance(route, APIRoute)
        for method in route.methods
    }
    assert routes == set(TABLE)


@pytest.mark.parametrize("column", range(len(WHO)), ids=[name or "signed_out" for name in WHO])
def test_the_table_holds(desk: tuple[World, str, Incident], column: int) -> None:
    world, url, record = desk
    if WHO[column] in ("piket_kecamatan", "bos"):  # somebody else was first: they may decide, and are told
        first = Visitor(url)
        first.sign_in("piket_gambir")
        first.submit(f"/kejadian/{record.id}/putusan", decision="accepted", expected="waiting")
    visitor = Visitor(url)
    if WHO[column]:
        visitor.sign_in(WHO[column])
    got = {row: _ask(world, visitor, row, record) for row in sorted(TABLE, key=lambda row: row.endswith("/keluar"))}
    assert got == {row: answers[column] for row, answers in TABLE.items()}


def _ask(world: World, visitor: Visitor, row: str, record: Incident) -> int:
    """Ask as a browser does; a form carries the right token wherever there is one to be had."""
    method, template = row.split()
    path = template.replace("{identifier:path}", "x").format(incident_id=record.id, number=1, camera_id=record.camera)
    if template.startswith("/media"):
        path = world.link(visitor, 1)
    if method in ("POST", "DELETE"):
        page = "/kamera" if "siaga_session" in visitor.cookies else "/masuk"
        data = {"csrf": visitor.token(page), **FORMS[template]}
        return visitor.request(method, path, data=data, headers={"x-siaga": "part"}).status_code
    with visitor.stream(method, path) as answer:
        return answer.status_code


@pytest.mark.parametrize("path", ["/tidak-ada", "/docs", "/openapi.json", "/admin", "/static"])
def test_what_is_not_there_needs_a_sign_in_too(desk: tuple[World, str, Incident], path: str) -> None:
    assert Visitor(desk[1]).get(path).status_code in (303, 401)


def test_the_open_paths_are_few() -> None:
    assert [path for path in ("/healthz", "/masuk", "/bahasa", "/static/desk.css") if not is_open(path)] == []
    assert not any(is_open(path) for path in ("/", "/healthz/x", "/masuk/x", "/arus", "/media/1", "/staticx"))


def test_a_program_is_told_in_plain_text(desk: tuple[World, str, Incident]) -> None:
    visitor = Visitor(desk[1])
    visitor.headers["accept"] = "*/*"
    assert visitor.get("/").status_code == 401
    visitor.sign_in("piket_gambir")
    assert visitor.get("/tidak-ada").text == "404\n"


def test_every_answer_carries_the_security_headers(desk: tuple[World, str, Incident]) -> None:
    visitor = Visitor(desk[1])
    visitor.sign_in("piket_gambir")
    for path in ("/", "/masuk", "/healthz", "/static/desk.css", "/tidak-ada"):
        headers = visitor.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
    assert visitor.get("/").headers["cache-control"] == "no-store"
    assert "immutable" in visitor.get("/static/desk.css").headers["cache-control"]


def test_no_page_holds_an_inline_script_or_style(desk: tuple[World, str, Incident]) -> None:
    visitor = Visitor(desk[1])
    visitor.sign_in("bos")
    for path in ("/", f"/kejadian/{desk[2].id}", "/kamera", "/sandi"):
        text = visitor.get(path).text
        assert "<style" not in text
        assert " style=" not in text
        assert "<script>" not in text
        assert " on" + "click=" not in text
        assert len(text.encode()) < 150_000
