"""Search and evidence packages through the real application."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from pipeline.desk.package_check import verify_package
from pipeline.desk.routes.search import parse_place
from pipeline.store.audit import entries, verify
from tests.desk.world import MANGGARAI, Visitor, World

Visit = Callable[[str], Visitor]


def audited(world: World, what: str) -> list[tuple[str, str]]:
    with world.database.reading() as session:
        assert verify(session).ok
        return [(entry.actor, entry.subject) for entry in entries(session) if entry.what == what]


def test_a_package_is_whole_and_who_took_it_is_written_down(world: World, visit: Visit, tmp_path: Path) -> None:
    record = world.raise_incident()
    world.keep(record, "clip", b"klip" * 200_000)
    visitor = visit("satpol_pusat")
    assert f"/kejadian/{record.id}/paket.zip" in visitor.get(f"/kejadian/{record.id}").text
    answer = visitor.get(f"/kejadian/{record.id}/paket.zip")
    assert answer.headers["content-disposition"] == f'attachment; filename="siaga-{record.id}.zip"'
    file = tmp_path / "paket.zip"
    file.write_bytes(answer.content)
    assert verify_package(file) == []
    assert len(answer.content) > 800_000
    assert audited(world, "package.taken") == audited(world, "package.sent") == [("satpol_pusat", record.id)]
    assert visit("satpol_selatan").get(f"/kejadian/{record.id}/paket.zip").status_code == 404
    assert len(audited(world, "package.taken")) == 1


def test_a_package_with_a_missing_clip_has_no_end(world: World, visit: Visit) -> None:
    record = world.raise_incident()
    world.evidence.delete(f"stills/{record.id}/{record.camera}.jpg")
    visitor = visit("satpol_pusat")
    with pytest.raises(httpx.HTTPError):
        visitor.get(f"/kejadian/{record.id}/paket.zip")
    assert audited(world, "package.sent") == []


def test_search_by_kind_text_and_area(world: World, visit: Visit) -> None:
    world.raise_incident(1)
    world.raise_incident(2, kind="smoke", camera="cam-gambir-2")
    world.raise_incident(3, kelurahan=MANGGARAI, camera="cam-manggarai")
    here, everywhere = visit("satpol_pusat"), visit("bos")
    assert "2 kejadian cocok" in here.get("/cari").text
    assert "3 kejadian cocok" in everywhere.get("/cari").text
    assert "1 kejadian cocok" in here.get("/cari", params={"kind": "smoke"}).text
    assert "1 kejadian cocok" in here.get("/cari", params={"place": "pejambon"}).text
    assert "1 kejadian cocok" in everywhere.get("/cari", params={"place": "Tebet"}).text
    assert "0 kejadian cocok" in here.get("/cari", params={"place": "Tebet"}).text
    assert "2 kejadian cocok" in here.get("/cari", params={"verdict": "none"}).text
    page = here.get("/cari", params={"text": '"><script>alert(1)</script>\0'})
    assert page.status_code == 200
    assert "<script>alert" not in page.text


def test_csv_holds_what_the_area_holds_and_is_written_down(world: World, visit: Visit) -> None:
    for number in range(1, 8):
        world.raise_incident(number, still=False)
    world.raise_incident(9, kelurahan=MANGGARAI, camera="cam-manggarai", still=False)
    answer = visit("satpol_pusat").get("/cari.csv", params={"kind": "fire"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert sorted(row["id"] for row in rows) == [f"kejadian-{number}" for number in range(1, 8)]
    assert audited(world, "search.exported") == [("satpol_pusat", "cari.csv")]


def test_pages_of_csv_and_list_leave_nothing_out(world: World, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.desk.routes.search.PAGE", 3)
    monkeypatch.setattr("pipeline.desk.routes.search.CSV_PAGE", 3)
    for number in range(1, 8):
        world.raise_incident(number, still=False)
    visitor = visit("satpol_pusat")
    rows = list(csv.DictReader(io.StringIO(visitor.get("/cari.csv").text)))
    assert len({row["id"] for row in rows}) == 7
    seen: list[str] = []
    address: str | None = "/cari"
    while address:
        text = visitor.get(address).text
        seen += [part.split('"')[0] for part in text.split('<li><a href="/kejadian/')[1:]]
        more = text.partition('class="btn more" href="')[2].partition('"')[0]
        address = more.replace("&amp;", "&") or None
    assert sorted(seen) == [f"kejadian-{number}" for number in range(1, 8)]


def test_saved_searches_are_ones_own(world: World, visit: Visit) -> None:
    mine, other = visit("satpol_pusat"), visit("bos")
    answer = mine.submit("/cari/simpan", part=False, name="Asap malam", query="kind=smoke&gosip=1&place=Jl.+%26+x")
    assert answer.headers["location"] == "/cari?kind=smoke&place=Jl.+%26+x"
    assert "Asap malam" in mine.get("/cari").text
    assert "Asap malam" not in other.get("/cari").text
    assert other.submit("/cari/hapus/1").status_code == 404
    assert mine.submit("/cari/simpan", name="  ").status_code == 422
    assert mine.submit("/cari/hapus/1", part=False).headers["location"] == "/cari"
    assert "Asap malam" not in mine.get("/cari").text


@pytest.mark.parametrize("text", ["", "~", "1", "x~a", "1~", "99999999999999999999~a", "1~\0", "²~a"])
def test_what_is_no_place_begins_at_the_top(text: str) -> None:
    assert parse_place(text) is None
    assert parse_place("5~kejadian-1") == (5, "kejadian-1")
