"""`/audit`: what stands there, filters, and whether the chain holds."""

import re
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from pipeline.store import people
from pipeline.store.anchors import kept_anchors
from pipeline.store.audit import audit
from pipeline.store.audit_tables import AuditHeadRow, AuditRow
from tests.desk.world import HASH, Visitor, World
from tests.waiting import wait_for

ROW = re.compile(r'<tr><td class="num">(\d+)</td>')
DAY_MS = 86_400_000


@pytest.fixture
def auditor(world: World, url: str) -> Visitor:
    with world.database.session() as session:
        people.add_user(session, "pak_audit", HASH, "auditor", ["*"], 1)
    visitor = Visitor(url)
    visitor.sign_in("pak_audit")
    return visitor


def write(world: World, count: int, actor: str = "budi", what: str = "clip.viewed", days_ago: int = 0) -> None:
    with world.database.session() as session:
        for number in range(count):
            detail = {"incident": f"kejadian-{number}", "mengapa": "<script>alert(1)</script>"}
            audit(session, actor, what, f"klip-{number}", detail, world.clock() - days_ago * DAY_MS)


def test_the_auditor_begins_here_and_sees_nothing_else(auditor: Visitor) -> None:
    assert auditor.get("/").headers["location"] == "/audit"
    page = auditor.get("/audit").text
    assert "sign_in.ok" in page
    assert 'href="/kamera"' not in page
    assert "live.js" not in page, "the live stream is not for them"
    assert auditor.get("/kamera").status_code == 403


def test_rows_are_found_by_who_what_about_and_day(world: World, auditor: Visitor) -> None:
    write(world, 3)
    write(world, 2, "sari", "incident.decided")
    write(world, 1, "lama", "incident.decided", days_ago=9)

    def found(**asked: str) -> int:
        return len(ROW.findall(auditor.get("/audit", params=asked).text))

    assert found(siapa="budi") == 3
    assert found(apa="incident.decided") == 3
    assert found(siapa="sari", tentang="klip-1") == 1
    assert found(siapa="lama", sejak="2020-01-01") == 1
    assert found(siapa="lama", sampai="2020-01-01") == 0
    assert found(siapa="%") == found(siapa="budi", tentang="klip_") == found(siapa="nul\0") == 0
    assert found(siapa="lama", sejak="kemarin", n="x") == 1
    assert "<script>alert" not in auditor.get("/audit").text


def test_older_rows_are_a_page_away(world: World, auditor: Visitor) -> None:
    write(world, 150)
    first = auditor.get("/audit?siapa=budi").text
    link = re.search(r'href="(/audit\?siapa=budi&amp;n=\d+)"', first)
    assert link
    second = auditor.get(link.group(1).replace("&amp;", "&")).text
    numbers = [int(n) for n in ROW.findall(first) + ROW.findall(second)]
    assert len(numbers) == 150
    assert numbers == sorted(numbers, reverse=True)


def test_a_whole_chain_and_a_broken_one_are_said(world: World, auditor: Visitor) -> None:
    write(world, 5)
    assert "Ujungnya utuh" in auditor.get("/audit").text
    checked = auditor.post("/audit/periksa", data={"csrf": auditor.token("/audit")})
    assert "Utuh: semua" in checked.text
    with world.database.session() as session:
        session.execute(sa.update(AuditRow).where(AuditRow.n == 3).values(actor="orang lain"))
    page = auditor.get("/audit").text
    assert "RUSAK" in page
    assert "row 3 was altered" in page


def test_rows_cut_off_at_the_end_are_said_because_the_desk_keeps_anchors(world: World, auditor: Visitor) -> None:
    write(world, 5)
    with world.serve():  # a desk that begins keeps the head
        wait_for(lambda: len(kept_anchors(world.settings)) > 0)
    with world.database.session() as session:
        session.execute(sa.delete(AuditRow).where(AuditRow.n > 2))
        last = session.scalar(sa.select(AuditRow.hash).where(AuditRow.n == 2))
        session.execute(sa.update(AuditHeadRow).values(n=2, hash=last))
    page = auditor.get("/audit").text
    assert "RUSAK" in page
    assert "rows were removed" in page


def test_a_file_of_anchors_that_was_tampered_with_is_said(world: World, auditor: Visitor) -> None:
    world.settings.data_path("audit.anchors").write_text("bukan jangkar\n")
    page = auditor.get("/audit").text
    assert "RUSAK" in page
    assert "not a line" in page


def test_what_people_do_stands_in_the_audit(world: World, auditor: Visitor, visit: Callable[[str], Visitor]) -> None:
    record = world.raise_incident()
    world.keep(record, "clip", b"klip")
    officer = visit("piket_gambir")
    officer.submit(f"/kejadian/{record.id}/putusan", decision="accepted", expected="waiting")
    officer.get(world.link(officer, 2))
    officer.submit("/keluar", part=False)
    Visitor(str(officer.base_url)).sign_in("piket_gambir", "salah")
    with world.database.reading() as session:
        said = set(session.execute(sa.select(AuditRow.what, AuditRow.actor)).tuples())
    actions = {what for what, actor in said if actor == "piket_gambir"}
    assert {"sign_in.ok", "clip.viewed", "sign_out", "sign_in.failed"} <= actions
    assert any(what.startswith("incident.") for what in actions)
