"""Every route, as every role in every kind of area, against the table of docs/access.md.

A new route needs a row there; a form that must be filled to get anywhere needs an entry in FORMS here.
"""

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.routing import Mount

from pipeline.bus.records import Incident
from pipeline.city.registry import Registry
from pipeline.desk.areas import sees
from pipeline.desk.gate import is_open
from pipeline.desk.identity import ROLES
from pipeline.ops.public_section import PublicSection
from pipeline.store import drills, people
from pipeline.store.database import open_database
from pipeline.store.evidence import EvidenceStore
from pipeline.store.needs import NewNeed, add_need
from pipeline.store.outbox import Order
from tests.desk.access_table import read_table
from tests.desk.walking import api_routes, app_of
from tests.desk.world import GAMBIR, HASH, Visitor, World
from tests.waiting import wait_for

TABLE = read_table()
AREAS = {
    "kelurahan": [GAMBIR], "kecamatan": ["31.71.01"], "kota": ["31.71"], "city": ["*"],
    "elsewhere": ["31.74.01.1007", "31.74"], "nowhere": [],
}  # fmt: skip
FORMS = {
    "/kejadian/{incident_id}/putusan": {"decision": "accepted", "expected": "waiting"},
    "/kejadian/{incident_id}/terusan": {"agency": "damkar", "expected": "accepted"},
    "/kejadian/{incident_id}/batal": {"decided_ms": "1"},
    "/cari/simpan": {"name": "asap", "query": "kind=smoke"},
    "/tinjau/putusan": {"token": "0123456789", "clip": "2", "verdict": "true"},
    "/sandi": {"old": "salah", "new": "kopi-pagi-hujan", "again": "kopi-pagi-hujan"},
    "/masuk": {"name": "siapa", "password": "salah"},
    "/bahasa": {"language": "id"},
    "/kebutuhan/{number}/status": {"status": "dipasang"},
    "/kebutuhan/{number}/gabung": {"other": "1"},
    "/kabar-gagal/kirim": {"target": "webhook:a"},
    "/admin/orang/{user}": {"role": "bos", "areas": GAMBIR},
    "/admin/orang": {"name": "x", "role": "piket", "areas": GAMBIR},
    "/admin/wilayah": {"code": GAMBIR, "user": "rekan_gambir"},
    "/admin/kamera/baru": {"id": "x y", "name": "x", "kelurahan": GAMBIR, "lat": "1", "lng": "1", "kinds": "fire"},
    "/admin/kamera/{camera_id}": {"name": "x", "kelurahan": GAMBIR, "lat": "-6.1", "lng": "106.8", "kinds": "fire"},
    "/admin/uji": {"id": "cam-gambir-1"},
    "/langganan": {"address": "https://fcm.googleapis.com/x", "p256dh": "x", "auth": "x"},
}
LAST = ("POST /admin/kamera/{camera_id}/kembali", "POST /admin/kamera/{camera_id}/hapus", "POST /keluar")
"""Asked at the end, in this order: after them a camera is gone, or nobody is signed in any more."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Incident]:
    """Return a closed world with an incident in Gambir, its still and clip; each walk gets a fresh copy of it."""
    world = World.build(tmp_path_factory.mktemp("access"))
    record = world.raise_incident()
    world.keep(record, "clip", b"klip")
    with world.database.session() as session:
        order = Order("latihan-1", 0, "drill", "webhook:a", "webhook", "latihan-1:drill:webhook:a", {})
        now = world.clock()
        drills.begin(session, "latihan-1", "drill", GAMBIR, now, now + 3_600_000, [order])
        add_need(session, NewNeed(-6.176, 106.826, "jalan", "rt_rw", "RT 01", GAMBIR, "gelap"), "x", now)
        for role in ROLES:
            for area, codes in AREAS.items():
                people.add_user(session, f"{role}-{area}", HASH, role, codes, world.clock())
    world.database.close()
    return world, record


@pytest.fixture
def copy(template: tuple[World, Incident], tmp_path: Path) -> Iterator[World]:
    """Return a copy of the template, its first camera public."""
    source, _ = template
    folder = tmp_path / "world"
    shutil.copytree(source.settings.data_dir, folder)
    settings = source.settings.model_copy(
        update={"data_dir": folder, "public": PublicSection(enabled=True, every_s=0.2)}
    )
    cameras = dict(source.registry.cameras)
    cameras["cam-gambir-1"] = replace(cameras["cam-gambir-1"], public=True)
    registry = Registry(cameras, source.registry.kelurahan)
    made = World(settings, registry, open_database(settings), EvidenceStore(settings))
    yield made
    made.database.close()


def test_every_route_and_mount_is_in_the_table(world: World) -> None:
    app = app_of(world)
    routes = {f"{method} {route.path}" for route in api_routes(app) for method in route.methods or ()}
    written = {row for row in TABLE if not row.split()[1].startswith(("/static/", "/publik", "/tidak-ada"))}
    assert routes - written == set(), "add these to docs/access.md"
    assert written - routes == set(), "docs/access.md has rows of routes that are gone"
    for mount in (route for route in app.routes if isinstance(route, Mount)):
        assert any(row.startswith(f"GET {mount.path}/") for row in TABLE), f"no file of {mount.path} in docs/access.md"


def test_every_role_and_its_rights_are_in_words() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "access.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == set(ROLES)


@pytest.mark.parametrize("area", AREAS)
@pytest.mark.parametrize("role", ROLES)
def test_the_table_holds(copy: World, template: tuple[World, Incident], role: str, area: str) -> None:
    with copy.serve() as url:
        visitor = Visitor(url)
        assert visitor.sign_in(f"{role}-{area}").status_code == 303
        inside = sees(AREAS[area], GAMBIR)
        wanted = {row: cells.expect(role, inside) for row, cells in TABLE.items()}
        assert walk(copy, visitor, template[1]) == wanted


def test_the_table_holds_for_who_is_signed_out(copy: World, template: tuple[World, Incident]) -> None:
    with copy.serve() as url:
        wanted = {row: cells.expect("out", True) for row, cells in TABLE.items()}
        assert walk(copy, Visitor(url), template[1]) == wanted


def walk(world: World, visitor: Visitor, record: Incident) -> dict[str, int]:
    """Ask for every row of the table; what ends the session comes last."""
    wait_for(lambda: visitor.get("/publik").status_code == 200, 30, what="the public view")
    order = sorted(TABLE, key=lambda row: LAST.index(row) if row in LAST else -1)
    token = visitor.token("/sandi" if "siaga_session" in visitor.cookies else "/masuk")
    return {row: _ask(world, visitor, row, record, token) for row in order}


def _ask(world: World, visitor: Visitor, row: str, record: Incident, token: str) -> int:
    """Ask as a browser does, forms with the token of the visitor's pages."""
    method, template = row.split()
    path = fill(template, record)
    if template.startswith("/media"):
        path = world.link(visitor, 1)
    if method in ("POST", "DELETE", "PUT", "PATCH"):
        data = {"csrf": token, **FORMS.get(template, {})}
        return visitor.request(method, path, data=data, headers={"x-siaga": "part"}).status_code
    with visitor.stream(method, path) as answer:
        return answer.status_code


def fill(template: str, record: Incident) -> str:
    """Return a route's path with the places of the template's world in it."""
    known = {"incident_id": record.id, "number": "1", "camera_id": record.camera, "identifier": "x",
             "drill_id": "latihan-1", "name": "damkar", "user": "rekan_gambir"}  # fmt: skip
    return template.replace(":path}", "}").format(**known)


def unsafe(world: World) -> Iterator[tuple[str, str]]:
    """Yield method and template of every route that changes something."""
    for route in api_routes(app_of(world)):
        yield from ((method, route.path) for method in route.methods or () if method not in ("GET", "HEAD", "OPTIONS"))


@pytest.mark.parametrize("token", ["", "0" * 64], ids=["no_token", "wrong_token"])
@pytest.mark.parametrize("name", ["", "admin-city"], ids=["signed_out", "admin"])
def test_no_form_changes_anything_without_its_token(
    copy: World, template: tuple[World, Incident], name: str, token: str
) -> None:
    with copy.serve() as url:
        visitor = Visitor(url)
        if name:
            visitor.sign_in(name)
        before = rows_of(copy)
        routes = list(unsafe(copy))
        assert len(routes) > 12
        for method, path in routes:
            data = {"csrf": token, **FORMS.get(path, {})}
            answer = visitor.request(method, fill(path, template[1]), data=data)
            assert answer.status_code == 403 or (not name and answer.status_code == 401), f"{method} {path}"
        assert rows_of(copy) == before


def rows_of(world: World) -> dict[str, list[object]]:
    """Return the rows of all tables but those that only say who is looking."""
    with world.database.reading() as session:
        connection = session.connection()
        names = connection.exec_driver_sql("select name from sqlite_master where type = 'table'").scalars().all()
        return {
            name: list(connection.exec_driver_sql(f'select * from "{name}"'))
            for name in names
            if name not in ("sessions", "sqlite_sequence")
        }


@pytest.fixture
def desk(world: World) -> Iterator[tuple[World, str, Incident]]:
    record = world.raise_incident()
    world.keep(record, "clip", b"klip")
    with world.serve() as url:
        yield world, url, record


@pytest.mark.parametrize("path", ["/tidak-ada", "/docs", "/openapi.json", "/wp-admin", "/static"])
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


@pytest.mark.parametrize("name", ["bos", "teknisi", "piket_gambir", "satpol_pusat"])
def test_no_page_holds_an_inline_script_or_style(desk: tuple[World, str, Incident], name: str) -> None:
    visitor = Visitor(desk[1])
    visitor.sign_in(name)
    pages = 0
    for row in TABLE:
        method, path = row.split()
        if method != "GET" or path.startswith(("/arus", "/media", "/publik", "/static")):
            continue
        answer = visitor.get(fill(path, desk[2]))
        if "text/html" not in answer.headers.get("content-type", ""):
            continue
        pages += 1
        assert "<style" not in answer.text
        assert " style=" not in answer.text
        assert "<script>" not in answer.text
        assert not re.search(r"<[^>]*\son[a-z]+=", answer.text)
        assert len(answer.text.encode()) < 150_000
    assert pages > 10
