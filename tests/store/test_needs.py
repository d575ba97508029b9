"""Requests for cameras: their steps, their merging, their history; plans and what was built."""

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from pipeline.ops.errors import StoreError
from pipeline.store import needs, siting
from pipeline.store.database import Database
from pipeline.store.needs import NeedError, NewNeed
from tests.store.making import T0


def wish(**changes: object) -> NewNeed:
    values: dict[str, object] = {
        "lat": -6.2, "lng": 106.85, "category": "rt_rw", "asked_by_kind": "rt_rw", "asked_by": "RT 05/RW 02",
        "kelurahan": "31.74.01.1007", "reason": "gelap pada malam hari", "priority": 3,
    }  # fmt: skip
    return NewNeed(**{**values, **changes})  # type: ignore[arg-type]


def steps(session: Session, need_id: int) -> list[str]:
    return [event.what for event in needs.history(session, need_id)]


def test_a_request_walks_to_an_installed_camera_with_its_history(database: Database) -> None:
    with database.session() as session:
        row = needs.add_need(session, wish(), "budi", T0)
        needs.set_status(session, row.id, "dikaji", "sari", T0 + 1)
        plan = siting.save_plan(session, "Rencana 2027", "sari", "10 kamera", {"budget": 10}, {"sites": []}, T0 + 2)
        assert siting.approve_plan(session, plan.id, [row.id, 999], "kepala", T0 + 3) == [row.id]
        site = siting.NewSite(-6.2, 106.85, 60, "31.74.01.1007", plan_id=plan.id, site="req-1")
        built = siting.install_site(session, site, [row.id], "dishub", T0 + 4)
        siting.name_camera(session, built.id, "cam-77")
    with database.reading() as session:
        assert steps(session, row.id) == ["diajukan", "dikaji", "disetujui", "dipasang"]
        found = needs.get_need(session, row.id)
        assert found is not None
        assert found.status == "dipasang"
        assert siting.list_installed(session)[0].camera == "cam-77"
        approved = siting.get_plan(session, plan.id)
        assert approved is not None
        assert (approved.state, approved.approved_by) == ("approved", "kepala")
        assert [each.id for each in siting.list_plans(session)] == [plan.id]


def test_what_was_approved_or_built_is_not_done_twice(database: Database) -> None:
    with database.session() as session:
        plan = siting.save_plan(session, "R", "sari", "1", {}, {}, T0)
        siting.approve_plan(session, plan.id, [], "kepala", T0)
        with pytest.raises(StoreError, match="sudah disetujui"):
            siting.approve_plan(session, plan.id, [], "kepala", T0)
        site = siting.NewSite(-6.2, 106.85, 60, "31.74.01.1007", plan_id=plan.id, site="a")
        siting.install_site(session, site, [], "dishub", T0)
        with pytest.raises(StoreError, match="sudah dipasang"):
            siting.install_site(session, site, [], "dishub", T0)
        for call in (
            lambda: siting.approve_plan(session, 99, [], "x", T0),
            lambda: siting.name_camera(session, 99, "cam"),
            lambda: needs.set_status(session, 99, "dikaji", "x", T0),
        ):
            with pytest.raises(StoreError, match="tidak dikenal"):
                call()


def test_steps_that_are_not_allowed_change_nothing(database: Database) -> None:
    with database.session() as session:
        row = needs.add_need(session, wish(), "budi", T0)
        with pytest.raises(NeedError, match="dari diajukan tidak dapat menjadi dipasang"):
            needs.set_status(session, row.id, "dipasang", "x", T0)
        with pytest.raises(NeedError, match="alasan"):
            needs.set_status(session, row.id, "ditolak", "x", T0, "  ")
        needs.set_status(session, row.id, "ditolak", "x", T0, "sudah ada kamera")
        assert steps(session, row.id) == ["diajukan", "ditolak"]
        assert needs.list_needs(session, statuses=["diajukan"]) == []


def test_merging_keeps_the_most_urgent_and_every_history(database: Database) -> None:
    with database.session() as session:
        one, two, three = needs.add_needs(
            session, [wish(), wish(priority=5, photo="needs/2.jpg"), wish(asked_by="RT 06/RW 02")], "budi", T0, "file-1"
        )
        needs.merge_needs(session, two.id, [three.id], "sari", T0 + 1)
        kept = needs.merge_needs(session, one.id, [two.id], "sari", T0 + 2)
        assert (kept.priority, kept.photo) == (5, "needs/2.jpg")
        assert [row.id for row in needs.list_needs(session)] == [one.id]
        assert [row.id for row in needs.merged_with(session, one.id)] == [two.id, three.id]
        assert steps(session, two.id) == ["diajukan", "merged", "merged_into"]
        needs.set_status(session, one.id, "dikaji", "sari", T0 + 3)
        assert {row.status for row in needs.list_needs(session, merged=True)} == {"dikaji"}
        with pytest.raises(NeedError, match="sudah digabungkan"):
            needs.set_status(session, two.id, "disetujui", "x", T0)
        assert needs.known_batch(session, "file-1") == 3


def test_what_does_not_belong_together_is_not_merged(database: Database) -> None:
    with database.session() as session:
        one, flood = needs.add_needs(session, [wish(), wish(category="rawan_banjir")], "budi", T0)
        done = needs.add_need(session, wish(), "budi", T0)
        needs.set_status(session, done.id, "ditolak", "x", T0, "ganda")
        for other, message in (
            (flood.id, "kategori"),
            (done.id, "ditolak"),
            (one.id, "dirinya"),
            (77, "tidak dikenal"),
        ):
            with pytest.raises(NeedError, match=message):
                needs.merge_needs(session, one.id, [other], "x", T0)
        with pytest.raises(NeedError, match="tidak ada"):
            needs.merge_needs(session, one.id, [], "x", T0)
        assert len(needs.list_needs(session)) == 3


def test_requests_are_found_by_area_and_category(database: Database) -> None:
    with database.session() as session:
        needs.add_needs(session, [wish(), wish(kelurahan="31.71.01.1001", category="jalan")], "budi", T0)
        assert len(needs.list_needs(session, areas=["31.74"])) == 1
        assert len(needs.list_needs(session, category="jalan")) == 1
        assert needs.list_needs(session, areas=[]) == []


def test_hotspots_of_one_file_are_kept_once(database: Database) -> None:
    spots = [siting.NewHotspot("112", "rawan_kebakaran", -6.2, 106.8, "31.74.01.1007", T0, True, 2.0)]
    with database.session() as session:
        assert siting.add_hotspots(session, spots * 2, "a" * 64) == 2
        assert siting.add_hotspots(session, spots, "a" * 64) == 0
        assert siting.add_hotspots(session, [], "b" * 64) == 0
        assert siting.hotspot_sources(session) == {"112": 2}
        assert len(siting.list_hotspots(session, T0, T0 + 1)) == 2
        assert siting.list_hotspots(session, T0 + 1) == []


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(moves=st.lists(st.sampled_from(["dikaji", "disetujui", "ditolak", "dipasang"]), max_size=8))
def test_whatever_is_tried_the_history_is_a_walk_along_the_steps(database: Database, moves: list[str]) -> None:
    with database.session() as session:
        row = needs.add_need(session, wish(), "budi", T0)
        for move in moves:
            allowed = move in needs.STEPS[row.status]
            try:
                needs.set_status(session, row.id, move, "x", T0, "sebab")  # type: ignore[arg-type]
                assert allowed
            except NeedError:
                assert not allowed
        walk = steps(session, row.id)
        assert all(after in needs.STEPS[before] for before, after in pairwise(walk))  # type: ignore[index]
        assert walk[-1] == row.status
