"""The desk's bench in miniature: its figures mean nothing here, but every desk gets each change exactly once."""

from pipeline.bench.desk import Change, Load, compare, measure_desk
from pipeline.bench.desk_city import Seat

TINY = Load(desks=24, everywhere=4, cameras=60, incidents=6, seconds=3, readers=200, reader_s=2, lines=10)


def test_each_desk_gets_each_change_of_its_area_once_and_citizens_cost_no_render() -> None:
    result = measure_desk(TINY)
    live, public = result["live"], result["public"]
    assert live["wanted"] > 4 * (60 + 2 * 6)
    assert (live["missing"], live["repeated"], live["foreign"], live["again"]) == (0, 0, 0, 0)
    assert live["camera_ms"]["p95"] > 0
    assert live["incident_ms"]["p95"] > 0
    assert set(live["answers"]) == {"/isi 200", "/keadaan 200"}
    assert live["desk_memory_mb"] > 0
    assert public["answers"] == {"/publik 200": 400}
    assert public["renders"] <= 1 + public["wall_s"] / public["every_s"]


def test_what_is_missing_comes_twice_or_came_to_the_wrong_desk_is_counted() -> None:
    seats = [Seat("satu", "", "31.71.01.1001"), Seat("dua", "", "31.74.01.1007")]
    changes = [
        Change("camera", "a", "lost", "31.71.01.1001", 1000.0),
        Change("camera", "b", "lost", "31.71.01.1001", 2000.0),
        Change("incident", "c", "opened", "31.74.01.1007", 3000.0),
    ]
    arrivals = [
        (0, "camera", "a", "lost", 1100.0),
        (0, "camera", "a", "lost", 1200.0),
        (1, "camera", "a", "lost", 1100.0),
        (1, "incident", "c", "opened", 3300.0),
        (1, "again", "", "", 3400.0),
    ]
    found = compare(changes, seats, arrivals)
    assert {key: found[key] for key in ("wanted", "missing", "repeated", "foreign", "again")} == {
        "wanted": 3,
        "missing": 1,
        "repeated": 1,
        "foreign": 1,
        "again": 1,
    }
    assert found["camera_ms"]["most"] == 100.0
    assert found["incident_ms"]["most"] == 300.0
