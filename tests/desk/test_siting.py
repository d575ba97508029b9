"""The planner's way: request, merge, plan, approve, built, and it counts as coverage; who may, and what is refused."""

import re
from collections.abc import Callable
from typing import Any

import cv2
import httpx
import numpy as np
import pytest

from pipeline.desk.planning import PHOTO_PREFIX, clean_photo, curve_of, sees_plan
from pipeline.desk.publicview.requests import asker
from pipeline.store.needs import NewNeed, add_need, get_need
from pipeline.store.siting import list_installed
from tests.desk.city import add_person
from tests.desk.world import GAMBIR, MANGGARAI, Visitor, World
from tests.waiting import wait_for

Visit = Callable[[str], Visitor]
PLACE = {"lat": "-6,1764", "lng": "106,8267"}
NEED = {**PLACE, "category": "rawan_kebakaran", "asked_by_kind": "rt_rw", "asked_by": "RT 05/RW 02",
        "reason": "Gang sempit, pernah terbakar", "priority": "4"}  # fmt: skip


@pytest.fixture
def planner(world: World, visit: Visit) -> Visitor:
    add_person(world, "perencana", "planner", ["*"])
    return visit("perencana")


def post(visitor: Visitor, path: str, **fields: Any) -> httpx.Response:
    """Send a form as a browser without scripts does, and follow where it leads."""
    token = visitor.token("/sandi")
    return visitor.post(path, data={"csrf": token, **fields}, follow_redirects=True)


def number_of(answer: httpx.Response) -> int:
    """Return the number in the address that a form has led to."""
    found = re.search(r"/(\d+)$", str(answer.url))
    assert found, answer.text[:500]
    return int(found.group(1))


def planned(visitor: Visitor, answer: httpx.Response) -> httpx.Response:
    """Wait until a job is over; return the page of its plan."""
    job = str(answer.url)
    assert "/rencana/kerja/" in job, answer.text[:500]

    def over() -> httpx.Response | None:
        page = visitor.get(job)
        return page if page.status_code == 303 or "fault" in page.text else None

    found = wait_for(over, 120, what="the plan")
    assert found.status_code == 303, found.text
    return visitor.get(found.headers["location"])


def page_with(visitor: Visitor, path: str, text: str) -> httpx.Response:
    """Look at a page until it says something."""

    def look() -> httpx.Response | None:
        page = visitor.get(path)
        return page if text in page.text else None

    return wait_for(look, 120, what=f"{text} on {path}")


def covered(visitor: Visitor) -> str:
    """Wait for the coverage page; return what it says."""
    page = page_with(visitor, "/cakupan", 'id="covered"')
    found = re.search(r'id="covered">(.*?)</p>', page.text)
    assert found
    return found.group(1)


def test_from_request_to_coverage(world: World, planner: Visitor) -> None:
    first = number_of(post(planner, "/kebutuhan", **NEED))
    second_page = post(planner, "/kebutuhan", **{**NEED, "lng": "106,8268", "asked_by": "RT 06/RW 02"})
    second = number_of(second_page)
    assert f'name="other" value="{first}"' in second_page.text
    merged = post(planner, f"/kebutuhan/{second}/gabung", other=str(first))
    assert "RT 05/RW 02" in merged.text
    assert "digabungkan ke sini oleh perencana" in merged.text
    assert "sedang" not in post(planner, f"/kebutuhan/{second}/status", status="dikaji").text
    assert "3 kamera" in covered(planner)
    plan = planned(planner, post(planner, "/rencana", budget="1", name="Uji", method="exact"))
    assert "1 lokasi" in plan.text
    number = number_of(plan)
    refused = post(planner, f"/rencana/{number}/pasang", site=f"permintaan-{second}")
    assert refused.status_code == 409
    assert "Setujui dulu rencana ini." in refused.text
    assert "Sudah dipasang" in post(planner, f"/rencana/{number}/setujui").text
    built = post(planner, f"/rencana/{number}/pasang", site=f"permintaan-{second}")
    assert built.status_code == 200
    assert "Sudah dipasang" not in built.text
    with world.database.reading() as session:
        rows = [get_need(session, one) for one in (first, second)]
        assert [row.status for row in rows if row] == ["dipasang", "dipasang"]
        assert [site.plan_id for site in list_installed(session)] == [number]
    assert "4 kamera" in covered(planner)
    assert post(planner, f"/rencana/{number}/pasang", site=f"permintaan-{second}").status_code == 409
    names = ("laporan.html", "laporan.pdf", "rencana.geojson", "lokasi.csv", "rencana.json")
    files = {name: planner.get(f"/rencana/{number}/unduh/{name}") for name in names}
    assert files["laporan.pdf"].content.startswith(b"%PDF")
    assert "permintaan-" in files["lokasi.csv"].text
    assert all("attachment" in file.headers["content-disposition"] for file in files.values())
    assert planner.get(f"/rencana/{number}/unduh/rahasia").status_code == 404


def test_what_if_by_hand_makes_another_plan(world: World, planner: Visitor) -> None:
    one = number_of(post(planner, "/kebutuhan", **NEED))
    two = number_of(post(planner, "/kebutuhan", **{**NEED, "lat": "-6,2130", "lng": "106,8502", "priority": "1"}))
    plan = planned(planner, post(planner, "/rencana", budget="1", method="greedy"))
    assert f'data-site-row="permintaan-{one}"' in plan.text
    number = number_of(plan)
    other = planned(planner, post(planner, f"/rencana/{number}/andai", force_out=f"permintaan-{one}"))
    assert f'data-site-row="permintaan-{two}"' in other.text
    assert f"Dibanding rencana {number}:" in other.text
    placed = planned(planner, post(planner, f"/rencana/{number}/andai", lat="-6.1766", lng="106.8262"))
    assert 'data-site-row="peta-1"' in placed.text
    refused = post(planner, f"/rencana/{number}/andai", lat="-7", lng="110")
    assert refused.status_code == 409
    assert "di luar kota" in refused.text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lat": "x"}, "Koordinat harus berupa derajat"),
        ({"lat": "-8"}, "di luar kota"),
        ({"reason": " "}, "Isi siapa yang meminta"),
        ({"category": "lain"}, "Isi siapa yang meminta"),
    ],
)
def test_a_request_that_cannot_be_is_told_and_the_form_stays_filled(
    planner: Visitor, changes: dict[str, str], message: str
) -> None:
    answer = post(planner, "/kebutuhan", **{**NEED, **changes})
    assert answer.status_code == 422
    assert message in answer.text
    assert "RT 05/RW 02" in answer.text
    assert "Belum ada permintaan." in planner.get("/kebutuhan").text


def test_an_impossible_budget_and_no_candidates_are_one_clear_sentence(planner: Visitor) -> None:
    assert "bukan jumlah kamera" in post(planner, "/rencana", budget="banyak").text
    job = str(post(planner, "/rencana", budget="5").url)
    page_with(planner, job, "tidak ada calon lokasi")
    assert "Belum ada rencana." in planner.get("/rencana").text


def test_a_rejection_needs_a_reason_and_steps_keep_their_order(planner: Visitor) -> None:
    number = number_of(post(planner, "/kebutuhan", **NEED))
    refused = post(planner, f"/kebutuhan/{number}/status", status="ditolak")
    assert refused.status_code == 409
    assert "penolakan harus disertai alasan" in refused.text
    assert post(planner, f"/kebutuhan/{number}/status", status="dipasang").status_code == 409
    assert (
        "Sudah terlihat" in post(planner, f"/kebutuhan/{number}/status", status="ditolak", reason="Sudah terlihat").text
    )


def test_csv_rows_are_all_checked_and_nothing_is_half_taken(world: World, planner: Visitor) -> None:
    head = "lat,lng,category,asked_by_kind,asked_by,reason\n"
    good = "-6.176,106.826,jalan,OPD,Dishub,Simpang ramai\n"

    def send(text: str, what: str = "needs") -> str:
        fields = {"csrf": planner.token("/sandi"), "what": what}
        return planner.post("/impor", data=fields, files={"file": ("data.csv", text.encode())}).text

    bad = send(head + good + "-6.176,106.826,tawa,OPD,Dishub,x\n1,2,jalan,OPD,Dishub,x\n")
    assert "3: category:" in bad
    assert "4: lat:" in bad
    assert "/tmp" not in bad
    assert "Belum ada permintaan." in planner.get("/kebutuhan").text
    assert "1 permintaan diterima dari data.csv." in send(head + good)
    assert "sudah pernah diimpor" in send(head + good)
    spots = "source,category,lat,lng,at\n112,rawan_banjir,-6.176,106.826,2026-01-05\n"
    assert "1 titik rawan diterima" in send(spots, "hotspots")
    assert "112: 1" in planner.get("/kebutuhan").text


def test_planners_see_their_own_area_alone(world: World, visit: Visit) -> None:
    add_person(world, "perencana_gambir", "planner", [GAMBIR])
    with world.database.session() as session:
        need = NewNeed(-6.2135, 106.85, "jalan", "rt_rw", "RT 01", MANGGARAI, "gelap")
        other = add_need(session, need, "x", world.clock()).id
    visitor = visit("perencana_gambir")
    assert visitor.get(f"/kebutuhan/{other}").status_code == 404
    assert "Belum ada permintaan." in visitor.get("/kebutuhan").text
    assert "di luar wilayah Anda" in post(visitor, "/kebutuhan", **{**NEED, "lat": "-6.2135", "lng": "106.85"}).text
    assert visit("piket_gambir").get("/kebutuhan").status_code == 403
    assert not sees_plan([GAMBIR], {"areas": ["*"]})
    assert sees_plan(["31.71"], {"areas": [GAMBIR]})
    assert not sees_plan([GAMBIR], {})


def test_a_photo_loses_what_the_phone_wrote_and_nothing_else_is_served_as_one(world: World, planner: Visitor) -> None:
    image = np.full((1500, 2000, 3), 90, np.uint8)
    jpeg = bytes(cv2.imencode(".jpg", image)[1])
    marked = jpeg[:2] + b"\xff\xe1\x00\x10Exif-GPS-secret"[:18] + jpeg[2:]
    fields = {"csrf": planner.token("/sandi"), **NEED}
    answer = planner.post("/kebutuhan", data=fields, files={"photo": ("a.jpg", marked)}, follow_redirects=True)
    photo = planner.get(f"/kebutuhan/{number_of(answer)}/foto")
    assert photo.headers["content-type"] == "image/jpeg"
    assert b"secret" not in photo.content
    assert planner.post("/kebutuhan", data=fields, files={"photo": ("a.jpg", b"<svg>")}).status_code == 422
    assert clean_photo(b"\xff\xd8\xff\xc0\x00\x11\x08\xff\xff\xff\xff" + b"\0" * 20) is None
    with world.database.session() as session:
        need = NewNeed(-6.176, 106.826, "jalan", "opd", "x", GAMBIR, "x", 3, "clips/kejadian-1/cam.mp4")
        number = add_need(session, need, "x", world.clock()).id
    assert planner.get(f"/kebutuhan/{number}/foto").status_code == 404
    assert PHOTO_PREFIX not in planner.get(f"/kebutuhan/{number}").text


@pytest.mark.parametrize(
    ("kind", "told", "who"),
    [
        ("rt_rw", "RT 05/RW 2, Pak Budi 0812345", "RT 05/RW 02"),
        ("rt_rw", "Ibu Siti", "warga"),
        ("opd", "Dishub, Pak Amir", "instansi kota"),
    ],
)
def test_the_public_reads_no_names(kind: str, told: str, who: str) -> None:
    assert asker(kind, told)[0] == who


def test_a_curve_is_drawn_only_where_there_is_need() -> None:
    told = {"coverage": {"need": 0, "seen": 0}, "curve": [], "sites": [], "after": 0}
    assert curve_of(told) is None
    points = [{"used": 10, "value_micro": 2_000_000, "bound_micro": 3_000_000}]
    drawn = curve_of({"coverage": {"need": 10, "seen": 1}, "curve": points, "sites": [1] * 10, "after": 3})
    assert drawn is not None
    assert [label for _, label in drawn.across] == ["0", "10"]
