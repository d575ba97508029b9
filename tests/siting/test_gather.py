"""From the database to a plan and back: a request that is built counts as coverage; only true incidents count."""

import json
from pathlib import Path

import pytest

from pipeline.bus.records import Incident
from pipeline.city.registry import Camera, Registry, load_kelurahan
from pipeline.ops.settings import Settings
from pipeline.siting.gather import verdicts_worth
from pipeline.siting.intake import study_of, take_hotspots, write_coverage
from pipeline.siting.money import Budget
from pipeline.siting.plan import Ask, make_plan
from pipeline.store import needs, siting
from pipeline.store.cameras import CameraState, save_state
from pipeline.store.database import Database, open_database
from pipeline.store.incidents import apply_incident
from pipeline.store.tables import IncidentRow
from tests.shared import REPO
from tests.siting.world import KELURAHAN, NOW, write
from tests.store.making import incident

HOME = "31.74.01.1007"
DAY_MS = 86_400_000


@pytest.fixture
def here(tmp_path: Path) -> Settings:
    return Settings.model_validate({"base": REPO / "configs", "data_dir": tmp_path / "var"})


@pytest.fixture
def database(here: Settings) -> Database:
    opened = open_database(here)
    opened.migrate()
    return opened


def registry() -> Registry:
    camera = Camera("cam-1", "Pasar", "rtsp://192.0.2.1/1", HOME, -6.2135, 106.8511, bearing=90, angle=80, range_m=90)
    round_ = Camera("cam-2", "Stasiun", "rtsp://192.0.2.1/2", HOME, -6.2100, 106.8500)
    return Registry({"cam-1": camera, "cam-2": round_}, load_kelurahan(KELURAHAN))


def test_a_request_walks_from_plan_to_coverage(here: Settings, database: Database) -> None:
    wish = needs.NewNeed(-6.2200, 106.8600, "rawan_banjir", "opd", "SDA", HOME, "sering tergenang", 5)
    with database.session() as session:
        one, two = needs.add_needs(session, [wish, wish], "sari", NOW)
        needs.merge_needs(session, one.id, [two.id], "sari", NOW)
    before = study_of(here, registry(), database, clock=lambda: NOW)
    plan = make_plan(before, Ask(Budget(1, money=False)))
    site = plan.candidates[plan.solution.sites[0]]
    assert site.need == str(one.id)
    with database.session() as session:
        row = siting.save_plan(session, "R", "sari", "1 kamera", {}, {}, NOW)
        assert siting.approve_plan(session, row.id, [int(site.need)], "kepala", NOW) == [one.id]
        built = siting.NewSite(site.lat, site.lng, site.range_m, site.kelurahan, plan_id=row.id, site=site.id)
        siting.install_site(session, built, [one.id], "dishub", NOW)
        again = needs.add_need(session, wish, "budi", NOW)
    after = study_of(here, registry(), database, clock=lambda: NOW)
    (point,) = after.demand.of("request")
    assert after.demand.spots[point].ref == str(again.id), "what is built does not wait any more"
    assert before.sight.share.tolist() == [0]
    assert after.sight.share[point] == 1
    assert [view.id for view in after.inputs.views] == ["cam-1", "cam-2", "terpasang-1"]
    with database.session() as session:
        siting.name_camera(session, 1, "cam-2")
    assert len(study_of(here, registry(), database).inputs.views) == 2, "its row in the registry counts instead"


def test_availability_comes_from_the_log_and_views_from_the_registry(here: Settings, database: Database) -> None:
    with database.session() as session:
        save_state(session, CameraState("cam-1", "live", NOW - 2 * DAY_MS, "", NOW - 2 * DAY_MS))
        save_state(session, CameraState("cam-1", "dark", NOW - DAY_MS, "black", NOW - DAY_MS))
    inputs = study_of(here, registry(), database, clock=lambda: NOW).inputs
    assert 0 < inputs.live["cam-1"].mean < 0.51
    assert inputs.live["cam-2"].mean == inputs.live["cam-1"].mean
    assert (inputs.views[0].bearing, inputs.views[0].range_m, inputs.views[1].range_m) == (90, 90, 60)
    notes = " ".join(inputs.notes)
    assert "1 dari 2 kamera tanpa arah" in notes
    assert "1 dari 2 kamera tanpa catatan" in notes
    assert "bias tidak terkoreksi" in notes


def opened(database: Database, id_: str, decision: str, at_ms: int, camera: str = "cam-1") -> None:
    record: Incident = incident(
        id_, camera=camera, kelurahan=HOME, opened_ms=at_ms, first_seen_ms=at_ms, updated_ms=at_ms
    )
    with database.session() as session:
        apply_incident(session, record, NOW)
        row = session.get(IncidentRow, id_)
        assert row is not None
        row.decision = decision  # type: ignore[assignment]


def test_only_incidents_that_nobody_called_false_count(here: Settings, database: Database) -> None:
    opened(database, "true", "done", NOW - DAY_MS)
    opened(database, "false", "false_alarm", NOW - DAY_MS)
    opened(database, "old", "done", NOW - 4 * 365 * DAY_MS)
    opened(database, "gone", "done", NOW - DAY_MS, "cam-99")
    study = study_of(here, registry(), database, clock=lambda: NOW)
    assert [spot.ref for spot in study.demand.spots] == ["true"]
    assert study.demand.spots[0].category == "rawan_kebakaran"
    assert [idle.camera for idle in study.idle] == ["cam-2"]
    with database.reading() as session:
        assert verdicts_worth(session, NOW - 2 * DAY_MS) == {"cam-1": 1, "cam-99": 1}


def test_coverage_is_written_with_its_hotspots(here: Settings, tmp_path: Path) -> None:
    rows = [
        "source,category,lat,lng,at",
        "BPBD,rawan_banjir,-6.2135,106.8512,2026-03-01",
        "112,jalan,-6.3,106.85,2026-03-01",
    ]
    take_hotspots(here, write(tmp_path, "h.csv", rows), clock=lambda: NOW)
    out = tmp_path / "deep" / "coverage.json"
    assert "kelurahan buta" in write_coverage(here, out)
    told = json.loads(out.read_text())
    assert told["cameras"] == 1
    assert {row["name"] for row in told["by_category"]} == {"rawan_banjir", "jalan"}
    assert len(told["by_hour"]) == 24
    assert len(told["by_kelurahan"]) == 267
