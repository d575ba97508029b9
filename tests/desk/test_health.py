from collections.abc import Callable

import httpx

from pipeline.desk.health import STAGES, camera_counts, judge, judge_stage, report
from pipeline.store.cameras import CameraState
from pipeline.store.health import StoredHealth, save_health
from tests.desk.world import Visitor, World

NOW = 1_000_000


def word(instance: str, age_s: float, ok: bool = True, stage: str = "grab", reason: str = "working") -> StoredHealth:
    return StoredHealth(stage, instance, NOW - int(age_s * 1000), ok, reason)


def test_a_stage_that_never_spoke_is_not_well() -> None:
    view = judge_stage("grab", [], NOW, 15_000)
    assert (view.ok, view.reason) == (False, "has not reported yet")


def test_a_silent_stage_is_not_well() -> None:
    view = judge_stage("grab", [word("grab-0", 20)], NOW, 15_000)
    assert (view.ok, view.reason) == (False, "silent for 20 s")


def test_a_stage_that_complains_is_not_well_and_says_why() -> None:
    view = judge_stage("grab", [word("a", 1), word("b", 1, ok=False, reason="bus away")], NOW, 15_000)
    assert (view.ok, view.reason) == (False, "b: bus away")


def test_a_dead_instance_beside_its_successor_is_named_but_no_fault() -> None:
    view = judge_stage("grab", [word("grab-1", 60), word("grab-2", 1)], NOW, 15_000)
    assert view.ok
    assert view.silent == ("grab-1",)


def test_all_stages_are_judged() -> None:
    views = judge([word(stage, 1, stage=stage) for stage in STAGES], NOW, 15_000)
    ok, body = report(views, {"live": 2}, desk_ok=True)
    assert ok
    assert list(body["stages"]) == [*STAGES, "desk"]
    assert not report(views, {}, desk_ok=False)[0]


def test_cameras_are_counted_by_state() -> None:
    states = {"a": CameraState("a", "live", 0), "b": CameraState("b", "lost", 0)}
    assert camera_counts(["a", "b", "c"], states) == {"live": 1, "lost": 1, "unknown": 1}


def test_healthz_is_open_tells_reasons_and_no_secret(world: World, url: str) -> None:
    well = httpx.get(f"{url}/healthz")
    assert well.status_code == 200
    assert well.json()["cameras"] == {"live": 3}
    assert "set-cookie" not in well.headers
    bad = StoredHealth("alert", "alert-0", world.clock(), False, "smtp://u:rahasia@x refuses")
    with world.database.session() as session:
        save_health(session, bad)
    ill = httpx.get(f"{url}/healthz")
    assert ill.status_code == 503
    assert ill.json()["stages"]["alert"] == {
        "ok": False,
        "reason": "alert-0: smtp://x refuses",
        "last_ms": bad.at_ms,
        "instances": 1,
        "silent": [],
    }
    assert "rahasia" not in ill.text


def test_a_stage_that_stands_still_is_told_on_the_desk(world: World, visit: Callable[[str], Visitor]) -> None:
    assert "Awasi kamera" not in visit("piket_gambir").get("/").text
    with world.database.session() as session:
        save_health(session, StoredHealth("detect", "detect-0", world.clock() - 60_000, True, "working"))
    text = visit("piket_gambir").get("/").text
    assert "Pengenal gambar tidak bekerja" in text
    assert "Sistem sedang tidak melihat." in text
    assert "Tidak ada kejadian." not in text


def test_an_overload_is_said_on_the_desk_and_is_no_outage(world: World, visit: Callable[[str], Visitor]) -> None:
    detail = {"overload": 1, "shed": 40, "waiting": 300}
    with world.database.session() as session:
        save_health(session, StoredHealth("detect", "detect-0", world.clock(), True, "overloaded", detail))
    text = visit("piket_gambir").get("/").text
    assert "Pengenal gambar kelebihan beban" in text
    assert "gambar rutin tetap diperiksa" in text
    assert "Sistem sedang tidak melihat." not in text
    assert "overloaded" in visit("piket_gambir").get("/healthz").json()["stages"]["detect"]["reason"]
